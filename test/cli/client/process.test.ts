// `--port-forward` of the built program: kubectl never outlives it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { repository } from "../../support/run.js";
import { oneTurn } from "../fake-io.js";
import { BEHAVIOURS, type FakeKubectl, fakeKubectl, isRunning } from "./fake-kubectl.js";

const MAIN = join(repository, "dist/cli/main.js");

function observe(kubectl: FakeKubectl) {
  const args = [MAIN, "observe", "-P", "--port-forward-port", "0", "--timeout", "10m", "--follow"];
  return spawn(process.execPath, args, { env: kubectl.env, stdio: "ignore" });
}

async function untilEnded(pid: number): Promise<void> {
  while (isRunning(pid)) await oneTurn();
}

describe("flowscribe observe --port-forward: as a process", () => {
  test.each([
    { signal: "SIGTERM", code: EXIT.ok },
    { signal: "SIGINT", code: EXIT.ok },
  ] as const)("ends kubectl on $signal", async ({ signal, code }) => {
    using kubectl = fakeKubectl(BEHAVIOURS.hang());
    const program = observe(kubectl);
    const [run] = await kubectl.started();
    program.kill(signal);
    expect(await once(program, "exit")).toEqual([code, null]);
    await untilEnded(run!.pid);
  });

  test("kills kubectl when a second signal ends it at once", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.hangDespiteSigterm());
    const program = observe(kubectl);
    const [run] = await kubectl.started();
    const ended = once(program, "exit");
    program.kill("SIGTERM");
    while (program.exitCode === null && program.signalCode === null) {
      await oneTurn();
      program.kill("SIGTERM");
    }
    expect(await ended).toEqual([EXIT.terminated, null]);
    await untilEnded(run!.pid);
  });

  test.skipIf(process.platform !== "linux")("runs kubectl outside its process group", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.hang());
    const program = observe(kubectl);
    const [run] = await kubectl.started();
    // Ctrl-C reaches the whole group of the program.
    expect(groupOf(run!.pid)).not.toBe(groupOf(program.pid!));
    program.kill("SIGTERM");
    await once(program, "exit");
    await untilEnded(run!.pid);
  });
});

function groupOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[2];
}
