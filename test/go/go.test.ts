import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../../src/go/csv.js";
import { findJsonEnd } from "../../src/go/json.js";
import { parseBool, parseUint } from "../../src/go/number.js";
import { quoteFirstByte } from "../../src/go/quote-byte.js";
import { parseTime } from "../../src/go/time.js";
import { parseDuration } from "../../src/observer/flags/parse-duration.js";

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
  ])("%s in base %i, %i bits", (text, base, bits, value) => {
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
  ])("%j in base %i, %i bits is refused", (text, base, bits, reason) => {
    const quoted = JSON.stringify(text);
    expect(parseUint(text, base, bits)).toEqual({
      fault: `strconv.ParseUint: parsing ${quoted}: ${reason}`,
    });
  });

  test("reads what is written, in every base", () => {
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

test.each([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => ({ text, value: true })),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => ({ text, value: false })),
])("parseBool reads $text", ({ text, value }) => {
  expect(parseBool(text)).toEqual({ value });
});

test.each(["", "yes", "tRUE", " true"])("parseBool refuses %j", (text) => {
  const fault = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  expect(parseBool(text)).toEqual({ fault });
});

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
    // Go adds in 64 bits.
    ["9223372036854775808ns9223372036854775808ns", 0n],
  ])("%s", (text, value) => {
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
  ])("$text is refused", ({ text, fault }) => {
    expect(parseDuration(text)).toEqual({ fault });
  });

  test("reads whole numbers of nanoseconds", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(parseDuration(`${value}ns`)).toEqual({ value });
      }),
    );
  });
});

describe("parseTime", () => {
  test.each<[string, string]>([
    ["2021-11-10", "2021-11-10T00:00:00Z"],
    ["0001-01-01", "0001-01-01T00:00:00Z"],
    ["0050-06-01", "0050-06-01T00:00:00Z"],
    ["2024-02-29", "2024-02-29T00:00:00Z"],
    ["2021-11-10T10Z", "2021-11-10T10:00:00Z"],
    ["2021-11-10T10+02:00", "2021-11-10T08:00:00Z"],
    ["2021-11-10T10:41Z", "2021-11-10T10:41:00Z"],
    ["2021-11-10T10:41-00:30", "2021-11-10T11:11:00Z"],
    ["2021-11-10T10:41:05Z", "2021-11-10T10:41:05Z"],
    ["2021-11-10T23:41:05-03:00", "2021-11-11T02:41:05Z"],
    ["2021-11-10T5:41:05Z", "2021-11-10T05:41:05Z"],
    ["2021-11-10T05:41:05+24:60", "2021-11-09T04:41:05Z"],
    ["Wed, 10 Nov 2021 10:41:00 +0000", "2021-11-10T10:41:00Z"],
    ["mon, 10 nov 2021 10:41:00 -0130", "2021-11-10T12:11:00Z"],
    ["Mon,10  Nov 2021   9:41:00 +0000", "2021-11-10T09:41:00Z"],
  ])("%s", (text, expected) => {
    expect(parseTime(text)).toEqual({ seconds: BigInt(Date.parse(expected)) / 1000n, nanos: 0 });
  });

  test.each<[string, number]>([
    ["2021-11-10T10:41:05.5Z", 500_000_000],
    ["2021-11-10T10:41:05,25Z", 250_000_000],
    ["2021-11-10T10:41:05.123456789Z", 123_456_789],
    ["2021-11-10T10:41:05.12345678999Z", 123_456_789],
    ["Wed, 10 Nov 2021 10:41:05.5 +0000", 500_000_000],
  ])("%s", (text, nanos) => {
    expect(parseTime(text)).toEqual({ seconds: 1_636_540_865n, nanos });
  });

  test.each([
    "",
    "now",
    "2021",
    "2021-11",
    "2021-1-10",
    "2021-11-1",
    "2021-13-01",
    "2021-00-01",
    "2021-11-00",
    "2021-11-31",
    "2023-02-29",
    "1900-02-29",
    "21-11-10",
    "+021-11-10",
    "2021-11-10Z",
    "2021-11-10T10",
    "2021-11-10T10:41",
    "2021-11-10T10:41:05",
    "2021-11-10t10:41:05Z",
    "2021-11-10 10:41:05Z",
    "2021-11-10T24:00:00Z",
    "2021-11-10T10:60:00Z",
    "2021-11-10T10:4:00Z",
    "2021-11-10T10:41:60Z",
    "2021-11-10T10:41:05.Z",
    "2021-11-10T10:41:05z",
    "2021-11-10T10:41:05+0200",
    "2021-11-10T10:41:05+25:00",
    "2021-11-10T10:41:05+00:61",
    "2021-11-10T10:41:05Z ",
    " 2021-11-10",
    "Nov 10 10:41:00.000",
    "Wed, 10 Nov 2021 10:41:00 UTC",
    "Wed, 10 Nov 21 10:41:00 +0000",
    "Xxx, 10 Nov 2021 10:41:00 +0000",
    "Wed, 10 Nvo 2021 10:41:00 +0000",
    "Wed, 31 Nov 2021 10:41:00 +0000",
    "Wed 10 Nov 2021 10:41:00 +0000",
  ])("refuses %j", (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  test("reads what JavaScript writes", () => {
    const dates = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        const instant = parseTime(date.toISOString());
        expect(instant && Number(instant.seconds) * 1000 + instant.nanos / 1e6).toBe(date.getTime());
      }),
    );
  });
});

describe("parseCsv", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["a", ["a"]],
    ["a,b", ["a", "b"]],
    ["a,,b,", ["a", "", "b", ""]],
    [" a , b", [" a ", " b"]],
    ['"a,b",c', ["a,b", "c"]],
    ['"say ""hi""",""', ['say "hi"', ""]],
    ['"a\nb",c', ["a\nb", "c"]],
    ['"a\r\nb"', ["a\nb"]],
    ["\n\r\na,b\nc", ["a", "b"]],
    ["a\r", ["a"]],
  ])("%j", (text, value) => {
    expect(parseCsv(text)).toEqual({ value });
  });

  test.each([
    { text: "\n", fault: "EOF" },
    { text: 'a"b', fault: 'parse error on line 1, column 2: bare " in non-quoted-field' },
    { text: 'é,a"', fault: 'parse error on line 1, column 5: bare " in non-quoted-field' },
    { text: '"a', fault: 'parse error on line 1, column 3: extraneous or missing " in quoted-field' },
    { text: '"a"b', fault: 'parse error on line 1, column 3: extraneous or missing " in quoted-field' },
    {
      text: '\n"a\nb"c',
      fault: 'record on line 2; parse error on line 3, column 2: extraneous or missing " in quoted-field',
    },
  ])("$text is refused", ({ text, fault }) => {
    expect(parseCsv(text)).toEqual({ fault });
  });

  test("reads what is written with every field quoted", () => {
    const fields = fc.array(
      fc.string().filter((text) => !text.includes("\r")),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(fields, (value) => {
        const line = value.map((field) => `"${field.replaceAll('"', '""')}"`).join(",");
        expect(parseCsv(line)).toEqual({ value });
      }),
    );
  });
});

describe("findJsonEnd", () => {
  test.each([
    { text: "{}", rest: "" },
    { text: '{"a":[1,-2.5e+3,{}],"b":"\\u00e9\\n"} {', rest: " {" },
    { text: " []".trim(), rest: "" },
    { text: '{ "a" : [ true , false , null ] }x', rest: "x" },
    { text: "12x", rest: "x" },
    { text: "012", rest: "12" },
    { text: '"a"b', rest: "b" },
  ])("$text", ({ text, rest }) => {
    const found = findJsonEnd(text, 0);
    expect("end" in found && text.slice(found.end)).toBe(rest);
  });

  test.each([
    { text: "", fault: "unexpected EOF" },
    { text: "{", fault: "unexpected EOF" },
    { text: '{"a', fault: "unexpected EOF" },
    { text: '{"a":1', fault: "unexpected EOF" },
    { text: "x", fault: "invalid character 'x' looking for beginning of value" },
    { text: "'", fault: "invalid character '\\'' looking for beginning of value" },
    { text: "é", fault: "invalid character 'Ã' looking for beginning of value" },
    { text: "{a", fault: "invalid character 'a' looking for beginning of object key string" },
    { text: '{"a":1,}', fault: "invalid character '}' looking for beginning of object key string" },
    { text: '{"a" 1}', fault: "invalid character '1' after object key" },
    { text: '{"a":1 "b"}', fault: "invalid character '\"' after object key:value pair" },
    { text: "[1 2]", fault: "invalid character '2' after array element" },
    { text: "[1}", fault: "invalid character '}' after array element" },
    { text: "[1,]", fault: "invalid character ']' looking for beginning of value" },
    { text: '"\n"', fault: "invalid character '\\n' in string literal" },
    { text: '"\\x"', fault: "invalid character 'x' in string escape code" },
    { text: '"\\u12g4"', fault: "invalid character 'g' in \\u hexadecimal character escape" },
    { text: "-a", fault: "invalid character 'a' in numeric literal" },
    { text: "1.a", fault: "invalid character 'a' after decimal point in numeric literal" },
    { text: "1ea", fault: "invalid character 'a' in exponent of numeric literal" },
    { text: "trye", fault: "invalid character 'y' in literal true (expecting 'u')" },
    { text: "nul", fault: "unexpected EOF" },
    { text: "[".repeat(10_001), fault: "exceeded max depth" },
    { text: '{"a":'.repeat(200_000), fault: "exceeded max depth" },
  ])("$text is refused", ({ text, fault }) => {
    expect(findJsonEnd(text, 0)).toEqual({ fault });
  });

  test("finds the end of what JavaScript writes", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", " ", "\n{"), (json, rest) => {
        expect(findJsonEnd(json + rest, 0)).toEqual({ end: json.length });
      }),
    );
  });

  test("refuses what JavaScript refuses", () => {
    const texts = fc.string({ unit: fc.constantFrom(..."{}[],:\"\\u0019-.eE+ truefalsn'x") });
    fc.assert(
      fc.property(texts, (text) => {
        const found = findJsonEnd(text.trimStart(), 0);
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        expect("end" in found && text.trimStart().slice(found.end).trim() === "").toBe(parses);
      }),
    );
  });
});

test.each([
  ["x", "'x'"],
  ["'", "'\\''"],
  ['"', "'\"'"],
  ["\\", "'\\\\'"],
  ["\u0001", "'\\x01'"],
  ["é", "'Ã'"],
  ["€", "'â'"],
  ["😀", "'ð'"],
])("quoteFirstByte(%j)", (character, quoted) => {
  expect(quoteFirstByte(character)).toBe(quoted);
});
