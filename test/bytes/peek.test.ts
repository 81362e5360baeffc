import fc from "fast-check";
import { expect, test } from "vitest";
import { createChunkInput } from "../../src/bytes/chunk-input.js";
import { PEEK_BYTES, peek } from "../../src/bytes/peek.js";
import { readToEnd } from "./read-to-end.js";

/** Chunks in one buffer that is reused. */
async function* reusedChunks(bytes: Uint8Array, size: number, log: string[] = []) {
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

test("peek: the input yields the peeked bytes again, for chunks of any size", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 1, max: 10 }),
      fc.nat({ max: 20 }),
      async (bytes, size, enough) => {
        const { result, input } = await peek(createChunkInput(reusedChunks(bytes, size)), (head, isLast) =>
          isLast || head.length >= enough ? head.length : undefined,
        );
        expect(await readToEnd(input)).toEqual([...bytes]);
        expect(result).toBeGreaterThanOrEqual(Math.min(enough, bytes.length));
      },
    ),
  );
});

test("peek: looks at a limited number of bytes", async () => {
  const bytes = new Uint8Array(3 * PEEK_BYTES).map((_, index) => index);
  const { result, input } = await peek(createChunkInput(bytes), (head, isLast) =>
    isLast ? head.length : undefined,
  );
  expect(result).toBe(PEEK_BYTES);
  expect(await readToEnd(input)).toEqual([...bytes]);
});

test("peek: an input that has ended is not read again", async () => {
  let reads = 0;
  const ended = {
    readInto: () => {
      reads++;
      return 0;
    },
  };
  const { input } = await peek(ended, () => true);
  expect(await readToEnd(input)).toEqual([]);
  expect(reads).toBe(1);
});

test("peek: closing the result closes the input", async () => {
  const log: string[] = [];
  const { input } = await peek(createChunkInput(reusedChunks(new Uint8Array(10), 2, log)), () => true);
  await input.close?.();
  expect(log).toEqual(["closed"]);
});

test("peek: throws if a whole input is not detected", async () => {
  const input = createChunkInput(reusedChunks(new Uint8Array(0), 1));
  await expect(peek(input, () => undefined)).rejects.toThrow(TypeError);
});
