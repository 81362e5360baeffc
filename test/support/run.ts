import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

/** The repository's root. */
export const repository: string = resolve(import.meta.dirname, "../..");

/** Runs a program to its end and returns what it printed; throws, with that, when it fails. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = repository }: { cwd?: string } = {},
): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${status ?? signal}: ${stderr}${stdout}`);
  return stdout;
}

/** Runs a TypeScript program as a user of the built package would. */
export function runExample(path: string, ...args: string[]): string {
  return run(process.execPath, ["--import", "tsx", path, ...args]);
}
