import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/cel/value/fault.js";
import {
  codePointCount,
  compareBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
} from "../../../src/cel/value/text.js";

const anyText = fc.string({ unit: "binary" });
const units = fc
  .array(fc.constantFrom(0x41, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff))
  .map((codes) => String.fromCharCode(...codes));

describe("codePointCount", () => {
  test.each([
    { text: "", count: 0 },
    { text: "abc", count: 3 },
    { text: "ÿ€", count: 2 },
    { text: "😀", count: 1 },
    { text: "😀a😁", count: 3 },
    { text: "\ud83d", count: 1 },
    { text: "\ude00\ud83d", count: 2 },
    { text: "\ud83d\ud83d\ude00", count: 2 },
  ])("$text: $count", ({ text, count }) => {
    expect(codePointCount(text)).toBe(count);
  });

  test("counts as an iteration does", () => {
    fc.assert(fc.property(fc.oneof(anyText, units), (text) => codePointCount(text) === [...text].length));
  });
});

describe("encodeUtf8, decodeUtf8", () => {
  test("decode what was encoded", () => {
    fc.assert(fc.property(anyText, (text) => decodeUtf8(encodeUtf8(text)) === text));
    expect(decodeUtf8(encodeUtf8("\ufeffa"))).toBe("\ufeffa");
  });

  test("encode a lone surrogate as U+FFFD", () => {
    expect(encodeUtf8("\ud800")).toEqual(Uint8Array.of(0xef, 0xbf, 0xbd));
  });

  test.each([
    { name: "a stray byte", bytes: [0x00, 0xff] },
    { name: "a character cut short", bytes: [0xf0, 0x9f, 0x98] },
    { name: "a surrogate", bytes: [0xed, 0xa0, 0x80] },
    { name: "a long form", bytes: [0xc0, 0x80] },
    { name: "beyond U+10FFFF", bytes: [0xf4, 0x90, 0x80, 0x80] },
  ])("reject $name", ({ bytes }) => {
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow(
      new Fault("invalid UTF-8 in bytes, cannot convert to string") as unknown as Error,
    );
  });

  test("return a string or a fault for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          expect(encodeUtf8(decodeUtf8(bytes))).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
    );
  });
});

describe("compareBytes, equalBytes", () => {
  test.each([
    { a: [], b: [], order: 0 },
    { a: [], b: [0], order: -1 },
    { a: [1, 2], b: [1], order: 1 },
    { a: [1, 2], b: [1, 3], order: -1 },
    { a: [0x80], b: [0x7f, 0xff], order: 1 },
  ])("$a and $b: $order", ({ a, b, order }) => {
    const left = Uint8Array.from(a);
    const right = Uint8Array.from(b);
    expect(compareBytes(left, right)).toBe(order);
    expect(compareBytes(right, left)).toBe(order === 0 ? 0 : -order);
    expect(equalBytes(left, right)).toBe(order === 0);
  });
});
