import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../../src/go/csv.js";

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
  ])("parses %j", (text, value) => {
    expect(parseCsv(text)).toEqual({ value });
  });

  test.each([
    { text: "\n", fault: "EOF" },
    { text: 'a"b', fault: 'parse error on line 1, column 2: bare " in non-quoted-field' },
    { text: 'é,a"', fault: 'parse error on line 1, column 5: bare " in non-quoted-field' },
    { text: '"a', fault: 'parse error on line 1, column 3: extraneous or missing " in quoted-field' },
    {
      text: '"a\n',
      fault: 'parse error on line 1, column 4: extraneous or missing " in quoted-field',
    },
    {
      text: '"a\r\n\r\n',
      fault: 'record on line 1; parse error on line 2, column 2: extraneous or missing " in quoted-field',
    },
    { text: '"a"b', fault: 'parse error on line 1, column 3: extraneous or missing " in quoted-field' },
    {
      text: '\n"a\nb"c',
      fault: 'record on line 2; parse error on line 3, column 2: extraneous or missing " in quoted-field',
    },
  ])("rejects $text", ({ text, fault }) => {
    expect(parseCsv(text)).toEqual({ fault });
  });

  test("parses rows with every field quoted", () => {
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
