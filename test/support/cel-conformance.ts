import {
  type Decl,
  Type_PrimitiveType as Primitive,
  type Type as ProtoType,
  Type_WellKnownType as WellKnown,
} from "@bufbuild/cel-spec/cel/expr/checked_pb.js";
import type { Value } from "@bufbuild/cel-spec/cel/expr/value_pb.js";
import { getTestRegistry } from "@bufbuild/cel-spec/testdata/registry.js";
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from "@bufbuild/cel-spec/testdata/tests.js";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { checkCel } from "../../src/cel/check/check.js";
import { createEnvironment } from "../../src/cel/check/environment.js";
import { type Overload, standardFunctions } from "../../src/cel/check/standard.js";
import {
  ANY,
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  ERROR,
  formatType,
  INT,
  listOf,
  mapOf,
  messageType,
  NULL,
  STRING,
  TIMESTAMP,
  TYPE,
  typeOf,
  UINT,
  wrapperOf,
} from "../../src/cel/check/type.js";
import { asValue } from "../../src/cel/compile/code.js";
import { compileChecked } from "../../src/cel/compile/compile.js";
import { CelError } from "../../src/cel/parse/issue.js";
import { parseCel } from "../../src/cel/parse/parse.js";
import { Frame } from "../../src/cel/run/frame.js";
import { fromMessage } from "../../src/cel/run/message.js";
import { createEquality } from "../../src/cel/value/equal.js";
import { Fault } from "../../src/cel/value/fault.js";
import { CelMap, CelTypeValue, CelUint, type CelValue, kindOf } from "../../src/cel/value/value.js";

export const registry = getTestRegistry();
const equal = createEquality(registry);

const PRIMITIVES: Readonly<Record<Primitive, CelType>> = {
  [Primitive.PRIMITIVE_TYPE_UNSPECIFIED]: ERROR,
  [Primitive.BOOL]: BOOL,
  [Primitive.INT64]: INT,
  [Primitive.UINT64]: UINT,
  [Primitive.DOUBLE]: DOUBLE,
  [Primitive.STRING]: STRING,
  [Primitive.BYTES]: BYTES,
};

const WELL_KNOWN: Readonly<Record<WellKnown, CelType>> = {
  [WellKnown.WELL_KNOWN_TYPE_UNSPECIFIED]: ERROR,
  [WellKnown.ANY]: ANY,
  [WellKnown.TIMESTAMP]: TIMESTAMP,
  [WellKnown.DURATION]: DURATION,
};

/** The checker's suite still has the test messages under the names of their former package. */
export function currentName(text: string): string {
  return text.replaceAll(/google\.expr\.(proto[23])\.test/g, "cel.expr.conformance.$1");
}

/** A type of the suite's protocol as one of ours. */
export function fromProtoType(type: ProtoType | undefined): CelType {
  const kind = type?.typeKind;
  switch (kind?.case) {
    case "null":
      return NULL;
    case "primitive":
      return PRIMITIVES[kind.value];
    case "wrapper":
      return wrapperOf(PRIMITIVES[kind.value]);
    case "wellKnown":
      return WELL_KNOWN[kind.value];
    case "listType":
      return listOf(fromProtoType(kind.value.elemType));
    case "mapType":
      return mapOf(fromProtoType(kind.value.keyType), fromProtoType(kind.value.valueType));
    case "messageType":
      return messageType(currentName(kind.value));
    case "typeParam":
      return { kind: "param", name: kind.value };
    case "type":
      return kind.value.typeKind.case === undefined ? TYPE : typeOf(fromProtoType(kind.value));
    case "abstractType":
      return {
        kind: "opaque",
        name: kind.value.name,
        parameters: kind.value.parameterTypes.map(fromProtoType),
      };
    default:
      return DYN;
  }
}

/** What a test declares, as an environment of ours. */
export function environmentOf(
  declarations: readonly Decl[],
  container: string,
  more: ReadonlyMap<string, CelType> = new Map(),
) {
  const variables = new Map(more);
  const functions = new Map(standardFunctions());
  for (const { name, declKind } of declarations) {
    if (declKind.case === "ident") variables.set(name, fromProtoType(declKind.value.type));
    if (declKind.case === "function") {
      const overloads = declKind.value.overloads.map(
        (overload): Overload => ({
          id: overload.overloadId,
          isMember: overload.isInstanceFunction,
          parameters: overload.params.map(fromProtoType),
          result: fromProtoType(overload.resultType),
          typeParameters: overload.typeParams,
        }),
      );
      functions.set(name, [...(functions.get(name) ?? []), ...overloads]);
    }
  }
  return createEnvironment({ container, variables, functions, registry });
}

/** A value of the suite's protocol as one of ours. */
function fromProtoValue({ kind }: Value): CelValue {
  switch (kind.case) {
    case "nullValue":
    case undefined:
      return null;
    case "uint64Value":
      return new CelUint(kind.value);
    case "objectValue": {
      const message = anyUnpack(kind.value, registry);
      if (message === undefined) throw new TypeError(`no such message: ${kind.value.typeUrl}`);
      return fromMessage(message, registry);
    }
    case "mapValue": {
      const map = new CelMap();
      for (const { key, value } of kind.value.entries) map.add(fromProtoValue(key!), fromProtoValue(value!));
      return map;
    }
    case "listValue":
      return kind.value.values.map(fromProtoValue);
    case "typeValue":
      return new CelTypeValue(kind.value);
    case "enumValue":
      return BigInt(kind.value.value);
    default:
      return kind.value;
  }
}

export type Outcome =
  | { readonly is: "value"; readonly value: CelValue; readonly type: string }
  | { readonly is: "checked"; readonly type: string }
  | { readonly is: "fault" | "error"; readonly text: string };

/** Runs a test as the suite specifies. */
export function run({ original }: IncrementalTest): Outcome {
  const { expr, container, typeEnv, bindings, disableCheck, checkOnly } = original;
  const values = new Map(
    Object.entries(bindings).map(([name, { kind }]) => {
      if (kind.case !== "value") throw new TypeError("a binding without a value");
      return [name, fromProtoValue(kind.value)] as const;
    }),
  );
  const unchecked = new Map([...values.keys()].map((name) => [name, DYN] as const));
  const environment = environmentOf(typeEnv, container, disableCheck ? unchecked : new Map());
  try {
    const { checked, issues } = checkCel(parseCel(expr), environment, { lenient: disableCheck });
    if (checked === undefined) throw new CelError(expr, issues);
    const type = formatType(checked.typeOf(checked.expr));
    if (checkOnly) return { is: "checked", type };
    const variables = [...environment.variables].map(([name]) => ({
      name,
      type: DYN,
      form: "value" as const,
    }));
    const { code, frameLength } = compileChecked(checked, environment, variables);
    const frame = new Frame(frameLength);
    frame.steps = 100_000;
    variables.forEach(({ name }, index) => {
      frame.values[index] = values.get(name) ?? null;
    });
    return { is: "value", value: asValue(code)(frame), type };
  } catch (error) {
    if (error instanceof CelError) return { is: "error", text: error.message };
    if (error instanceof Fault) return { is: "fault", text: error.message };
    throw error;
  }
}

/** The fault of an outcome; undefined if it is correct. */
export function fault({ original }: IncrementalTest, outcome: Outcome): string | undefined {
  const { resultMatcher } = original;
  switch (resultMatcher.case) {
    case "evalError":
    case "anyEvalErrors":
      return outcome.is === "fault" || outcome.is === "error" ? undefined : `should fail: ${show(outcome)}`;
    case "typedResult": {
      const { result, deducedType } = resultMatcher.value;
      const type = formatType(fromProtoType(deducedType));
      if ("text" in outcome || outcome.type !== type) return `should be of type ${type}: ${show(outcome)}`;
      return result === undefined || outcome.is === "checked"
        ? undefined
        : unequal(fromProtoValue(result), outcome);
    }
    case "value":
      return unequal(fromProtoValue(resultMatcher.value), outcome);
    default:
      // "If none is specified, then the expression must evaluate to true."
      return unequal(true, outcome);
  }
}

function unequal(wanted: CelValue, outcome: Outcome): string | undefined {
  const frame = new Frame(0);
  frame.steps = 100_000;
  if (outcome.is === "value" && isSame(wanted, outcome.value, frame)) return undefined;
  return `should be ${show({ is: "value", value: wanted, type: "" })}: ${show(outcome)}`;
}

/** Equality that also distinguishes types, and for which NaN equals NaN. */
function isSame(a: CelValue, b: CelValue, frame: Frame): boolean {
  if (kindOf(a) !== kindOf(b)) return false;
  if (Array.isArray(a)) {
    const other = b as readonly CelValue[];
    return a.length === other.length && a.every((one, index) => isSame(one, other[index]!, frame));
  }
  return (Number.isNaN(a) && Number.isNaN(b)) || equal(a, b, frame);
}

function show(outcome: Outcome): string {
  if (outcome.is !== "value") return `${outcome.is}: ${"text" in outcome ? outcome.text : outcome.type}`;
  const { value } = outcome;
  const plain = value instanceof CelMap ? [...value] : value;
  const text = JSON.stringify(plain, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  return `${kindOf(value)} ${text}`;
}

/** All tests of a suite with the names of the suites above. */
export function testsOf(
  suite: IncrementalTestSuite,
  path = suite.name,
): { name: string; test: IncrementalTest }[] {
  return [
    ...suite.tests.map((test) => ({ name: `${path}/${test.name}`, test })),
    ...suite.suites.flatMap((inner) => testsOf(inner, `${path}/${inner.name}`)),
  ];
}

/** The suites of the standard environment. */
export const SUITES = (
  "basic comparisons conversions dynamic enums fields fp_math integer_math lists logic macros namespace parse " +
  "plumbing proto2 proto3 string timestamps type_deductions wrappers"
).split(" ");

export function conformanceTests() {
  return getConformanceSuite()
    .suites.filter(({ name }) => SUITES.includes(name))
    .flatMap((suite) => testsOf(suite));
}
