import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { repository } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";
import { flowLine } from "../fake-io.js";

const MAIN = join(repository, "dist/cli/main.js");
const SAMPLE = join(repository, "examples/captures/sample.pcap");

const reason = await loadKoffi().then(
  () => (process.platform === "win32" ? "Windows has no poll" : undefined),
  (error: Error) => error.message,
);

describeUnless("a process whose output is closed", reason, () => {
  const exported = flowLine("a");

  test.each([
    { name: "observe", args: ["observe", "-"], input: exported },
    { name: "observe --follow", args: ["observe", "--follow", "-"], input: exported },
    {
      name: "record",
      args: ["record", "-r", "-", "-w", "-"],
      input: readFileSync(SAMPLE).subarray(0, 24 + 200),
    },
  ])("$name exits when its output, a pipe or a socket, is closed", async ({ args, input }) => {
    for (const command of [
      [process.execPath, MAIN, ...args],
      [
        "bash",
        "-c",
        'set -o pipefail; "$@" | head -c 1 > /dev/null',
        "bash",
        process.execPath,
        MAIN,
        ...args,
      ],
    ]) {
      const [program = "", ...rest] = command;
      // Standard input stays open, so that only the closed output can end the program.
      const child = spawn(program, rest, { stdio: ["pipe", "pipe", "ignore"] });
      child.stdin.on("error", () => {}).write(input);
      if (program !== "bash") child.stdout.once("data", () => child.stdout.destroy());
      const [code, signal] = await once(child, "exit");
      child.stdin.destroy();
      expect({ program, code, signal }).toEqual({ program, code: EXIT.ok, signal: null });
    }
  });
});
