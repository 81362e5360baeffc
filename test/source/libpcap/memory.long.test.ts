import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { open } from "../../../src/source/libpcap/open.js";
import { startProgram } from "../start-program.js";
import { describeLive, heldByCaptures } from "./live.js";

/** Sockets, files and everything else that has a descriptor. */
const openFiles = () => readdirSync("/proc/self/fd").length;

describeLive("openLibpcap: a process with a capture", (live) => {
  test("reads 10,000,000 packets in the same memory", async () => {
    const { receiver, sender } = live().pair;
    const counting = startProgram(receiver, "source/libpcap/programs/count.ts", receiver.device);
    await counting.printed();
    const generator = startProgram(
      sender,
      "support/traffic/generate.ts",
      sender.device,
      "64",
      "10000000",
      "400000",
    );
    const { sent } = JSON.parse((await generator.ended).printed);
    counting.child.kill("SIGINT");
    const { code, printed } = await counting.ended;
    expect(code).toBe(0);
    const { received, dropped, memory } = JSON.parse(printed.slice(printed.indexOf("{")));
    expect(sent).toBe(10_000_000);
    // A busy machine may drop some packets: all must be counted, and most captured.
    expect(received + dropped).toBe(sent);
    expect(received).toBeGreaterThan(9_000_000);
    // From the second million on, when everything is compiled.
    const settled = memory.slice(8);
    expect(Math.max(...settled) - settled[0]).toBeLessThan(16 * 1024 * 1024);
    console.log(
      `memory: ${memory.map((bytes: number) => Math.round(bytes / 1024 ** 2)).join(" ")} MiB, dropped ${dropped}`,
    );
  });

  test("opened and closed 1,000 times: leaves no sockets, descriptors or memory behind", async () => {
    const cycle = async (count: number) => {
      for (let index = 0; index < count; index += 8) {
        await Promise.all(
          Array.from({ length: 8 }, async () => {
            const source = await open(
              live().pair.receiver.device,
              { bufferBytes: 512 * 1024 },
              { onThisThread: true },
            );
            const pending = source[Symbol.asyncIterator]().next();
            await source[Symbol.asyncDispose]();
            await pending;
          }),
        );
      }
    };
    await cycle(200);
    const filesBefore = openFiles();
    const before = process.memoryUsage().rss;
    await cycle(1000);
    expect(heldByCaptures()).toBe("0 sockets, 0 files");
    expect(openFiles()).toBe(filesBefore);
    expect(process.memoryUsage().rss - before).toBeLessThan(24 * 1024 * 1024);
  });
});
