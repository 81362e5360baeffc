import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportFileSource } from "../../../src/source/export.js";
import { amount } from "../../support/amount.js";
import { below, randomOf } from "../../support/random.js";

const KILLS = amount({ quick: 20, long: 100 });
/** The maximum number of steps of a collector before it is killed. */
const MAX_STEPS = 12;

function start(program: string, ...args: readonly string[]) {
  const path = join(import.meta.dirname, program);
  return spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

/** Kills a process when it has printed a number of lines, and waits until it has ended. Calls back when it prints before. */
async function killAfter(child: ChildProcess, lines: number, onPrint: () => void): Promise<void> {
  const exit = once(child, "exit");
  let seen = 0;
  child.stdout!.on("data", (chunk: Buffer) => {
    seen += chunk.toString().split("\n").length - 1;
    if (seen >= lines) child.kill("SIGKILL");
    else onPrint();
  });
  await exit;
}

/** Returns what a process prints until it ends; `stderr` must be empty. */
async function outputOf(child: ChildProcess): Promise<string> {
  const [stdout, stderr] = [child.stdout!, child.stderr!].map((stream) => stream.toArray());
  await once(child, "exit");
  expect(Buffer.concat(await stderr!).toString()).toBe("");
  return Buffer.concat(await stdout!).toString();
}

test(`collect: every flow of a rotating file is stored after ${KILLS} times kill -9`, async () => {
  const random = randomOf(7);
  const folder = await mkdtemp(join(tmpdir(), "flowscribe-kill-"));
  const input = join(folder, "in", "events.log");
  const output = join(folder, "out", "flows.jsonl");
  const checkpoint = join(folder, "checkpoint.json");
  const writer = start("writer-program.mjs", input);
  try {
    const count = outputOf(writer);
    for (let kill = 0; kill < KILLS; kill++) {
      // There is always more to collect, so that it prints on.
      const writeMore = () => writer.stdin.write("x");
      writeMore();
      const collector = start("collector-program.mjs", input, output, checkpoint, "follow");
      await killAfter(collector, 1 + below(random, MAX_STEPS), writeMore);
      expect(collector.signalCode).toBe("SIGKILL");
    }
    writer.stdin.end();
    const written = Number(await count);
    await outputOf(start("collector-program.mjs", input, output, checkpoint, "to the end"));

    const stored: string[] = [];
    const source = exportFileSource(output);
    for await (const batch of source.read({ position: undefined, signal: new AbortController().signal })) {
      stored.push(...batch.map(({ uuid }) => uuid));
    }
    expect(source.stats).toMatchObject({ badLines: 0, gaps: 0, damagedFiles: 0 });
    // Without the repeats, every flow once, in order.
    expect([...new Set(stored)]).toEqual(Array.from({ length: written }, (_, number) => String(number)));
  } finally {
    writer.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);
