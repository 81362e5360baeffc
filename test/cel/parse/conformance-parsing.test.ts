import {
  getCheckingSuite,
  getComprehensionSuite,
  getConformanceSuite,
  getParsingSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from "@bufbuild/cel-spec/testdata/tests.js";
import { describe, expect, test } from "vitest";
import { CelError } from "../../../src/cel/parse/issue.js";
import { parseCel } from "../../../src/cel/parse/parse.js";
import { debugText } from "./debug-text.js";

// What cel-go's own parser test sets.
const LIMITS = { maxDepth: 32, maxCodePoints: 100_000 };

/** Differences between v0.20.1, which Hubble uses, and the version of the suite. */
const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ["m.existsOne(v, f)", "the name is younger: a method like any other"],
  ["[].existsOne(__result__, __result__)", "the name is younger: a method like any other"],
]);

/** Likewise: an escaped surrogate is U+FFFD in v0.20.1, and a fault in later versions. */
const SURROGATE = "'\\udead' == '\\ufffd'";

const tests = testsOf(getParsingSuite());
const judged = tests.filter(
  ({ original }) => !KNOWN_DIFFERENCES.has(original.expr) && original.expr !== SURROGATE,
);

test("conformance: has the known number of cases", () => {
  expect(tests).toHaveLength(194);
  expect(judged.length).toBeGreaterThanOrEqual(190);
});

describe("parseCel: trees of cel-go", () => {
  test.each(judged.filter(({ ast }) => ast !== undefined))("$name", ({ original, ast }) => {
    expect(debugText(parseCel(original.expr, LIMITS))).toBe(ast);
  });
});

describe("parseCel: expressions that cel-go rejects", () => {
  test.each(judged.filter(({ ast }) => ast === undefined))("$name", (failing) => {
    expect(failureOf(failing)).toBeInstanceOf(CelError);
  });
});

describe("parseCel: cel-go's messages, except those of its parser generator", () => {
  const told = judged.filter(({ ast, error }) => ast === undefined && !/Syntax error|'`'/.test(error!));

  test.each(told)("$name", (failing) => {
    expect(failureOf(failing)?.message).toBe(failing.error!.replaceAll("ERROR: :", "ERROR: <input>:"));
  });
});

describe("parseCel: trees and failures of the other suites", () => {
  test.each([
    { name: "conformance", suite: getConformanceSuite(), count: 2344 },
    { name: "comprehension", suite: getComprehensionSuite(), count: 92 },
    { name: "checking", suite: getCheckingSuite(), count: 135 },
  ])("$name: all $count", ({ suite, count }) => {
    const all = testsOf(suite);
    expect(all).toHaveLength(count);
    expect(all.filter((one) => treeOf(one) !== one.ast).map(({ original }) => original.expr)).toEqual([]);
  });
});

describe("parseCel: known differences", () => {
  test("an escaped surrogate is U+FFFD", () => {
    expect(debugText(parseCel(SURROGATE))).toBe(debugText(parseCel("'\ufffd' == '\ufffd'")));
  });

  test.each([...KNOWN_DIFFERENCES])("%s: %s", (expression) => {
    expect(parseCel(expression)).toMatchObject({ kind: "call", function: "existsOne" });
  });
});

function testsOf({ tests, suites }: IncrementalTestSuite): IncrementalTest[] {
  return [...tests, ...suites.flatMap(testsOf)];
}

function treeOf({ original }: IncrementalTest): string | undefined {
  try {
    return debugText(parseCel(original.expr, LIMITS));
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

function failureOf({ original }: IncrementalTest): CelError | undefined {
  try {
    parseCel(original.expr, LIMITS);
    return undefined;
  } catch (error) {
    return error as CelError;
  }
}
