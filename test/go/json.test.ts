import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findJsonEnd } from "../../src/go/json.js";

describe("findJsonEnd", () => {
  test.each([
    { text: "{}", rest: "" },
    { text: '{"a":[1,-2.5e+3,{}],"b":"\\u00e9\\n"} {', rest: " {" },
    { text: " []".trim(), rest: "" },
    { text: '{ "a" : [ true , false , null ] }x', rest: "x" },
    { text: "12x", rest: "x" },
    { text: "012", rest: "12" },
    { text: '"a"b', rest: "b" },
  ])("finds the end of the JSON in $text", ({ text, rest }) => {
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
  ])("rejects $text", ({ text, fault }) => {
    expect(findJsonEnd(text, 0)).toEqual({ fault });
  });

  test("finds the end of the output of JSON.stringify", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", " ", "\n{"), (json, rest) => {
        expect(findJsonEnd(json + rest, 0)).toEqual({ end: json.length });
      }),
    );
  });

  test("rejects what JSON.parse rejects", () => {
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
