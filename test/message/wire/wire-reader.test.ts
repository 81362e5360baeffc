import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WireReader } from "../../../src/message/wire/wire-reader.js";
import { runs } from "../../support/amount.js";

const reader = new WireReader();

/** The value and the offset after it; `error` if the reader throws. */
function outcome(read: () => unknown, position: () => number): unknown {
  try {
    const value = read();
    return { value, at: position() };
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return "error";
  }
}

/** Bytes that are often varints: of any length, with and without an end. */
const varints = fc
  .array(fc.oneof(fc.integer({ min: 0x80, max: 0xff }), fc.constant(0x80), fc.constant(0xff)), {
    maxLength: 12,
  })
  .chain((start) => fc.nat(0x7f).map((last) => [...start, last]));
const anyBytes = fc
  .oneof(varints, fc.array(fc.nat(0xff), { maxLength: 30 }))
  .map((list) => Uint8Array.from(list));

const METHODS = {
  tag: (own: BinaryReader) => {
    const [number, wireType] = own.tag();
    return number * 8 + wireType;
  },
  varint: (own: BinaryReader) => own.uint32(),
  int64: (own: BinaryReader) => own.int64(),
  uint64: (own: BinaryReader) => own.uint64(),
  bool: (own: BinaryReader) => own.bool(),
} as const;

describe("WireReader", () => {
  test.each(Object.keys(METHODS) as (keyof typeof METHODS)[])("%s: reads as protobuf-es does", (name) => {
    fc.assert(
      fc.property(anyBytes, fc.nat(3), (bytes, padding) => {
        const buffer = new Uint8Array(bytes.length + 2 * padding).fill(1);
        buffer.set(bytes, padding);
        const limit = padding + bytes.length;
        const expected = new BinaryReader(bytes);
        expect(
          outcome(
            () => reader[name](buffer, padding, limit),
            () => reader.at - padding,
          ),
        ).toEqual(
          outcome(
            () => METHODS[name](expected),
            () => expected.pos,
          ),
        );
      }),
      { numRuns: runs(10_000) },
    );
  });

  test("skip: skips as protobuf-es does", () => {
    const groups = fc.array(fc.constantFrom(0x0b, 0x0c, 0x13, 0x14, 0x08, 0x01), { maxLength: 12 });
    const bytes = fc.oneof(
      anyBytes,
      groups.map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(
        bytes,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(5),
        fc.nat(4),
        (list, number, wireType, depth) => {
          const expected = new BinaryReader(list);
          const skip = () => expected.skip(wireType, number, depth).length;
          let end = 0;
          const skipOwn = () => {
            end = reader.skip(list, 0, list.length, number * 8 + wireType, depth);
            return end;
          };
          expect(outcome(skipOwn, () => end)).toEqual(outcome(skip, () => expected.pos));
        },
      ),
      { numRuns: runs(10_000) },
    );
  });

  test("slice: yields the parts of the message that was copied to the arena", () => {
    const bytes = new BinaryWriter().string("a message").finish();
    reader.copyToArena(bytes, 2, 6);
    expect(reader.slice(bytes, 2, 6)).toEqual(bytes.subarray(2, 6));
    reader.leaveArena();
  });
});
