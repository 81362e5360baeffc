import { describe, expect, test } from "vitest";
import { CelError, type CelIssue, WHOLE_EXPRESSION } from "../../../src/cel/parse/issue.js";
import { celExpressions } from "../vectors.js";

const messageOf = (expression: string, ...issues: CelIssue[]): string =>
  new CelError(expression, issues).message;

describe("CelError: formats positions and messages as Hubble does", () => {
  const told = [...celExpressions()].flatMap(([expression, faults]) =>
    faults?.startsWith("ERROR") ? [{ expression, faults }] : [],
  );

  test("has many cases", () => {
    expect(told.length).toBeGreaterThan(100);
  });

  test.each(told)("$expression", ({ expression, faults }) => {
    const issues = [...faults.matchAll(/^ERROR: <input>:1:(\d+): (.*)$/gm)].map(([, column, message]) => ({
      at: [...expression].slice(0, Number(column) - 1).join("").length,
      message: message!,
    }));
    expect(messageOf(expression, ...issues)).toBe(faults);
  });
});

describe("CelError: positions", () => {
  const expression = "a +\n\t'😁é' +\r\n\nb";

  test.each([
    { at: 0, line: 1, column: 1 },
    { at: 3, line: 1, column: 4 },
    { at: 4, line: 2, column: 1 },
    { at: 6, line: 2, column: 3 },
    { at: 8, line: 2, column: 4 },
    { at: 9, line: 2, column: 5 },
    { at: 14, line: 3, column: 1 },
    { at: 15, line: 4, column: 1 },
    { at: 16, line: 4, column: 2 },
    { at: WHOLE_EXPRESSION, line: -1, column: 0 },
  ])("offset $at is $line:$column", ({ at, line, column }) => {
    expect(new CelError(expression, [{ at, message: "x" }]).issues).toEqual([
      { at, line, column, message: "x" },
    ]);
  });

  test("are the same for all issues together and for each", () => {
    const offsets = Array.from({ length: expression.length + 1 }, (_, at) => at).filter((at) => at !== 7);
    const together = new CelError(
      expression,
      [...offsets].reverse().map((at) => ({ at, message: "x" })),
    ).issues;
    expect(together).toEqual(
      offsets.flatMap((at) => new CelError(expression, [{ at, message: "x" }]).issues),
    );
  });
});

describe("CelError: the marked line", () => {
  test.each([
    { name: "of wide characters is wide", expression: "é'😁'b", at: 4, shown: "é'😁'b", pointer: "．.．^" },
    { name: "points at a wide character", expression: "aé", at: 1, shown: "aé", pointer: ".＾" },
    { name: "may end after the expression", expression: "a", at: 1, shown: "a", pointer: ".^" },
    { name: "prints a tab as a space", expression: "\ta", at: 1, shown: " a", pointer: ".^" },
    {
      name: "shows no control character",
      expression: "\x1b[2J\x7f\x9b\r",
      at: 6,
      shown: "␛[2J␡\ufffd␍",
      pointer: ".....．^",
    },
  ])("$name", ({ expression, at, shown, pointer }) => {
    const [, line, below] = messageOf(expression, { at, message: "x" }).split("\n");
    expect({ line, below }).toEqual({ line: ` | ${shown}`, below: ` | ${pointer}` });
  });

  test("has no caret for the whole expression or an empty one", () => {
    expect(messageOf("a", { at: WHOLE_EXPRESSION, message: "x" })).toBe("ERROR: <input>:-1:0: x");
    expect(messageOf("", { at: 0, message: "x" })).toBe("ERROR: <input>:1:1: x");
  });

  test("is omitted if it is too long", () => {
    expect(messageOf("a".repeat(20_000), { at: 9, message: "x" })).toBe("ERROR: <input>:1:10: x");
  });
});

describe("CelError: many issues", () => {
  test("are sorted by position, then by discovery", () => {
    const error = new CelError("abc", [
      { at: 2, message: "third" },
      { at: 0, message: "first" },
      { at: 0, message: "second" },
    ]);
    expect(error.issues.map(({ message }) => message)).toEqual(["first", "second", "third"]);
    expect(error.message).toBe(
      [
        "ERROR: <input>:1:1: first\n | abc\n | ^",
        "ERROR: <input>:1:1: second\n | abc\n | ^",
        "ERROR: <input>:1:3: third\n | abc\n | ..^",
      ].join("\n"),
    );
  });

  test("are limited to the first hundred", () => {
    const issues = Array.from({ length: 103 }, (_, index) => ({ at: 102 - index, message: `n${index}` }));
    const { message, issues: all } = new CelError("a".repeat(103), issues);
    expect(all).toHaveLength(103);
    expect(message.match(/ERROR/g)).toHaveLength(100);
    expect(message).toMatch(/^ERROR: <input>:1:4: n99\n/);
    expect(message).toMatch(/\n3 more errors were truncated$/);
  });
});

test("CelError: has the expression", () => {
  const error = new CelError("a b", [{ at: 2, message: "x" }]);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "CelError", expression: "a b" });
  expect(new CelError("a", error.issues, "other words").message).toBe("other words");
});
