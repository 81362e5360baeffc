import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "vitest";

const repository = resolve(import.meta.dirname, "../..");
const sharedFolder = resolve(repository, process.env.FLOWSCRIBE_SHARED ?? "../shared");

/** A path in the folder of shared test data: `$FLOWSCRIBE_SHARED`, by default `../shared` beside the repository. */
export function sharedPath(...parts: string[]): string {
  return join(sharedFolder, ...parts);
}

/** A suite that reads the shared test data. */
export function describeWithShared(name: string, body: () => void): void {
  describeUnless(name, existsSync(sharedFolder) ? undefined : `no shared test data at ${sharedFolder}`, body);
}

/** A suite that runs other programs, which must be found on the PATH. */
export function describeWithPrograms(name: string, programs: readonly string[], body: () => void): void {
  const missing = programs.filter((program) => !isProgram(program));
  describeUnless(name, missing.length > 0 ? `not installed: ${missing.join(", ")}` : undefined, body);
}

/** A suite that needs the rights of the superuser. */
export function describeAsRoot(name: string, body: () => void): void {
  describeUnless(name, process.geteuid?.() === 0 ? undefined : "not running as root", body);
}

/**
 * A suite with a prerequisite: `reason` names what is missing; undefined if the suite can run. A suite that cannot run
 * is one skipped test, whose reason `skip-reporter.ts` prints. With `FLOWSCRIBE_REQUIRE=all` it fails instead, so that a
 * full check cannot pass by skipping suites.
 */
export function describeUnless(name: string, reason: string | undefined, body: () => void): void {
  if (reason === undefined) {
    describe(name, body);
    return;
  }
  test(`${name} (${reason})`, ({ skip }) => {
    if (process.env.FLOWSCRIBE_REQUIRE !== "all") skip(reason);
    throw new Error(`${reason}, and FLOWSCRIBE_REQUIRE=all forbids skipping "${name}"`);
  });
}

function isProgram(name: string): boolean {
  return spawnSync("sh", ["-c", 'command -v -- "$1"', "sh", name], { stdio: "ignore" }).status === 0;
}
