import fc from "fast-check";
import { expect, test } from "vitest";
import { goQuote } from "../../../src/go/strconv/quote.js";

/** The results of Go's strconv.Quote. */
test.each([
  { name: "nothing", text: "", go: '""' },
  { name: "plain text", text: "10.0.0.0/8 x", go: '"10.0.0.0/8 x"' },
  { name: "a quote", text: 'a"b', go: '"a\\"b"' },
  { name: "a single quote", text: "a'b", go: `"a'b"` },
  { name: "a backslash", text: "a\\b", go: '"a\\\\b"' },
  { name: "the letter escapes", text: "\x07\b\f\n\r\t\v", go: '"\\a\\b\\f\\n\\r\\t\\v"' },
  { name: "a NUL", text: "\0", go: '"\\x00"' },
  { name: "an escape character", text: "\x1b", go: '"\\x1b"' },
  { name: "a delete character", text: "\x7f", go: '"\\x7f"' },
  { name: "a control character above ASCII", text: "\x85", go: '"\\u0085"' },
  { name: "a non-ASCII space", text: "\u00a0", go: '"\\u00a0"' },
  { name: "a soft hyphen", text: "\u00ad", go: '"\\u00ad"' },
  { name: "a line separator", text: "\u2028", go: '"\\u2028"' },
  { name: "a zero-width joiner", text: "\u200d", go: '"\\u200d"' },
  { name: "a byte order mark", text: "\ufeff", go: '"\\ufeff"' },
  { name: "a private character", text: "\ue000", go: '"\\ue000"' },
  { name: "an unassigned astral character", text: "\u{10ffff}", go: '"\\U0010ffff"' },
  { name: "a tag character", text: "\u{e0001}", go: '"\\U000e0001"' },
  { name: "letters of all kinds", text: "é日本жא", go: '"é日本жא"' },
  { name: "a combining mark", text: "e\u0301", go: '"e\u0301"' },
  { name: "symbols", text: "€+😀", go: '"€+😀"' },
  { name: "the replacement character", text: "\ufffd", go: '"\ufffd"' },
  { name: "a lone surrogate", text: "a\ud800b", go: '"a\ufffdb"' },
])("goQuote: quotes $name", ({ text, go }) => {
  expect(goQuote(text)).toBe(go);
});

test("goQuote: quotes ASCII so that JavaScript unquotes it", () => {
  const ascii = fc.string({ unit: "binary-ascii" });
  fc.assert(
    fc.property(ascii, (text) => {
      const quoted = goQuote(text);
      expect(quoted).toMatch(/^"[\x20-\x7e]*"$/);
      // JSON does not support \a, \v and \x.
      const json = quoted.replace(/\\(\\|a|v|x..)/g, (written, what: string) => {
        if (what === "\\") return written;
        const code = { a: "07", v: "0b" }[what] ?? what.slice(1);
        return `\\u00${code}`;
      });
      expect(JSON.parse(json)).toBe(text);
    }),
  );
});
