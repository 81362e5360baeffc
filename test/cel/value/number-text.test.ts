import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/cel/value/fault.js";
import { parseBool, parseDouble, parseInt64, parseUint64 } from "../../../src/cel/value/number-text.js";
import { formatFloatG } from "../../../src/go/strconv/format-float.js";

function refused(type: string): Error {
  // A Fault is not an Error, but the matcher compares its message.
  return new Fault(`type conversion error from 'string' to '${type}'`) as unknown as Error;
}

describe("parseInt64", () => {
  test.each([
    ["0", 0n],
    ["-0", 0n],
    ["+7", 7n],
    ["987", 987n],
    ["-00012", -12n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["-9223372036854775808", -(2n ** 63n)],
    [`${"0".repeat(1000)}1`, 1n],
  ])("%s", (text, value) => {
    expect(parseInt64(text)).toBe(value);
  });

  test.each([
    "",
    "-",
    "+",
    "+-1",
    " 1",
    "1 ",
    "1_000",
    "0x10",
    "1.0",
    "1e3",
    "٣",
    "9223372036854775808",
    "-9223372036854775809",
  ])("rejects %j", (text) => {
    expect(() => parseInt64(text)).toThrow(refused("int"));
  });

  test("parses what it formatted", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(parseInt64(String(value))).toBe(value);
      }),
    );
  });
});

describe("parseUint64", () => {
  test.each([
    ["0", 0n],
    ["000", 0n],
    ["300", 300n],
    ["18446744073709551615", 2n ** 64n - 1n],
    [`${"0".repeat(1000)}18446744073709551615`, 2n ** 64n - 1n],
  ])("%s", (text, value) => {
    expect(parseUint64(text)).toBe(value);
  });

  test.each([
    "",
    "+1",
    "-0",
    "-1",
    " 1",
    "1u",
    "1_0",
    "18446744073709551616",
    "99999999999999999999",
    "100000000000000000000",
  ])("rejects %j", (text) => {
    expect(() => parseUint64(text)).toThrow(refused("uint"));
  });
});

describe("parseBool", () => {
  test.each(["1", "t", "T", "TRUE", "true", "True"])("%s is true", (text) => {
    expect(parseBool(text)).toBe(true);
  });
  test.each(["0", "f", "F", "FALSE", "false", "False"])("%s is false", (text) => {
    expect(parseBool(text)).toBe(false);
  });
  test.each(["", "TrUe", "FaLsE", "yes", " true", "2", "tRUE"])("rejects %j", (text) => {
    expect(() => parseBool(text)).toThrow(refused("bool"));
  });
});

describe("parseDouble", () => {
  test.each([
    ["0", 0],
    ["-0.0", -0],
    ["1.", 1],
    [".5", 0.5],
    ["+1e5", 1e5],
    ["1E-5", 1e-5],
    ["6.02214e23", 6.02214e23],
    ["-5.43e-21", -5.43e-21],
    ["1e-400", 0],
    ["-1e-400", -0],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    // Just below what rounds to infinity.
    ["1.797693134862315807e308", Number.MAX_VALUE],
    ["4.9e-324", 5e-324],
    ["1090544144181609348671888949248", 1.0905441441816093e30],
    ["1_23.50_0_0e+1_2", 1.235e14],
    ["0_1", 1],
    ["inf", Number.POSITIVE_INFINITY],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["-INFINITY", Number.NEGATIVE_INFINITY],
    ["nan", Number.NaN],
    ["NaN", Number.NaN],
    ["0x1p0", 1],
    ["0X1.8P1", 3],
    ["-0x.8p0", -0.5],
    ["0x1.p-1", 0.5],
    ["0x0p0", 0],
    ["-0x0p9", -0],
    ["0x_1_2.3_4_5p+1_2", 74565],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    ["0x1p-1074", 5e-324],
    ["0x1p-1075", 0],
    ["0x1.8p-1075", 5e-324],
    ["0x3p-1075", 1e-323],
    ["0x1.00000000000008p0", 1],
    ["0x1.000000000000080001p0", 1.0000000000000002],
    [`0x1.00000000000008${"0".repeat(10_000)}1p0`, 1.0000000000000002],
    ["0x1.00000000000018p0", 1.0000000000000004],
    ["0xffffffffffffffffffp0", 2 ** 72],
    ["0x1p-99999999999", 0],
    [`0x${"0".repeat(50)}1p4`, 16],
  ])("%s", (text, value) => {
    expect(parseDouble(text)).toBe(value);
  });

  test.each([
    "",
    "+",
    ".",
    "e5",
    "1e",
    "1e+",
    " 1",
    "1 ",
    "1.5.2",
    "1f",
    "--1",
    "+nan",
    "-NaN",
    "infin",
    "infinityx",
    "in",
    "_1",
    "1_",
    "1__2",
    "123_.5e+12",
    "123._5e+12",
    "123.5_e+12",
    "123.5e_+12",
    "123.5e+_12",
    "123.5e+1__2",
    "123.5e+12_",
    "0x",
    "0x1",
    "0x.p1",
    "0xp1",
    "0x1p",
    "0x1e5",
    "0x__12.345p+12",
    "0x12_.345p+12",
    "0x12._345p+12",
    "0x12.345p_+12",
    "_0x1p1",
    "0b1",
    "0o7",
    "1e309",
    "-1e309",
    "1e99999999999999999999",
    "1.797693134862315808e308",
    "0x1p1024",
    "0x1.fffffffffffff8p1023",
    "0x1p99999999999999",
  ])("rejects %j", (text) => {
    expect(() => parseDouble(text)).toThrow(refused("double"));
  });

  test("parses what it formatted", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(parseDouble(formatFloatG(value))).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  test("reads any double in hexadecimal", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
        fc.integer({ min: -1074, max: 970 }),
        (m, e) => {
          expect(parseDouble(`0x${m.toString(16)}p${e}`)).toBe(Number(m) * 2 ** e);
        },
      ),
    );
  });

  test("rounds hexadecimal digits as BigInt does", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (value) => {
        expect(parseDouble(`0x${value.toString(16)}p0`)).toBe(Number(value));
      }),
    );
  });

  test("needs linear time for long hostile strings", () => {
    const length = 200_000;
    for (const text of [
      "1".repeat(length),
      "0x".padEnd(length, "f"),
      "1_".repeat(length),
      "0".repeat(length),
    ]) {
      for (const end of ["", "x", ".", "e", "p1"]) {
        try {
          parseDouble(text + end);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }
    }
  });
});
