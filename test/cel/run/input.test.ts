import { create, type Message } from "@bufbuild/protobuf";
import {
  anyPack,
  BoolValueSchema,
  DurationSchema,
  ListValueSchema,
  StringValueSchema,
  StructSchema,
  TimestampSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import {
  CelDuration,
  CelEvaluationError,
  CelMap,
  type CelOptions,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  compileCel,
} from "../../../src/cel/index.js";
import { OptionsError } from "../../../src/errors/errors.js";
import { EndpointSchema, FlowSchema } from "../../../src/proto.js";
import { show } from "../show.js";

const timestamp = create(TimestampSchema, { seconds: 5n, nanos: 7 });
const endpoint = create(EndpointSchema, { ID: 3 });
const celMap = new CelMap();
celMap.add("a", 1n);

describe("inputReader: accepts", () => {
  test.each([
    { type: "bool", input: true, value: "true" },
    { type: "int", input: 5, value: "5" },
    { type: "int", input: -(2n ** 63n), value: "-9223372036854775808" },
    { type: "uint", input: 5, value: "5u" },
    { type: "uint", input: 2n ** 64n - 1n, value: "18446744073709551615u" },
    { type: "uint", input: new CelUint(6n), value: "6u" },
    { type: "double", input: 5, value: "5.0" },
    { type: "string", input: "a", value: '"a"' },
    { type: "bytes", input: new Uint8Array([1]), value: "b[1]" },
    { type: "null_type", input: null, value: "null" },
    { type: "null_type", input: undefined, value: "null" },
    { type: "timestamp", input: timestamp, value: "1970-01-01T00:00:05.000000007Z" },
    { type: "timestamp", input: new Date(-1), value: "1969-12-31T23:59:59.999Z" },
    { type: "timestamp", input: new CelTimestamp(5, 0), value: "1970-01-01T00:00:05Z" },
    { type: "duration", input: create(DurationSchema, { seconds: 5n }), value: "5s" },
    { type: "duration", input: new CelDuration(5_000_000_000n), value: "5s" },
    { type: "wrapper(int)", input: 5, value: "5" },
    { type: "wrapper(int)", input: null, value: "null" },
    { type: "google.protobuf.BoolValue", input: undefined, value: "null" },
    { type: "flow.Endpoint", input: endpoint, value: "flow.Endpoint" },
    { type: "list(int)", input: [1, 2n], value: "[1, 2]" },
    { type: "list(list(uint))", input: [[1], []], value: "[[1u], []]" },
    { type: "map(string, int)", input: { a: 1 }, value: '{"a": 1}' },
    { type: "map(string, int)", input: new Map([["a", 1]]), value: '{"a": 1}' },
    { type: "map(string, int)", input: celMap, value: '{"a": 1}' },
    { type: "map(int, bool)", input: new Map([[1, true]]), value: "{1: true}" },
    { type: "google.protobuf.Struct", input: { a: [1, null] }, value: '{"a": [1.0, null]}' },
    { type: "google.protobuf.Any", input: anyPack(EndpointSchema, endpoint), value: "flow.Endpoint" },
    { type: "dyn", input: true, value: "true" },
    { type: "dyn", input: 5, value: "5.0" },
    { type: "dyn", input: 5n, value: "5" },
    { type: "dyn", input: "a", value: '"a"' },
    { type: "dyn", input: null, value: "null" },
    { type: "dyn", input: undefined, value: "null" },
    { type: "dyn", input: new CelUint(5n), value: "5u" },
    { type: "dyn", input: new CelTypeValue("int"), value: "int" },
    { type: "dyn", input: timestamp, value: "1970-01-01T00:00:05.000000007Z" },
    { type: "dyn", input: new Date(0), value: "1970-01-01T00:00:00Z" },
    { type: "dyn", input: create(StringValueSchema, { value: "a" }), value: '"a"' },
    { type: "dyn", input: endpoint, value: "flow.Endpoint" },
    { type: "dyn", input: [1, "a", { b: 2n }], value: '[1.0, "a", {"b": 2}]' },
    // biome-ignore lint/suspicious/noSparseArray: the hole is tested
    { type: "dyn", input: [1, , 2], value: "[1.0, null, 2.0]" },
    { type: "dyn", input: JSON.parse('{"__proto__": 1}'), value: '{"__proto__": 1.0}' },
  ])("$type: $value", ({ type, input, value }) => {
    const program = compileCel("x", { variables: { x: type, f: FlowSchema } });
    expect(show(program({ x: input }))).toBe(value);
  });

  test("a message by its descriptor", () => {
    const program = compileCel("x.ID", { variables: { x: EndpointSchema } });
    expect(program({ x: endpoint })).toEqual(new CelUint(3n));
  });
});

describe("inputReader: rejects", () => {
  test.each([
    { type: "bool", input: 1, why: "a number" },
    { type: "bool", input: undefined, why: "undefined" },
    { type: "bool", input: null, why: "null" },
    { type: "int", input: 1.5, why: "a number" },
    { type: "int", input: 2 ** 53, why: "a number" },
    { type: "int", input: 2n ** 63n, why: "a bigint" },
    { type: "int", input: "1", why: "a string" },
    { type: "int", input: new CelUint(1n), why: "uint" },
    { type: "uint", input: -1, why: "a number" },
    { type: "uint", input: 2n ** 64n, why: "a bigint" },
    { type: "double", input: 1n, why: "a bigint" },
    { type: "string", input: new String("a"), why: "an object" },
    { type: "bytes", input: [1], why: "an array" },
    { type: "null_type", input: 0, why: "a number" },
    { type: "timestamp", input: 5, why: "a number" },
    { type: "timestamp", input: new Date(Number.NaN), why: "a Date" },
    { type: "timestamp", input: create(DurationSchema), why: "google.protobuf.Duration" },
    { type: "duration", input: timestamp, why: "google.protobuf.Timestamp" },
    { type: "flow.Endpoint", input: create(FlowSchema), why: "flow.Flow" },
    { type: "flow.Endpoint", input: { ID: 3 }, why: "an object" },
    { type: "flow.Endpoint", input: null, why: "null" },
    { type: "list(int)", input: "a", why: "a string" },
    { type: "map(string, int)", input: 5, why: "a number" },
    { type: "int", input: 1.5, why: "a number that is not an integer" },
    { type: "int", input: 2 ** 53, why: "a number that is not exact; use a bigint" },
    { type: "int", input: -(2n ** 63n) - 1n, why: "a bigint that is out of range (-2^63 to 2^63 - 1)" },
    { type: "uint", input: -1, why: "a number that is out of range (0 to 2^64 - 1)" },
    { type: "type(int)", input: 5, why: "a number" },
    { type: "type", input: "int", why: "a string" },
    { type: "map(int, int)", input: new Set([1]), why: "a Set" },
    { type: "map(string, int)", input: new Date(0), why: "a Date" },
    { type: "map(string, int)", input: [1], why: "an array" },
    { type: "map(string, int)", input: new Uint8Array(1), why: "bytes" },
    { type: "map(string, dyn)", input: endpoint, why: "flow.Endpoint" },
    { type: "map(string, int)", input: new (class Point {})(), why: "an object" },
    { type: "dyn", input: new Set([1]), why: "a Set" },
    { type: "dyn", input: () => 5, why: "a function" },
    { type: "dyn", input: Symbol("a"), why: "a symbol" },
    { type: "dyn", input: 2n ** 63n, why: "a bigint" },
  ])("$type is not $why", ({ type, input, why }) => {
    const program = compileCel("x", { variables: { x: type, f: FlowSchema } });
    expect(() => program({ x: input })).toThrow(CelEvaluationError);
    expect(() => program({ x: input })).toThrow(why);
  });

  test.each([
    { type: "list(int)", input: [1, "a"], message: "x[1]: no such overload: a variable of type int was" },
    { type: "list(list(int))", input: [[], [0.5]], message: "x[1][0]: no such overload" },
    { type: "map(string, int)", input: { a: "b" }, message: 'x["a"]: no such overload' },
    { type: "map(string, int)", input: new Map<unknown, unknown>([[1, 1]]), message: "x: no such overload" },
    { type: "map(string, string)", input: celMap, message: 'x["a"]: no such overload' },
    { type: "dyn", input: new Map([[1.5, 1]]), message: "x: invalid key of a map: a number" },
    { type: "dyn", input: [() => 5], message: "x[0]: not a CEL value: a function" },
    { type: "dyn", input: { a: Symbol("a") }, message: 'x["a"]: not a CEL value: a symbol' },
  ])("$type: $message", ({ type, input, message }) => {
    const program = compileCel("x", { variables: { x: type } });
    expect(() => program({ x: input })).toThrow(CelEvaluationError);
    expect(() => program({ x: input })).toThrow(message);
  });

  test("an invalid value that is not read is ignored", () => {
    const program = compileCel("x", { variables: { x: "int", y: "int" } });
    expect(program({ x: 5 })).toBe(5n);
  });
});

describe("inputReader: converts well-known messages to their values", () => {
  const struct = create(StructSchema, {
    fields: { a: create(ValueSchema, { kind: { case: "numberValue", value: 5 } }) },
  });
  test.each([
    { variables: { s: StructSchema }, expression: "s.a == 5.0", input: struct },
    { variables: { s: "map(string, dyn)" }, expression: "s.a == 5.0", input: struct },
    { variables: { s: ListValueSchema }, expression: "size(s) == 0", input: create(ListValueSchema) },
    { variables: { s: BoolValueSchema }, expression: "s == false", input: create(BoolValueSchema) },
    { variables: { s: ValueSchema }, expression: "s == null", input: create(ValueSchema) },
  ] satisfies { variables: CelOptions["variables"]; expression: string; input: Message }[])(
    "$expression with $variables.s",
    ({ variables, expression, input }) => {
      expect(compileCel(expression, { variables })({ s: input })).toBe(true);
    },
  );
});

test("compileCel: names a variable with an invalid value", () => {
  expect(() => compileCel("n > 1", { variables: { n: "int" } })({})).toThrow("n: no such overload");
});

test.each(["lst(int)", "foo.Bar", "A", "list(B)", "map(string, no.Such)"])(
  "compileCel: rejects the type %s",
  (type) => {
    expect(() => compileCel("true", { variables: { x: type } })).toThrow(OptionsError);
    expect(() => compileCel("true", { variables: { x: type } })).toThrow(/^variables\.x: unknown type /);
    expect(() => compileCel("true", { result: type })).toThrow(/^result: unknown type /);
  },
);

test("compileCel: reports every type that does not exist, with its path", () => {
  const variables = { a: "nosuch", b: "list(", c: "int", d: "list(no.Such)" };
  expect(() => compileCel("c", { variables })).toThrow(
    expect.objectContaining({
      code: "invalid_options",
      issues: [
        { path: "variables.a", message: "unknown type nosuch" },
        { path: "variables.b", message: "not a type of CEL: list(" },
        {
          path: "variables.d",
          message:
            "unknown type no.Such in list(no.Such); the option `registry` has the messages that a name can mean",
        },
      ],
    }),
  );
});

test("compileCel: reports names of variables and containers that no expression can contain", () => {
  const variables = { "a b": "int", "": "int", "a..b": "int", "1a": "int", in: "int", "a.b_1": "int" };
  expect(() => compileCel("1", { variables, container: "a..b" })).toThrow(
    expect.objectContaining({
      code: "invalid_options",
      issues: [
        { path: "container", message: 'must be empty or names joined by dots, not "a..b"' },
        { path: "variables", message: 'not a name in CEL: "a b"' },
        { path: "variables", message: 'not a name in CEL: ""' },
        { path: "variables", message: 'not a name in CEL: "a..b"' },
        { path: "variables", message: 'not a name in CEL: "1a"' },
        { path: "variables", message: 'not a name in CEL: "in"' },
      ],
    }),
  );
});

test.each([{ maxSteps: Number.NaN }, { maxCodePoints: Number.NaN }, { maxDepth: -1 }, { maxDepth: 501 }])(
  "compileCel: rejects %o",
  (limit) => {
    expect(() => compileCel("true", limit)).toThrow(OptionsError);
  },
);
