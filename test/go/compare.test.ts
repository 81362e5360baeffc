import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareText } from "../../src/go/compare.js";

const anyText = fc.string({ unit: "binary" });

describe("compareText", () => {
  test.each([
    { a: "", b: "", order: 0 },
    { a: "", b: "a", order: -1 },
    { a: "ab", b: "a", order: 1 },
    { a: "\uffff", b: "😀", order: -1 },
    { a: "\ue000", b: "\u{10000}", order: -1 },
    { a: "\ud7ff", b: "\u{10000}", order: -1 },
    { a: "x😀", b: "x😁", order: -1 },
    { a: "x\u{1f600}", b: "x\u{10ffff}", order: -1 },
    { a: "Z", b: "a", order: -1 },
  ])("orders $a and $b: $order", ({ a, b, order }) => {
    expect(Math.sign(compareText(a, b))).toBe(order);
    expect(Math.sign(compareText(b, a))).toBe(order === 0 ? 0 : -order);
  });

  test("orders by UTF-8 bytes", () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (start, a, b) => {
        const bytes = Buffer.compare(Buffer.from(start + a), Buffer.from(start + b));
        expect(Math.sign(compareText(start + a, start + b))).toBe(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});
