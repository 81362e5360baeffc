import { spawnSync } from "node:child_process";

/** Figures of several runs. */
export interface Figures {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarise(values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1]!, min: sorted[0]!, max: sorted[sorted.length - 1]! };
}

export interface ProgramRun {
  readonly milliseconds: number;
  readonly stdout: string;
}

/** Runs a program to its end and times it as a whole. */
export function runProgram(command: string, args: readonly string[]): ProgramRun {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return { milliseconds, stdout };
}

/**
 * Runs a program to its end and returns the processor time it took, in milliseconds: for short programs that do not wait, that
 * is the time until they end on an idle machine, and it depends less on what else is running.
 */
export function processorTime(command: string, args: readonly string[]): number {
  // `times` prints two lines with user and system time: of the shell, and of what it ran. That of bash has milliseconds.
  const { stdout } = runProgram("bash", ["-c", '"$@" >/dev/null && times', "bash", command, ...args]);
  const [user = 0, system = 0] = [
    ...(stdout.trim().split("\n").at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g),
  ].map(([, minutes, seconds]) => 60_000 * Number(minutes) + 1000 * Number(seconds));
  return user + system;
}

/** Runs the works in turn, `rounds` times each, so that a change of the machine's speed meets all of them alike. */
export function alternate<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, () => number>>,
): Record<Name, Figures> {
  const names = Object.keys(works) as Name[];
  const values = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) values.get(name)?.push(works[name]());
  }
  return Object.fromEntries(names.map((name) => [name, summarise(values.get(name) ?? [])])) as Record<
    Name,
    Figures
  >;
}

export function formatFigures({ median, min, max }: Figures, unit: string, digits = 0): string {
  return `${median.toFixed(digits)} ${unit} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
