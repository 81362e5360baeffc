import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prepareCel } from "../../src/cel/cel.js";
import { isDyn } from "../../src/cel/check/assign.js";
import { readPaths } from "../../src/cel/check/read-paths.js";
import { type CelType, formatType } from "../../src/cel/check/type.js";
import { parseType } from "../../src/cel/check/type-text.js";
import {
  CelError,
  CelEvaluationError,
  CelMap,
  type CelProgram,
  CelTypeValue,
  CelUint,
  type CelValue,
  compileCel,
} from "../../src/cel/index.js";
import { kindOf, typeNameOf } from "../../src/cel/value/value.js";
import { createCelEngine } from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/gen/flow/flow_pb.js";
import { EndpointSchema } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { registry } from "../support/cel-conformance.js";
import { reduceMessage } from "../support/reduce-message.js";
import {
  arbitraryExpression,
  arbitraryMutant,
  arbitrarySoup,
  type ExprType,
} from "./arbitrary-expression.js";

const TestAllTypes = registry.getMessage("cel.expr.conformance.proto3.TestAllTypes")!;
const OPTIONS = { variables: { _flow: FlowSchema, m: TestAllTypes }, container: "flow", maxSteps: 20_000 };

const flows = arbitraryMessage(FlowSchema, { packed: [EndpointSchema, StringValueSchema] });
const messages: fc.Arbitrary<Message> = fc
  .record(
    {
      singleBool: fc.boolean(),
      singleInt32: fc.integer(),
      singleInt64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      singleUint32: fc.nat(),
      singleUint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      singleDouble: fc.double(),
      singleString: fc.string({ unit: "binary" }),
      singleBytes: fc.uint8Array(),
      singleInt64Wrapper: fc.bigInt({ min: -5n, max: 5n }),
      singleInt32Wrapper: fc.integer({ min: -5, max: 5 }),
      singleBoolWrapper: fc.boolean(),
      repeatedInt32: fc.array(fc.integer({ min: -2, max: 3 }), { maxLength: 4 }),
      repeatedInt64: fc.array(fc.bigInt({ min: -2n, max: 3n }), { maxLength: 4 }),
      repeatedString: fc.array(fc.constantFrom("", "a", "k8s:app=x"), { maxLength: 4 }),
      mapStringString: fc.dictionary(fc.constantFrom("", "a", "b", "1"), fc.string()),
    },
    { requiredKeys: [] },
  )
  .map((init) => create(TestAllTypes as DescMessage, init));
const inputs = fc.record({ _flow: flows, m: messages });

type Outcome = { readonly value: CelValue } | { readonly fault: string };

/** Whatever is thrown but faults, and errors of evaluation, fails the test. */
function outcome(program: CelProgram, variables: Readonly<Record<string, unknown>>): Outcome {
  try {
    return { value: program(variables) };
  } catch (error) {
    if (error instanceof CelEvaluationError) return { fault: error.message };
    throw error;
  }
}

function compiled(expression: string, options: object = {}): CelProgram | undefined {
  try {
    return compileCel(expression, { ...OPTIONS, ...options });
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

/** Distinguishes values exactly, including their types. */
function describeValue(value: CelValue): unknown {
  if (typeof value === "bigint") return `int ${value}`;
  if (value instanceof CelUint) return `uint ${value.value}`;
  if (Object.is(value, -0)) return "double -0";
  if (value instanceof CelTypeValue) return `type ${value.name}`;
  if (value instanceof CelMap) return ["map", ...[...value].map((entry) => entry.map(describeValue))];
  if (Array.isArray(value)) return value.map(describeValue);
  return kindOf(value) === "message" ? value : [kindOf(value), value];
}

function describeOutcome(result: Outcome): unknown {
  return "fault" in result ? "fault" : describeValue(result.value);
}

const EXPR_TYPES: readonly ExprType[] = [
  ...["bool", "bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"],
  ...["strings", "ints", "map", "endpoint", "tcp", "wrapped", "wrappedInt", "any"],
] as ExprType[];
const expressions = fc.constantFrom(...EXPR_TYPES).chain((type) => arbitraryExpression(type));

describe("compileCel: valid expressions", () => {
  test("are most of the generated ones", () => {
    const made = fc.sample(expressions, 500);
    const checking = made.filter(({ typed }) => compiled(typed) !== undefined);
    expect(checking.length).toBeGreaterThan(250);
  });

  test("return values of their types, or faults", () => {
    fc.assert(
      fc.property(expressions, inputs, ({ typed }, variables) => {
        const program = compiled(typed);
        fc.pre(program !== undefined);
        const result = outcome(program, variables);
        if ("value" in result) expect(misfit(result.value, parseType(program.type))).toBeUndefined();
      }),
      { numRuns: runs(3000) },
    );
  });

  test("return the same results for messages with only the fields that they read", () => {
    fc.assert(
      fc.property(expressions, inputs, ({ typed }, variables) => {
        const program = compiled(typed);
        fc.pre(program !== undefined);
        const { checked, environment } = prepareCel(typed, OPTIONS);
        const reduced = <Desc extends DescMessage>(name: string, desc: Desc, message: MessageShape<Desc>) =>
          reduceMessage(desc, message, readPaths(checked, environment.registry, name, desc));
        const { _flow, m } = variables;
        const part = { _flow: reduced("_flow", FlowSchema, _flow), m: reduced("m", TestAllTypes, m) };
        expect(outcome(program, part)).toEqual(outcome(program, variables));
      }),
      { numRuns: runs(4000) },
    );
  });

  test("return the same results without a check", () => {
    fc.assert(
      fc.property(expressions, inputs, ({ typed }, variables) => {
        const program = compiled(typed);
        fc.pre(program !== undefined);
        const unchecked = compileCel(typed, { ...OPTIONS, check: false });
        expect(describeOutcome(outcome(unchecked, variables))).toEqual(
          describeOutcome(outcome(program, variables)),
        );
      }),
      { numRuns: runs(2000) },
    );
  });

  test("return the same results if all types are resolved at run time", () => {
    fc.assert(
      fc.property(expressions, inputs, ({ typed, dynamic }, variables) => {
        const program = compiled(typed);
        const slow = compiled(dynamic);
        fc.pre(program !== undefined && slow !== undefined);
        expect(describeOutcome(outcome(slow, variables))).toEqual(
          describeOutcome(outcome(program, variables)),
        );
      }),
      { numRuns: runs(5000) },
    );
  });

  test("return bools or faults in filters", () => {
    const engine = createCelEngine({ maxSteps: 20_000 });
    fc.assert(
      fc.property(arbitraryExpression(), flows, ({ typed }, flow) => {
        let program: (flow: Flow) => boolean;
        try {
          program = engine.compile(typed);
        } catch (error) {
          if (error instanceof CelError) return;
          throw error;
        }
        try {
          expect(program(flow)).toBeTypeOf("boolean");
        } catch (error) {
          if (!(error instanceof CelEvaluationError)) throw error;
        }
      }),
      { numRuns: runs(3000) },
    );
  });
});

describe("compileCel: any string", () => {
  test.each([
    { name: "words and signs", texts: arbitrarySoup() },
    { name: "expressions with a few words changed", texts: arbitraryMutant() },
  ])("$name: an error, a fault, or a value of its type", ({ texts }) => {
    fc.assert(
      fc.property(texts, inputs, fc.boolean(), (text, variables, check) => {
        const program = compiled(text, { check });
        if (program === undefined) return;
        const result = outcome(program, variables);
        if (check && "value" in result) expect(misfit(result.value, parseType(program.type))).toBeUndefined();
      }),
      { numRuns: runs(4000) },
    );
  });
});

/**
 * Why a value is not of a type. To the checker a wrapper is what it wraps, so that null can come of what it takes for a
 * bool, an int, or the like.
 */
function misfit(value: CelValue, type: CelType): string | undefined {
  const wrong = `${formatType(type)}: ${kindOf(value)}`;
  switch (type.kind) {
    case "list":
      if (!Array.isArray(value)) return wrong;
      return (value as readonly CelValue[]).map((one) => misfit(one, type.element)).find(Boolean);
    case "map":
      if (!(value instanceof CelMap)) return wrong;
      return [...value].flatMap(([k, v]) => [misfit(k, type.key), misfit(v, type.value)]).find(Boolean);
    case "message":
      return value === null || typeNameOf(value) === type.name ? undefined : wrong;
    case "wrapper":
      return misfit(value, type.of);
    default:
      return isDyn(type) || value === null || kindOf(value) === type.kind ? undefined : wrong;
  }
}
