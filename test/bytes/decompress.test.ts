import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createChunkInput } from "../../src/bytes/chunk-input.js";
import { decompress, type GzipFault } from "../../src/bytes/decompress.js";
import { readToEnd } from "./read-to-end.js";

class Fault extends Error {
  readonly fault: GzipFault;

  constructor(fault: GzipFault) {
    super(fault.message);
    this.fault = fault;
  }
}

function open(bytes: Uint8Array, chunkBytes = 7) {
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  return decompress(createChunkInput(chunks()), (fault) => new Fault(fault));
}

test("decompress: returns what was compressed, and other bytes unchanged (property)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 30 }),
      async (parts, chunkBytes, bufferBytes) => {
        const plain = Buffer.concat(parts);
        if (plain[0] !== 0x1f) {
          const { input, compressed } = await open(plain, chunkBytes);
          expect(compressed).toBe(false);
          expect(await readToEnd(input, bufferBytes)).toEqual([...plain]);
        }
        const members = Buffer.concat([gzipSync(""), ...parts.map((part) => gzipSync(part))]);
        const { input, compressed } = await open(members, chunkBytes);
        expect(compressed).toBe(true);
        expect(await readToEnd(input, bufferBytes)).toEqual([...plain]);
      },
    ),
  );
});

test("decompress: a single byte of the magic number is not gzip", async () => {
  const { input, compressed } = await open(Uint8Array.of(0x1f));
  expect([compressed, await readToEnd(input)]).toEqual([false, [0x1f]]);
});

describe("decompress: reports", () => {
  const compressed = gzipSync("some text");

  test("where truncated data ends, after the data before it", async () => {
    const { input } = await open(compressed.subarray(0, -3), 1000);
    const buffer = new Uint8Array(100);
    expect(await input.readInto(buffer)).toBe(9);
    const fault = await readToEnd(input).catch((error: Fault) => error.fault);
    expect(fault).toEqual({
      kind: "truncated",
      message: "the gzip data ends too early",
      offset: compressed.length - 3,
    });
  });

  test("where data is damaged, again at every read", async () => {
    const damaged = Uint8Array.from(compressed);
    damaged[damaged.length - 5]! ^= 1;
    const { input } = await open(damaged, 1000);
    expect(await input.readInto(new Uint8Array(100))).toBe(9);
    for (let tries = 0; tries < 2; tries++) {
      const fault = await readToEnd(input).catch((error: Fault) => error.fault);
      expect(fault).toMatchObject({ kind: "damaged", message: "damaged gzip data: incorrect data check" });
    }
  });
});

test("decompress: ignores bytes after the last member", async () => {
  const { input } = await open(Buffer.concat([gzipSync("a"), Buffer.from("trailing")]));
  expect(await readToEnd(input)).toEqual([0x61]);
});

test("decompress: closing the result closes the input", async () => {
  let closed = 0;
  const chunks = createChunkInput(gzipSync("a"));
  const { input } = await decompress({ ...chunks, close: () => void closed++ }, (fault) => new Fault(fault));
  await input.close?.();
  expect(closed).toBe(1);
});
