import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  literalOf,
  parseBytesLiteral,
  parseDoubleLiteral,
  parseIntLiteral,
  parseStringLiteral,
  parseUintLiteral,
} from "../../../src/cel/parse/literal.js";
import "../../support/seed.js";

const NO_INT = { fault: "invalid int literal" };
const NO_UINT = { fault: "invalid uint literal" };
const NO_DOUBLE = { fault: "invalid double literal" };

describe("parseIntLiteral", () => {
  test.each([
    { text: "0", negative: false, result: { value: 0n } },
    { text: "007", negative: false, result: { value: 7n } },
    { text: "0xfF", negative: false, result: { value: 255n } },
    { text: "0x10", negative: true, result: { value: -16n } },
    { text: "9223372036854775807", negative: false, result: { value: 2n ** 63n - 1n } },
    { text: "9223372036854775808", negative: false, result: NO_INT },
    { text: "9223372036854775808", negative: true, result: { value: -(2n ** 63n) } },
    { text: "9223372036854775809", negative: true, result: NO_INT },
    { text: "0x8000000000000000", negative: false, result: NO_INT },
    { text: "0x8000000000000000", negative: true, result: { value: -(2n ** 63n) } },
    { text: "1".repeat(4000), negative: false, result: NO_INT },
    { text: `${"0".repeat(4000)}12`, negative: false, result: { value: 12n } },
    { text: `0x${"0".repeat(4000)}c`, negative: false, result: { value: 12n } },
  ])("$negative $text", ({ text, negative, result }) => {
    expect(parseIntLiteral(text, negative)).toEqual(result);
  });
});

describe("parseUintLiteral", () => {
  test.each([
    { text: "0u", result: { value: 0n } },
    { text: "0xFFFFFFFFFFFFFFFFU", result: { value: 2n ** 64n - 1n } },
    { text: "18446744073709551615u", result: { value: 2n ** 64n - 1n } },
    { text: "18446744073709551616u", result: NO_UINT },
    { text: "0x10000000000000000u", result: NO_UINT },
    { text: `${"9".repeat(100)}u`, result: NO_UINT },
  ])("$text", ({ text, result }) => {
    expect(parseUintLiteral(text)).toEqual(result);
  });
});

describe("parseDoubleLiteral", () => {
  test.each([
    { text: ".5", negative: false, result: { value: 0.5 } },
    { text: "0.0", negative: true, result: { value: -0 } },
    { text: "1.7976931348623157e308", negative: true, result: { value: -Number.MAX_VALUE } },
    { text: "1.7976931348623159e308", negative: false, result: NO_DOUBLE },
    { text: "1e309", negative: true, result: NO_DOUBLE },
    { text: "5e-324", negative: false, result: { value: 5e-324 } },
    { text: "1e-400", negative: false, result: { value: 0 } },
    { text: "1.99e90000009", negative: false, result: NO_DOUBLE },
  ])("$negative $text", ({ text, negative, result }) => {
    expect(parseDoubleLiteral(text, negative)).toEqual(result);
  });
});

describe("parseStringLiteral", () => {
  test.each([
    { text: "''", value: "" },
    { text: `"a'b"`, value: "a'b" },
    { text: "''''''", value: "" },
    { text: "'''a''b'''", value: "a''b" },
    { text: '"""a\r\nb\rc\nd"""', value: "a\nb\nc\nd" },
    { text: "r'''a\r\n\\'''", value: "a\n\\" },
    { text: "'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'", value: "\x07\b\f\n\r\t\v\\?\"'`" },
    { text: String.raw`'\x41\X7a\u00e9\U0001F601\101\303'`, value: "Azé😁AÃ" },
    { text: String.raw`'\xff\377'`, value: "ÿÿ" },
    { text: String.raw`r'\x41'`, value: "\\x41" },
    { text: String.raw`R"\"`, value: "\\" },
    { text: "'a\ud800b\udc00'", value: "a\ufffdb\ufffd" },
    { text: "'\ud83d\ude01'", value: "😁" },
    { text: String.raw`'\U0010ffff'`, value: "\u{10ffff}" },
  ])("$text", ({ text, value }) => {
    expect(parseStringLiteral(text)).toEqual({ value });
  });

  test.each(["\\U00110000", "\\UFFFFFFFF"])("rejects the code point %s", (sequence) => {
    expect(parseStringLiteral(`'a${sequence}'`)).toEqual({ fault: "invalid unicode code point" });
  });

  test.each(["\\ud800", "\\udfff", "\\udead", "\\U0000D800", "\\U0000dfff"])(
    "replaces the surrogate %s by U+FFFD",
    (sequence) => {
      expect(parseStringLiteral(`'a${sequence}'`)).toEqual({ value: "a\ufffd" });
    },
  );

  test("replaces an escaped pair of surrogates by two U+FFFD", () => {
    expect(parseStringLiteral("'\\ud83d\\ude01'")).toEqual({ value: "\ufffd\ufffd" });
  });
});

describe("parseBytesLiteral", () => {
  test.each([
    { text: "b''", value: [] },
    { text: "b'aé'", value: [0x61, 0xc3, 0xa9] },
    { text: String.raw`B"\x00\XfF\377\n"`, value: [0, 0xff, 0xff, 0x0a] },
    { text: String.raw`b'é\xe9😁\''`, value: [0xc3, 0xa9, 0xe9, 0xf0, 0x9f, 0x98, 0x81, 0x27] },
    { text: String.raw`br'\x00'`, value: [0x5c, 0x78, 0x30, 0x30] },
    { text: "b'''\r\n'''", value: [0x0a] },
    { text: "b'\ud800'", value: [0xef, 0xbf, 0xbd] },
  ])("$text", ({ text, value }) => {
    expect(parseBytesLiteral(text)).toEqual({ value: Uint8Array.from(value) });
  });

  test.each(["\\u00ff", "\\U000000ff", "\\ud800"])("rejects invalid escapes: %s", (sequence) => {
    expect(parseBytesLiteral(`b'a${sequence}'`)).toEqual({ fault: "unable to unescape string" });
  });

  test("accepts any byte in hexadecimal and octal", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (value, octal) => {
        const escapes = Array.from(value, (byte) =>
          octal ? `\\${byte.toString(8).padStart(3, "0")}` : `\\x${byte.toString(16).padStart(2, "0")}`,
        );
        expect(parseBytesLiteral(`b"${escapes.join("")}"`)).toEqual({ value });
      }),
    );
  });
});

test("parseStringLiteral: accepts any string with escapes, and raw", () => {
  const plain = fc.string({ unit: "binary" }).map((text) => text.replace(/[\r'\\]/g, ""));
  fc.assert(
    fc.property(plain, (value) => {
      const escapes = Array.from(value, (character) => {
        const code = character.codePointAt(0)!.toString(16);
        return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
      });
      expect(parseStringLiteral(`'${escapes.join("")}'`)).toEqual({ value });
      expect(parseStringLiteral(`r'''${value}'''`)).toEqual({ value });
    }),
  );
});

test.each(["(", "identifier", "in", "end"] as const)("literalOf: %s is not a literal", (kind) => {
  expect(literalOf(kind, kind, false)).toBeUndefined();
});
