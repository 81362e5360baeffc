import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../../src/go/time/duration.js";

const MOST = 2n ** 63n;

describe("parseDuration", () => {
  test.each<[string, bigint]>([
    ["0", 0n],
    ["-0", 0n],
    ["+0", 0n],
    ["5s", 5_000_000_000n],
    ["+5s", 5_000_000_000n],
    ["-5m", -300_000_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["1.5h", 5_400_000_000_000n],
    [".5s", 500_000_000n],
    ["5.s", 5_000_000_000n],
    ["1.004ms", 1_004_000n],
    ["3us3µs3μs", 9_000n],
    ["1m1h", 3_660_000_000_000n],
    ["0.33333333333333333333h", 1_200_000_000_000n],
    ["0.9223372036854775807h", 3_320_413_933_267n],
    ["9223372036854775807ns", 2n ** 63n - 1n],
    ["-9223372036854775808ns", -(2n ** 63n)],
    // Go adds with 64 bits.
    ["9223372036854775808ns9223372036854775808ns", 0n],
  ])("parses %s", (text, value) => {
    expect(parseDuration(text)).toEqual({ value });
  });

  test.each([
    { text: "", fault: 'time: invalid duration ""' },
    { text: "-", fault: 'time: invalid duration "-"' },
    { text: ".s", fault: 'time: invalid duration ".s"' },
    { text: ".", fault: 'time: invalid duration "."' },
    { text: "x", fault: 'time: invalid duration "x"' },
    { text: "5s-3s", fault: 'time: unknown unit "s-" in duration "5s-3s"' },
    { text: "5", fault: 'time: missing unit in duration "5"' },
    { text: "1h43", fault: 'time: missing unit in duration "1h43"' },
    { text: "5d", fault: 'time: unknown unit "d" in duration "5d"' },
    { text: "5constructor", fault: 'time: unknown unit "constructor" in duration "5constructor"' },
    { text: "9223372036854775808ns", fault: 'time: invalid duration "9223372036854775808ns"' },
    { text: "9223372036854775809ns", fault: 'time: invalid duration "9223372036854775809ns"' },
    { text: "3000000h", fault: 'time: invalid duration "3000000h"' },
    { text: "2562047h2562047h", fault: 'time: invalid duration "2562047h2562047h"' },
    { text: 'é"\\', fault: String.raw`time: invalid duration "\xc3\xa9\"\\"` },
  ])("rejects $text", ({ text, fault }) => {
    expect(parseDuration(text)).toEqual({ fault });
  });

  test("parses integers of nanoseconds", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(parseDuration(`${value}ns`)).toEqual({ value });
      }),
    );
  });
});

describe("parseDuration: units and bounds", () => {
  test.each([
    { text: "0", value: 0n },
    { text: "-0", value: 0n },
    { text: "1h30m", value: 5_400_000_000_000n },
    { text: "-1.5s", value: -1_500_000_000n },
    { text: "+.5ms", value: 500_000n },
    { text: "2.µs", value: 2_000n },
    { text: "9223372036854775807ns", value: MOST - 1n },
    { text: "-9223372036854775808ns", value: -MOST },
  ])("parses $text", ({ text, value }) => {
    expect(parseDuration(text)).toEqual({ value });
  });

  test("parses durations in nanoseconds", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -MOST, max: MOST - 1n }), (value) => {
        expect(parseDuration(`${value}ns`)).toEqual({ value });
      }),
    );
  });
});

test.each([
  [0n, "0s"],
  [1n, "1ns"],
  [999n, "999ns"],
  [1_000n, "1µs"],
  [1_500n, "1.5µs"],
  [100_000n, "100µs"],
  [1_000_001n, "1.000001ms"],
  [100_000_000n, "100ms"],
  [1_000_000_000n, "1s"],
  [100_000_000_000n, "1m40s"],
  [60_000_000_000n, "1m0s"],
  [3_600_000_000_000n, "1h0m0s"],
  [10_000_000_000_000n, "2h46m40s"],
  [2n ** 63n - 1n, "2562047h47m16.854775807s"],
  [2n ** 63n, "9223372036854775808ns"],
  [2n ** 64n - 1n, "18446744073709551615ns"],
])("formatDuration: formats %i nanoseconds as %s", (nanoseconds, expected) => {
  expect(formatDuration(nanoseconds)).toBe(expected);
});
