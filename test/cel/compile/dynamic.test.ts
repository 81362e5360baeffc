import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { create, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { checkCel } from "../../../src/cel/check/check.js";
import { createEnvironment } from "../../../src/cel/check/environment.js";
import { registryOf } from "../../../src/cel/check/registry.js";
import { DYN, messageType } from "../../../src/cel/check/type.js";
import { asValue } from "../../../src/cel/compile/code.js";
import { compileChecked } from "../../../src/cel/compile/compile.js";
import type { Expr } from "../../../src/cel/parse/ast.js";
import { CelError } from "../../../src/cel/parse/issue.js";
import { parseCel } from "../../../src/cel/parse/parse.js";
import { Frame } from "../../../src/cel/run/frame.js";
import { Fault } from "../../../src/cel/value/fault.js";
import { FlowSchema } from "../../../src/proto.js";
import { hideTypes } from "../hide-types.js";
import { show } from "../show.js";

interface Vector {
  readonly allow: readonly VectorFilter[];
  readonly deny: readonly VectorFilter[];
  readonly flow?: JsonObject | null;
}

interface VectorFilter {
  readonly experimental?: { readonly cel_expression?: readonly string[] };
}

const lines = gunzipSync(readFileSync(join(import.meta.dirname, "../../vectors/flow-filters.jsonl.gz")))
  .toString()
  .trimEnd()
  .split("\n");
const cases = lines
  .map((line): Vector => JSON.parse(line))
  .flatMap(({ allow, deny, flow }) =>
    [...allow, ...deny].flatMap(({ experimental }) =>
      (experimental?.cel_expression ?? []).map((expression) => ({
        expression,
        flow: flow ? fromJson(FlowSchema, flow) : create(FlowSchema),
      })),
    ),
  );

const environment = createEnvironment({
  container: "flow",
  variables: new Map([["_flow", messageType("flow.Flow")]]),
  registry: registryOf([FlowSchema]),
});

// An expression goes three ways: by the types that the checker finds, without any for what the leaves are, and without
// a check. Which closures it becomes differs, what it means does not.
describe("compileChecked: expressions recorded with Hubble", () => {
  const checking = cases.filter(({ expression }) => parsed(expression) !== undefined);

  test("are enough expressions", () => {
    expect(cases.length).toBeGreaterThan(1295);
    expect(checking.length).toBeGreaterThan(1000);
  });

  test("mean the same when the types of their leaves are hidden", () => {
    const different = checking.filter(({ expression, flow }) => {
      const hidden = hideTypes(parsed(expression)!, ["_flow"]);
      return checks(hidden) && answer(hidden, flow) !== answer(parsed(expression)!, flow);
    });
    expect(different.map(({ expression }) => expression)).toEqual([]);
  });

  test("mean the same without a check", () => {
    const different = checking.filter(({ expression, flow }) => {
      const expr = parsed(expression)!;
      return answer(expr, flow, { lenient: true }) !== answer(expr, flow);
    });
    expect(different.map(({ expression }) => expression)).toEqual([]);
  });
});

/** The tree of an expression that checks. */
function parsed(expression: string): Expr | undefined {
  try {
    const expr = parseCel(expression);
    return checks(expr) ? expr : undefined;
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

function checks(expr: Expr): boolean {
  return checkCel(expr, environment).checked !== undefined;
}

function answer(expr: Expr, flow: unknown, { lenient = false } = {}): string {
  const { checked } = checkCel(expr, environment, { lenient });
  const variables = [
    { name: "_flow", type: lenient ? DYN : messageType("flow.Flow"), form: "value" as const },
  ];
  const { code, frameLength } = compileChecked(checked!, environment, variables);
  const frame = new Frame(frameLength);
  frame.steps = 100_000;
  frame.values[0] = flow;
  try {
    return show(asValue(code)(frame));
  } catch (error) {
    if (error instanceof Fault) return "fault";
    throw error;
  }
}
