import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The repository's root. */
export const repository: string = resolve(import.meta.dirname, "../..");

/** Runs a program to its end and returns what it printed; throws, with that, when it fails. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = repository, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): string {
  const options = { cwd, encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, options);
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${status ?? signal}: ${stderr}${stdout}`);
  return stdout;
}

/** Runs a TypeScript program as a user of the built package would. */
export function runExample(path: string, ...args: string[]): string {
  return run(process.execPath, ["--import", "tsx", path, ...args]);
}

/**
 * Runs several programs in one process, which is much faster than one process for each. Returns a function that
 * returns the output of one of them by `console.log`, and throws if that program failed.
 */
export function runTogether(
  paths: readonly string[],
  { cwd = repository }: { cwd?: string } = {},
): (path: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-together-"));
  try {
    const file = join(folder, "outcomes.json");
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", join(import.meta.dirname, "run-together.mjs")],
      { cwd, encoding: "utf8", env: { ...process.env, PROGRAMS: JSON.stringify(paths), OUTCOMES: file } },
    );
    if (!existsSync(file)) throw new Error(`the programs ended with ${status ?? signal}: ${stderr}${stdout}`);
    const outcomes: { path: string; printed: string; error?: string }[] = JSON.parse(
      readFileSync(file, "utf8"),
    );
    return (wanted) => {
      const { printed, error } = outcomes.find(({ path }) => path === wanted) ?? {
        printed: "",
        error: "unknown",
      };
      // An error after the end of its program cannot be attributed to one of them.
      const fault = error ?? (status === 0 ? undefined : `the process ended with ${status ?? signal}`);
      if (fault !== undefined) throw new Error(`${wanted}: ${fault}\n${stderr}${stdout}`);
      return printed;
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
