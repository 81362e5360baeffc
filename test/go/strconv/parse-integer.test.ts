import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAtoi, parseInt64, parseUint } from "../../../src/go/strconv/parse-integer.js";

describe("parseUint", () => {
  test.each<[string, 0 | 10, 32 | 64, bigint]>([
    ["0", 10, 32, 0n],
    ["0", 0, 64, 0n],
    ["007", 10, 32, 7n],
    ["007", 0, 32, 7n],
    ["0x1F", 0, 32, 31n],
    ["0X1f", 0, 32, 31n],
    ["0b101", 0, 32, 5n],
    ["0o17", 0, 32, 15n],
    ["017", 0, 32, 15n],
    ["1_000", 0, 32, 1000n],
    ["0x_1f", 0, 32, 31n],
    ["0_7", 0, 32, 7n],
    ["4294967295", 10, 32, 4294967295n],
    ["18446744073709551615", 0, 64, 18446744073709551615n],
  ])("parses %s in base %i, %i bits", (text, base, bits, value) => {
    expect(parseUint(text, base, bits)).toEqual({ value });
  });

  test.each<[string, 0 | 10, 32 | 64, string]>([
    ["", 10, 32, "invalid syntax"],
    ["-1", 0, 32, "invalid syntax"],
    ["+1", 0, 32, "invalid syntax"],
    [" 1", 10, 32, "invalid syntax"],
    ["1_000", 10, 32, "invalid syntax"],
    ["_1", 0, 32, "invalid syntax"],
    ["1_", 0, 32, "invalid syntax"],
    ["1__0", 0, 32, "invalid syntax"],
    ["0_x1", 0, 32, "invalid syntax"],
    ["0x", 0, 32, "invalid syntax"],
    ["0x1_", 0, 32, "invalid syntax"],
    ["08", 0, 32, "invalid syntax"],
    ["0b2", 0, 32, "invalid syntax"],
    ["1a", 10, 32, "invalid syntax"],
    ["é", 0, 32, "invalid syntax"],
    ["4294967296", 10, 32, "value out of range"],
    ["4294967296x", 10, 32, "value out of range"],
    ["18446744073709551616", 0, 64, "value out of range"],
  ])("rejects %j in base %i, %i bits", (text, base, bits, reason) => {
    const quoted = JSON.stringify(text);
    expect(parseUint(text, base, bits)).toEqual({
      fault: `strconv.ParseUint: parsing ${quoted}: ${reason}`,
    });
  });

  test("parses formatted integers in every base", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        expect(parseUint(String(value), 10, 64)).toEqual({ value });
        expect(parseUint(`0x${value.toString(16)}`, 0, 64)).toEqual({ value });
        expect(parseUint(`0b${value.toString(2)}`, 0, 64)).toEqual({ value });
        expect(parseUint(`0${value.toString(8)}`, 0, 64)).toEqual({ value });
      }),
    );
  });
});

describe("parseInt64", () => {
  test.each<[string, bigint | undefined]>([
    ["0", 0n],
    ["007", 7n],
    ["-7", -7n],
    ["+7", 7n],
    ["-0", 0n],
    ["999999999999999", 999999999999999n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["9223372036854775808", undefined],
    ["-9223372036854775808", -(2n ** 63n)],
    ["-9223372036854775809", undefined],
    ["00000000000000000000000009223372036854775807", 2n ** 63n - 1n],
    ["99999999999999999999", undefined],
    ["", undefined],
    ["+", undefined],
    ["-", undefined],
    ["--1", undefined],
    [" 1", undefined],
    ["1 ", undefined],
    ["1_000", undefined],
    ["0x1", undefined],
    ["1.0", undefined],
    ["1e3", undefined],
    ["٣", undefined],
  ])("parses %j as %s", (text, value) => {
    const parsed = parseInt64(text);
    expect(parsed === undefined ? undefined : BigInt(parsed)).toBe(value);
  });

  test("parses every int64, and preserves their order", () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(int64, int64, (left, right) => {
        expect((parseInt64(`${left}`) ?? 0) < (parseInt64(`${right}`) ?? 0)).toBe(left < right);
      }),
    );
  });

  test("takes linear time for a hostile number", () => {
    expect(parseInt64("1".repeat(1_000_000))).toBeUndefined();
    expect(parseInt64(`${"0".repeat(1_000_000)}1`)).toBe(1);
  });
});

describe("parseAtoi", () => {
  test("parses an int64", () => {
    expect(parseAtoi("-07")).toEqual({ value: -7n });
  });

  test.each([
    ["", "invalid syntax"],
    ["+", "invalid syntax"],
    ["1x", "invalid syntax"],
    ["99999999999999999999", "value out of range"],
    ["99999999999999999999x", "value out of range"],
    ["-99999999999999999999x", "value out of range"],
    ["9999999999999999999x", "invalid syntax"],
    ["9999999999999999999", "value out of range"],
    ["1_0", "invalid syntax"],
    ["-9223372036854775809", "value out of range"],
  ])("reports %j as Go does: %s", (text, reason) => {
    expect(parseAtoi(text)).toEqual({ fault: `strconv.Atoi: parsing ${JSON.stringify(text)}: ${reason}` });
  });
});
