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

/** A suite with a prerequisite of its own: `reason` says what is missing, undefined that nothing is. */
export function describeUnless(name: string, reason: string | undefined, body: () => void): void {
  if (reason === undefined) describe(name, body);
  else skipOrFail(name, reason);
}

/**
 * Registers a suite that cannot run here: skipped, its name telling the reason, which is also printed once.
 * With `FLOWSCRIBE_REQUIRE=all` it fails instead, so that a full check cannot pass by leaving things out.
 */
export function skipOrFail(name: string, reason: string): void {
  const required = process.env.FLOWSCRIBE_REQUIRE === "all";
  if (!required) warnOnce(`skipped: ${reason}`);
  describe.skipIf(!required)(`${name} (${reason})`, () => {
    test("has what it needs", () => {
      throw new Error(`${reason}, and FLOWSCRIBE_REQUIRE=all forbids skipping "${name}"`);
    });
  });
}

const warned = new Set<string>();

function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  console.warn(message);
}

function isProgram(name: string): boolean {
  return spawnSync("sh", ["-c", 'command -v -- "$1"', "sh", name], { stdio: "ignore" }).status === 0;
}
