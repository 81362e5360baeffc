import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "../support/run.js";

/** Rounds of every benchmark: each work runs once in a round. */
export const ROUNDS = 5;

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

/** Like {@link alternate}, for asynchronous works. A first round is not counted, so that V8 has compiled all works. */
export async function alternateAsync<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, Figures>> {
  const names = Object.keys(works) as Name[];
  const values = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const value = await works[name]();
      if (round > 0) values.get(name)?.push(value);
    }
  }
  const figures = names.map((name) => [name, summarise(values.get(name) ?? [])]);
  return Object.fromEntries(figures) as Record<Name, Figures>;
}

/** What several passes over a list have in common. */
export interface Passes {
  /** How many elements match. */
  readonly matched: number;
  /** Nanoseconds for each element. */
  readonly ns: number;
}

/** Passes over a list for some time, at least once. */
export function repeat<T>(
  list: readonly T[],
  matches: (element: T) => boolean,
  milliseconds: number,
): Passes {
  const start = performance.now();
  let elapsed: number;
  let matched: number;
  let passes = 0;
  do {
    matched = count(list, matches);
    passes++;
    elapsed = performance.now() - start;
  } while (elapsed < milliseconds);
  return { matched, ns: (1e6 * elapsed) / (passes * list.length) };
}

/** How many elements match, in one pass. */
export function count<T>(list: readonly T[], matches: (element: T) => boolean): number {
  let matched = 0;
  for (let index = 0; index < list.length; index++) if (matches(list[index]!)) matched++;
  return matched;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** A figure that was recorded elsewhere, without a spread. */
export function recorded(value: number): Figures {
  return { median: value, min: value, max: value };
}

/** Runs a benchmark with an empty folder, which is removed afterwards. */
export async function inTemporaryFolder<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The version that a program reports; undefined if it is not installed. */
export function programVersion(command: string): string | undefined {
  const { stdout, stderr, status } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return status === 0 ? /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] : undefined;
}

/** The installed version of a package. */
export function packageVersion(name: string): string {
  const path = join(repository, "node_modules", name, "package.json");
  return JSON.parse(readFileSync(path, "utf8")).version;
}
