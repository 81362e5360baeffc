import fc from "fast-check";
import { expect, test } from "vitest";
import { peek } from "../../../src/cli/input/peek.js";

/** Chunks in one buffer that is used again, as files are read. */
async function* lent(bytes: Uint8Array, size: number, log: string[] = []) {
  const buffer = new Uint8Array(size);
  try {
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.subarray(at, at + size);
      buffer.set(chunk);
      yield buffer.subarray(0, chunk.length);
    }
  } finally {
    log.push("closed");
  }
}

test("hands out everything that it has looked at, whatever the chunks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 1, max: 10 }),
      fc.nat({ max: 20 }),
      async (bytes, size, enough) => {
        const { told, chunks } = await peek(lent(bytes, size), (head, isWhole) =>
          isWhole || head.length >= enough ? head.length : undefined,
        );
        const read: number[] = [];
        for await (const chunk of chunks) read.push(...chunk);
        expect(read).toEqual([...bytes]);
        expect(told).toBeGreaterThanOrEqual(Math.min(enough, bytes.length));
      },
    ),
  );
});

test("leaving early closes the input", async () => {
  const log: string[] = [];
  const { chunks } = await peek(lent(new Uint8Array(10), 2, log), () => true);
  for await (const _ of chunks) break;
  expect(log).toEqual(["closed"]);
});

test("a whole input must be told", async () => {
  await expect(peek(lent(new Uint8Array(0), 1), () => undefined)).rejects.toThrow(TypeError);
});
