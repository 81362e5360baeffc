import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Namespace } from "../../support/netns.js";
import { repository } from "../../support/run.js";
import { describeLive } from "./live.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

interface Running {
  readonly child: ChildProcess;
  /** How it ended and what it printed. */
  readonly ended: Promise<{ code: number | null; signal: string | null; printed: string }>;
  /** Until it has printed something. */
  readonly printed: () => Promise<unknown>;
}

/** Runs a TypeScript program of the tests in a namespace, on its own. */
function start({ name }: Namespace, program: string, ...args: string[]): Running {
  const path = join(repository, "test", program);
  const node = [process.execPath, "--import", "tsx", path, ...args];
  const child = spawn("ip", ["netns", "exec", name, ...node], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const collect = (text: string) => {
    printed += text;
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  return {
    child,
    ended: once(child, "close").then(([code, signal]) => ({ code, signal, printed })),
    printed: () => once(child.stdout, "data"),
  };
}

describeLive("a process with a libpcap capture", (live) => {
  test.each([
    "exit",
    "exit while closing",
    "exit while opening",
    "aborted while opening",
    "by itself",
    "stopped",
    "worker exits",
    "worker terminated",
  ])("ends well: %s", async (way) => {
    const { receiver } = live().pair;
    const { ended } = start(receiver, "source/libpcap/programs/ending.ts", receiver.device, way);
    expect(await ended).toEqual({ code: 0, signal: null, printed: "ended well\n" });
  });

  test("reads 10,000,000 packets in the same memory", async () => {
    const { receiver, sender } = live().pair;
    const counting = start(receiver, "source/libpcap/programs/count.ts", receiver.device);
    await counting.printed();
    const generator = start(sender, "support/traffic/generate.ts", sender.device, "64", "10000000", "400000");
    const { sent } = JSON.parse((await generator.ended).printed);
    counting.child.kill("SIGINT");
    const { code, printed } = await counting.ended;
    expect(code).toBe(0);
    const { received, dropped, memory } = JSON.parse(printed.slice(printed.indexOf("{")));
    expect(sent).toBe(10_000_000);
    // A busy machine may drop some: what counts is that none is missing, and that most came.
    expect(received + dropped).toBe(sent);
    expect(received).toBeGreaterThan(9_000_000);
    // From the second million on, when everything is compiled.
    const settled = memory.slice(8);
    expect(Math.max(...settled) - settled[0]).toBeLessThan(16 * 1024 * 1024);
    console.log(
      `memory: ${memory.map((bytes: number) => Math.round(bytes / 1024 ** 2)).join(" ")} MiB, dropped ${dropped}`,
    );
  }, 180_000);
});
