import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readGoDuration } from "../../src/go/duration.js";

const MOST = 2n ** 63n;

describe("readGoDuration", () => {
  test.each([
    { text: "0", value: 0n },
    { text: "-0", value: 0n },
    { text: "1h30m", value: 5_400_000_000_000n },
    { text: "-1.5s", value: -1_500_000_000n },
    { text: "+.5ms", value: 500_000n },
    { text: "2.µs", value: 2_000n },
    { text: "9223372036854775807ns", value: MOST - 1n },
    { text: "-9223372036854775808ns", value: -MOST },
  ])("$text", ({ text, value }) => {
    expect(readGoDuration(text)).toBe(value);
  });

  test.each([
    { text: "", fault: { kind: "invalid" } },
    { text: "-", fault: { kind: "invalid" } },
    { text: ".s", fault: { kind: "invalid" } },
    { text: "9223372036854775808ns", fault: { kind: "invalid" } },
    { text: "1h2", fault: { kind: "missing unit" } },
    { text: "1d", fault: { kind: "unknown unit", unit: "d" } },
    { text: "1toString", fault: { kind: "unknown unit", unit: "toString" } },
  ])("$text is none: $fault.kind", ({ text, fault }) => {
    expect(readGoDuration(text)).toEqual(fault);
  });

  test("reads what it is given in nanoseconds", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -MOST, max: MOST - 1n }), (value) => {
        expect(readGoDuration(`${value}ns`)).toBe(value);
      }),
    );
  });

  test("takes any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(["bigint", "object"]).toContain(typeof readGoDuration(text));
      }),
    );
  });
});
