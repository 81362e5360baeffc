import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEscape, escapeControls } from "../../../src/observer/format/escape.js";

describe("escapeControls", () => {
  test.each([
    { name: "ESC as later releases of Hubble do", text: "a\x1b[31mb", expected: "a^[[31mb" },
    { name: "line ends and tabs", text: "a\r\n\tb", expected: "a\\r\\n\\tb" },
    { name: "other C0 controls", text: "\0\x07\b\v\f\x1f", expected: "\\x00\\x07\\x08\\x0b\\x0c\\x1f" },
    { name: "DEL", text: "\x7f", expected: "\\x7f" },
    {
      name: "C1 controls, including CSI and NEL",
      text: "\x80\x85\x9b\x9f",
      expected: "\\u0080\\u0085\\u009b\\u009f",
    },
    { name: "bidi embeddings and overrides", text: "\u202a\u202e\u202c", expected: "\\u202a\\u202e\\u202c" },
    {
      name: "bidi isolates and marks",
      text: "\u2066\u2069\u200e\u200f\u061c",
      expected: "\\u2066\\u2069\\u200e\\u200f\\u061c",
    },
    {
      name: "characters without width",
      text: "\u200b\u200d\ufeff\u00ad",
      expected: "\\u200b\\u200d\\ufeff\\u00ad",
    },
    { name: "line and paragraph separators", text: "\u2028\u2029", expected: "\\u2028\\u2029" },
    { name: "tags outside the BMP", text: "\u{e0041}", expected: "\\U000e0041" },
  ])("escapes $name", ({ text, expected }) => {
    expect(escapeControls(text)).toBe(expected);
  });

  test.each([
    "",
    "DNS Query a.b. AAAA",
    "\\n stays",
    "grüße 你好 🐝",
    "e\u0301",
    "no-break\u00a0space",
    "\ud800",
  ])("does not change %j", (text) => {
    expect(escapeControls(text)).toBe(text);
  });

  test("the result for any string contains no control characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeControls(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe("createEscape", () => {
  const text = "\x1b[31m \x1b[0m \x1b[37m \x1b[m \x1b[0;31m \r\n\t\x07\x9b";

  test("none: escapes nothing", () => {
    expect(createEscape("none", false)(text)).toBe(text);
  });

  test("all: escapes what escapeControls does, with and without colors", () => {
    expect(createEscape("all", true)(text)).toBe(escapeControls(text));
  });

  test("esc-cr: escapes ESC and CR only", () => {
    expect(createEscape("esc-cr", false)(text)).toBe("^[[31m ^[[0m ^[[37m ^[[m ^[[0;31m \\r\n\t\x07\x9b");
  });

  test("esc-cr: with colors leaves the sequences of Hubble's colors", () => {
    expect(createEscape("esc-cr", true)(text)).toBe("\x1b[31m \x1b[0m ^[[37m ^[[m ^[[0;31m \\r\n\t\x07\x9b");
  });
});
