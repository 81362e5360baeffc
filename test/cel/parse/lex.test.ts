import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lexCel } from "../../../src/cel/parse/lex.js";
import "../../support/seed.js";

const lexed = (expression: string): string[] =>
  lexCel(expression)
    .slice(0, -1)
    .map(({ kind, start, end }) => {
      const text = expression.slice(start, end);
      return text === kind ? kind : `${kind} ${text}`;
    });

const lastOf = (expression: string) => lexCel(expression).at(-1)!;

test.each([
  {
    name: "every sign",
    text: "== != < <= >= > && || [ ] { } ( ) . , - ! ? : + * / %",
    tokens: "== != < <= >= > && || [ ] { } ( ) . , - ! ? : + * / %",
  },
  { name: "the longest sign first", text: "<=!!=>=>||&&==-!", tokens: "<= ! != >= > || && == - !" },
])("lexCel: $name", ({ text, tokens }) => {
  expect(lexed(text).join(" ")).toBe(tokens);
});

describe("lexCel: identifiers and keywords", () => {
  test.each([
    { text: "in true false null", tokens: ["in", "true", "false", "null"] },
    {
      text: "ins _in True nulls",
      tokens: ["identifier ins", "identifier _in", "identifier True", "identifier nulls"],
    },
    { text: "_a1 __ B_9", tokens: ["identifier _a1", "identifier __", "identifier B_9"] },
    { text: "as import", tokens: ["identifier as", "identifier import"] },
    { text: "r b br rb", tokens: ["identifier r", "identifier b", "identifier br", "identifier rb"] },
  ])("$text", ({ text, tokens }) => {
    expect(lexed(text)).toEqual(tokens);
  });
});

describe("lexCel: numbers extend as far as possible", () => {
  test.each([
    { text: "0 12 007", tokens: ["int 0", "int 12", "int 007"] },
    { text: "0x1F 0xfu 0xABU", tokens: ["int 0x1F", "uint 0xfu", "uint 0xABU"] },
    { text: "1u 2U", tokens: ["uint 1u", "uint 2U"] },
    {
      text: "1.5 .5 1e3 1E+3 1.5e-3 .5e3",
      tokens: ["double 1.5", "double .5", "double 1e3", "double 1E+3", "double 1.5e-3", "double .5e3"],
    },
    { text: "1.", tokens: ["int 1", "."] },
    { text: "1.a", tokens: ["int 1", ".", "identifier a"] },
    { text: "1e", tokens: ["int 1", "identifier e"] },
    { text: "1.5e+", tokens: ["double 1.5", "identifier e", "+"] },
    { text: "1..5", tokens: ["int 1", ".", "double .5"] },
    { text: "a.1", tokens: ["identifier a", "double .1"] },
    { text: "0x", tokens: ["int 0", "identifier x"] },
    { text: "0X1", tokens: ["int 0", "identifier X1"] },
    { text: "1e3u", tokens: ["double 1e3", "identifier u"] },
    { text: "-1", tokens: ["-", "int 1"] },
  ])("$text", ({ text, tokens }) => {
    expect(lexed(text)).toEqual(tokens);
  });
});

describe("lexCel: strings and bytes", () => {
  test.each([
    { text: `'' ""`, tokens: ["string ''", 'string ""'] },
    { text: `'a"b' "a'b"`, tokens: [`string 'a"b'`, `string "a'b"`] },
    { text: String.raw`'\'' "\""`, tokens: [String.raw`string '\''`, String.raw`string "\""`] },
    { text: String.raw`r'\' R"\d"`, tokens: [String.raw`string r'\'`, String.raw`string R"\d"`] },
    { text: "'''a'b''c''' \"\"\"\n\"\"\"", tokens: ["string '''a'b''c'''", 'string """\n"""'] },
    { text: "''''''", tokens: ["string ''''''"] },
    { text: "r'''\\''' 1", tokens: ["string r'''\\'''", "int 1"] },
    {
      text: `b'a' B"a" br'\\' bR"a" b'''a'''`,
      tokens: ["bytes b'a'", 'bytes B"a"', "bytes br'\\'", 'bytes bR"a"', "bytes b'''a'''"],
    },
    { text: "rb'a'", tokens: ["identifier rb", "string 'a'"] },
    { text: "xb'a'", tokens: ["identifier xb", "string 'a'"] },
    { text: "'é😁\t'", tokens: ["string 'é😁\t'"] },
  ])("$text", ({ text, tokens }) => {
    expect(lastOf(text).kind).toBe("end");
    expect(lexed(text)).toEqual(tokens);
  });

  test.each([
    "a",
    "b",
    "f",
    "n",
    "r",
    "t",
    "v",
    "\\",
    "'",
    '"',
    "?",
    "`",
    "x0f",
    "XFF",
    "u00e9",
    "U0001F601",
    "000",
    "377",
  ])("the escape \\%s", (sequence) => {
    expect(lastOf(`'\\${sequence}'`).kind).toBe("end");
  });

  test.each(["d", "xf", "x0g", "u00e", "U0001F60", "400", "38", "0", "9", "/", "é", "\n"])(
    "rejects the escape \\%s",
    (sequence) => {
      expect(lastOf(`'\\${sequence}'`)).toMatchObject({ kind: "invalid", start: 1, end: 2 });
      expect(lastOf(`r'''\\${sequence}'''`).kind).toBe("end");
    },
  );
});

describe("lexCel: white space and comments", () => {
  test.each([
    { name: "white space", text: " \t\r\n\fa \t\r\n\f", tokens: ["identifier a"] },
    { name: "a comment to the end", text: "a // b", tokens: ["identifier a"] },
    { name: "a comment to the end of its line", text: "// b\na//\n//", tokens: ["identifier a"] },
    { name: "no comment of C", text: "/* */", tokens: ["/", "*", "*", "/"] },
    { name: "no comment in a string", text: "'//'", tokens: ["string '//'"] },
  ])("$name", ({ text, tokens }) => {
    expect(lastOf(text)).toMatchObject({ kind: "end", start: text.length });
    expect(lexed(text)).toEqual(tokens);
  });
});

describe("lexCel: invalid characters end the list of tokens", () => {
  test.each([
    { text: "a = b", start: 2, fault: "found = where == was expected" },
    { text: "a & b", start: 2, fault: "found & where && was expected" },
    { text: "a | b", start: 2, fault: "found | where || was expected" },
    { text: "“a”", start: 0, fault: 'found “ where " was expected' },
    { text: "a $", start: 2, fault: "found $ (U+0024), which only a string or a comment can contain" },
    { text: "a\u00a0", start: 1, fault: "found U+00A0, which only a string or a comment can contain" },
    { text: "\x1b", start: 0, fault: "found U+001B, which only a string or a comment can contain" },
    { text: "\ud800", start: 0, fault: "found U+D800, which only a string or a comment can contain" },
    { text: "a 😁", start: 2, fault: "found 😁 (U+1F601), which only a string or a comment can contain" },
    { text: "é", start: 0, fault: "found é (U+00E9), which only a string or a comment can contain" },
    { text: "a.`b`", start: 2, fault: "found ` (U+0060), which only a string or a comment can contain" },
    { text: "'a", start: 0, fault: "found no ' that ends the string" },
    { text: "b'''a''", start: 0, fault: "found no ''' that ends the bytes" },
    { text: "'a\nb'", start: 2, fault: "found the end of the line where ' was expected" },
    { text: "r'a\rb'", start: 3, fault: "found the end of the line where ' was expected" },
    { text: "'\\", start: 1, fault: "found a '\\' that begins no escape sequence" },
  ])("$text", ({ text, start, fault }) => {
    expect(lastOf(text)).toMatchObject({ kind: "invalid", start, fault });
  });
});

test("lexCel: tokens are in order, with only white space and comments between them", () => {
  const piece = fc.constantFrom(
    "a",
    "1",
    ".5",
    "0x",
    "'",
    '"',
    "'''",
    "\\",
    "r",
    "b",
    "=",
    "&&",
    "//",
    "\n",
    " ",
    "é",
    "(",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece).map((parts) => parts.join("")),
      ),
      (text) => {
        let end = 0;
        for (const token of lexCel(text)) {
          if (token.kind === "invalid") break;
          expect(text.slice(end, token.start)).toMatch(/^(?:[ \t\r\n\f]|\/\/[^\n]*)*$/);
          expect(token.end).toBeGreaterThan(token.kind === "end" ? token.start - 1 : token.start);
          end = token.end;
        }
      },
    ),
  );
});
