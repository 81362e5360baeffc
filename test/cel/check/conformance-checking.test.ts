import { getCheckingSuite } from "@bufbuild/cel-spec/testdata/tests.js";
import { describe, expect, test } from "vitest";
import { checkCel } from "../../../src/cel/check/check.js";
import type { Environment } from "../../../src/cel/check/environment.js";
import { declareFunctions } from "../../../src/cel/check/standard.js";
import { formatType } from "../../../src/cel/check/type.js";
import { parseType } from "../../../src/cel/check/type-text.js";
import { CelError } from "../../../src/cel/parse/issue.js";
import { parseCel } from "../../../src/cel/parse/parse.js";
import { currentName, environmentOf, testsOf } from "../../support/cel-conformance.js";

/** What cel-go's own checker test declares for all of its cases. */
const VARIABLES = new Map(
  Object.entries({
    is: "string",
    ii: "int",
    iu: "uint",
    iz: "bool",
    id: "double",
    ix: "null_type",
    ib: "bytes",
  }).map(([name, type]) => [name, parseType(type)] as const),
);
const FUNCTIONS = declareFunctions(`
fg_s() string = fg_s_0
.fi_s_s(string) string = fi_s_s_0
`);

const KNOWN_MISSES: ReadonlyMap<string, string> = new Map([
  [
    "test.TestAllTypes",
    "the container is the parent of a package that has since been renamed, and which has no `test` below it now",
  ],
  [
    "type(testAllTypes.nestedgroup.nested_id) == int",
    "the messages that come with the suite no longer have this field",
  ],
]);

const tests = testsOf(getCheckingSuite()).map(({ test: one }) => {
  const { expr, container, typeEnv } = one.original;
  const base = environmentOf(typeEnv, currentName(container), VARIABLES);
  const environment = { ...base, functions: new Map([...base.functions, ...FUNCTIONS]) };
  return {
    expression: currentName(expr),
    name: JSON.stringify(expr),
    environment,
    type: one.type === undefined ? undefined : currentName(one.type),
    error: one.error === undefined ? undefined : currentName(one.error),
  };
});
const judged = tests.filter(({ expression }) => !KNOWN_MISSES.has(expression));

test("conformance: has the known number of cases", () => {
  expect(tests).toHaveLength(135);
  expect(judged).toHaveLength(133);
});

describe("checkCel: types of the suite", () => {
  const typed = judged.filter(({ type }) => type !== undefined);

  test.each(typed)("$name", ({ expression, environment, type }) => {
    expect(answer(expression, environment)).toEqual({ type });
  });
});

describe("checkCel: cel-go's messages", () => {
  const failing = judged.filter(({ type }) => type === undefined);

  test.each(failing)("$name", ({ expression, environment, error }) => {
    expect(answer(expression, environment)).toEqual({
      error: error?.replaceAll("ERROR: :", "ERROR: <input>:"),
    });
  });
});

describe("checkCel: known differences", () => {
  test.each([...KNOWN_MISSES])("%s: %s", (missed) => {
    const { expression, environment, type } = tests.find((one) => one.expression === missed)!;
    expect(answer(expression, environment)).not.toEqual({ type });
  });
});

function answer(expression: string, environment: Environment): { type: string } | { error: string } {
  try {
    const { checked, issues } = checkCel(parseCel(expression), environment);
    if (checked === undefined) throw new CelError(expression, issues);
    return { type: formatType(checked.typeOf(checked.expr)) };
  } catch (error) {
    if (error instanceof CelError) return { error: error.message };
    throw error;
  }
}
