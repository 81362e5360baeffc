import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CelError } from "../../../src/cel/parse/issue.js";
import { parseCel } from "../../../src/cel/parse/parse.js";
import { celExpressions } from "../vectors.js";
import "../../support/seed.js";
import { amount, runs } from "../../support/amount.js";
import { errorOf, faultsOf } from "./faults.js";
import { outline } from "./outline.js";

describe("parseCel: limits", () => {
  const nested = (count: number, open: string, inner: string, close: string): string =>
    open.repeat(count) + inner + close.repeat(count);
  const RECURSION = ["0: expression recursion limit exceeded: 250"];
  const DEPTH = ["0: max recursion depth exceeded"];

  test.each([
    {
      name: "parentheses",
      least: (count: number) => nested(count, "(", "a", ")"),
      most: 249,
      faults: RECURSION,
    },
    { name: "lists", least: (count: number) => nested(count, "[", "a", "]"), most: 249, faults: RECURSION },
    { name: "maps", least: (count: number) => nested(count, "{a:", "a", "}"), most: 249, faults: RECURSION },
    { name: "calls", least: (count: number) => nested(count, "f(", "a", ")"), most: 249, faults: RECURSION },
    {
      name: "conditions in a row",
      least: (count: number) => nested(count, "a?b:", "c", ""),
      most: 249,
      faults: RECURSION,
    },
    {
      name: "right operands of relations",
      least: (count: number) => nested(count, "a==(", "a", ")"),
      most: 124,
      faults: RECURSION,
    },
    {
      name: "right operands of products in sums",
      least: (count: number) => nested(count, "a+b*(", "a", ")"),
      most: 83,
      faults: RECURSION,
    },
    {
      name: "fields in a row",
      least: (count: number) => nested(count, "", "a", ".b"),
      most: 250,
      faults: DEPTH,
    },
    {
      name: "indexes in a row",
      least: (count: number) => nested(count, "", "a", "[0]"),
      most: 250,
      faults: DEPTH,
    },
    {
      name: "methods in a row",
      least: (count: number) => nested(count, "", "a", ".b()"),
      most: 250,
      faults: DEPTH,
    },
    {
      name: "sums in a row",
      least: (count: number) => nested(count, "", "a", "+b"),
      most: 250,
      faults: DEPTH,
    },
    {
      name: "relations in a row",
      least: (count: number) => nested(count, "", "a", "<b"),
      most: 250,
      faults: DEPTH,
    },
    {
      name: "indexes in indexes",
      least: (count: number) => nested(count, "a[", "b", "]"),
      most: 249,
      faults: RECURSION,
    },
    {
      name: "fields of indexes",
      least: (count: number) => nested(count, "a[", "b", "].c"),
      most: 125,
      faults: DEPTH,
    },
  ])("$name: $most", ({ least, most, faults }) => {
    expect(errorOf(least(most))).toBeUndefined();
    expect(faultsOf(least(most + 1))).toEqual(faults);
  });

  test("signs and chains of && and || have no limit", () => {
    for (const text of ["!".repeat(4000), "-".repeat(4000), "a&&".repeat(1300), "a||".repeat(1300)]) {
      expect(errorOf(`${text}a`)).toBeUndefined();
    }
  });

  test("of code points, not code units", () => {
    expect(errorOf(`'${"😁".repeat(4094)}'`)).toBeUndefined();
    expect(errorOf(`'${"😁".repeat(4095)}'`)?.message).toBe(
      "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 4097, limit 4096",
    );
    expect(faultsOf("abc", { maxCodePoints: 2 })).toHaveLength(1);
  });

  test("of depth can be set, but not so high that the stack overflows", () => {
    expect(faultsOf("((a))", { maxDepth: 2 })).toEqual(["0: expression recursion limit exceeded: 2"]);
    expect(faultsOf("a", { maxDepth: Number.NaN })).toEqual(["0: expression recursion limit exceeded: NaN"]);
    const options = { maxDepth: 500, maxCodePoints: 1_000_000 };
    for (const open of [
      "(",
      "[",
      "{a:",
      "{?a:",
      "[?",
      "if(",
      "a.b(",
      "a[?",
      "A{?b:",
      "-x.all(y,a==b+c*-A{?d:",
    ]) {
      expect(faultsOf(open.repeat(20_000), options)).toEqual(["0: expression recursion limit exceeded: 500"]);
    }
  });
});

describe("parseCel: hostile expressions", () => {
  const pieces = [
    "(",
    "[",
    "{",
    "!",
    "-",
    "a.",
    "a?",
    "a[",
    "a(",
    "a{",
    "'",
    '"',
    "'''",
    "r'''",
    "b'''",
    "\\",
    "//",
    "'\\",
    ".",
    "1.",
    "1e",
    "0x",
    "a?b:",
    "[?",
    "{?",
    "a==",
    "a&&",
    "a||",
    ",",
    "9",
    "é",
    "😁",
    "\ud800",
    "`",
    "\n",
    "if(",
  ];

  // Far above linear time, far below quadratic time.
  test.each(pieces)("%s repeated", { timeout: 100_000 }, (piece) => {
    // Far more than the limit allows, so that more than linear time would show.
    const text = piece.repeat(amount({ quick: 30_000, long: 100_000 }));
    const error = errorOf(text, { maxCodePoints: 10_000_000 });
    expect(error).toBeInstanceOf(CelError);
    expect(errorOf(text)).toBeInstanceOf(CelError);
  });

  test("any string parses or throws a CelError", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        errorOf(text);
        errorOf(`'${text}'`);
      }),
      { numRuns: runs(100) },
    );
  });

  const token = fc.constantFrom(
    ...pieces,
    ")",
    "]",
    "}",
    ":",
    "?",
    "a",
    "in",
    "true",
    "null",
    "1",
    "1u",
    "1.5",
    "'a'",
    "b'a'",
    "has(",
    ".all(",
    "v,",
    ".map(",
    " ",
    "if",
    "__result__",
    "%",
    "<=",
    "+",
  );

  test("any tokens parse or throw a CelError with positions inside the expression", () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        const text = tokens.join("");
        for (const { at, line, column } of errorOf(text, { maxDepth: 5 })?.issues ?? []) {
          expect(at).toBeLessThanOrEqual(text.length);
          expect(at === -1 ? line === -1 && column === 0 : line >= 1 && column >= 1).toBe(true);
        }
      }),
      { numRuns: runs(2_000) },
    );
  });

  test("white space and comments between tokens have no effect", () => {
    const expressions = [...celExpressions().keys()].filter(
      (text) => errorOf(text) === undefined && !/['"]/.test(text),
    );
    const blank = fc.constantFrom(" ", "\n", "\t\r", '// it\'s a "comment"\n', "\f");
    fc.assert(
      fc.property(fc.constantFrom(...expressions), blank, (text, between) => {
        const spaced = text.replace(/\/\/.*/, "").replace(/(?<=[()[\]{},])|(?=[()[\]{},])/g, between);
        expect(outline(parseCel(spaced))).toBe(outline(parseCel(text)));
      }),
      { numRuns: runs(100) },
    );
  });
});
