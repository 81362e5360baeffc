import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EnvelopeSplitter } from "../../../src/rpc/client/envelope.js";

function enveloped(message: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

describe("EnvelopeSplitter", () => {
  test("returns the messages for chunks of any size", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(enveloped));
          const splitter = new EnvelopeSplitter(40);
          const found: number[][] = [];
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const length = cuts[cut % cuts.length]!;
            for (const message of splitter.split(bytes.subarray(at, at + length))) found.push([...message]);
            at += length;
          }
          expect(found).toEqual(messages.map((message) => [...message]));
          expect(splitter.isInside).toBe(false);
        },
      ),
    );
  });

  test("rejects a message that is too long before it has arrived, and a compressed one", () => {
    const splitter = new EnvelopeSplitter(10);
    expect(() => splitter.split(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff))).toThrow(
      "larger than max (4294967295 vs. 10)",
    );
    expect(() => new EnvelopeSplitter(10).split(Uint8Array.of(1, 0, 0, 0, 1, 9))).toThrow("compressed");
  });

  test("isInside: true inside a message", () => {
    const splitter = new EnvelopeSplitter(10);
    expect(splitter.split(Uint8Array.of(0, 0))).toEqual([]);
    expect(splitter.isInside).toBe(true);
  });
});
