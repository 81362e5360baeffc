import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import {
  type Any,
  AnySchema,
  anyPack,
  BoolValueSchema,
  DurationSchema,
  Int32ValueSchema,
  ListValueSchema,
  NullValue,
  StructSchema,
  TimestampSchema,
  UInt64ValueSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { findField } from "../../../src/cel/check/environment.js";
import { Frame } from "../../../src/cel/run/frame.js";
import { DynamicFields, fieldReader, fromMessage, meteredReader } from "../../../src/cel/run/message.js";
import { Fault } from "../../../src/cel/value/fault.js";
import { presenceTest } from "../../../src/message/properties.js";
import { EndpointSchema, FlowSchema } from "../../../src/proto.js";
import { registry } from "../../support/cel-conformance.js";
import { show } from "../show.js";

const proto2 = registry.getMessage("cel.expr.conformance.proto2.TestAllTypes")!;
const proto3 = registry.getMessage("cel.expr.conformance.proto3.TestAllTypes")!;

interface Case {
  readonly field: string;
  readonly init: Record<string, unknown>;
  readonly value: string;
  readonly has?: boolean;
}

describe("fieldReader: fields of proto3", () => {
  test.each([
    { field: "single_int32", init: {}, value: "0" },
    { field: "single_int32", init: { singleInt32: -5 }, value: "-5", has: true },
    { field: "single_int64", init: {}, value: "0" },
    { field: "single_int64", init: { singleInt64: -(2n ** 63n) }, value: "-9223372036854775808", has: true },
    { field: "single_uint32", init: { singleUint32: 4294967295 }, value: "4294967295u", has: true },
    { field: "single_uint64", init: {}, value: "0u" },
    {
      field: "single_uint64",
      init: { singleUint64: 2n ** 64n - 1n },
      value: "18446744073709551615u",
      has: true,
    },
    { field: "single_float", init: { singleFloat: 1.5 }, value: "1.5", has: true },
    { field: "single_double", init: {}, value: "0.0" },
    { field: "single_double", init: { singleDouble: -0 }, value: "-0.0", has: true },
    { field: "single_bool", init: { singleBool: true }, value: "true", has: true },
    { field: "single_string", init: {}, value: '""' },
    { field: "single_bytes", init: {}, value: "b[]" },
    { field: "single_bytes", init: { singleBytes: new Uint8Array([1]) }, value: "b[1]", has: true },
    { field: "standalone_enum", init: {}, value: "0" },
    { field: "standalone_enum", init: { standaloneEnum: 77 }, value: "77", has: true },
    { field: "optional_bool", init: {}, value: "false" },
    { field: "optional_bool", init: { optionalBool: false }, value: "false", has: true },
    {
      field: "single_nested_message",
      init: {},
      value: "cel.expr.conformance.proto3.TestAllTypes.NestedMessage",
    },
    { field: "single_nested_enum", init: {}, value: "0" },
    {
      field: "single_nested_enum",
      init: { nestedType: { case: "singleNestedEnum", value: 0 } },
      value: "0",
      has: true,
    },
    { field: "single_any", init: {}, value: "null" },
    {
      field: "single_any",
      init: { singleAny: anyPack(Int32ValueSchema, create(Int32ValueSchema)) },
      value: "0",
      has: true,
    },
    { field: "single_timestamp", init: {}, value: "1970-01-01T00:00:00Z" },
    {
      field: "single_timestamp",
      init: { singleTimestamp: { seconds: 5n } },
      value: "1970-01-01T00:00:05Z",
      has: true,
    },
    { field: "single_duration", init: {}, value: "0s" },
    { field: "single_struct", init: {}, value: "{}" },
    {
      field: "single_struct",
      init: { singleStruct: { a: [1, null] } },
      value: '{"a": [1.0, null]}',
      has: true,
    },
    { field: "single_value", init: {}, value: "null" },
    {
      field: "single_value",
      init: { singleValue: { kind: { case: "stringValue", value: "a" } } },
      value: '"a"',
      has: true,
    },
    { field: "list_value", init: {}, value: "[]" },
    { field: "null_value", init: {}, value: "0" },
    { field: "single_int64_wrapper", init: {}, value: "null" },
    { field: "single_int64_wrapper", init: { singleInt64Wrapper: 0n }, value: "0", has: true },
    { field: "single_int32_wrapper", init: { singleInt32Wrapper: 7 }, value: "7", has: true },
    { field: "single_uint64_wrapper", init: { singleUint64Wrapper: 7n }, value: "7u", has: true },
    { field: "single_uint32_wrapper", init: { singleUint32Wrapper: 7 }, value: "7u", has: true },
    { field: "single_double_wrapper", init: { singleDoubleWrapper: 1 }, value: "1.0", has: true },
    { field: "single_float_wrapper", init: { singleFloatWrapper: 1 }, value: "1.0", has: true },
    { field: "single_bool_wrapper", init: { singleBoolWrapper: false }, value: "false", has: true },
    { field: "single_string_wrapper", init: {}, value: "null" },
    {
      field: "single_bytes_wrapper",
      init: { singleBytesWrapper: new Uint8Array() },
      value: "b[]",
      has: true,
    },
    { field: "repeated_int32", init: {}, value: "[]" },
    { field: "repeated_int32", init: { repeatedInt32: [1, -1] }, value: "[1, -1]", has: true },
    { field: "repeated_uint64", init: { repeatedUint64: [1n] }, value: "[1u]", has: true },
    { field: "repeated_string", init: { repeatedString: ["a"] }, value: '["a"]', has: true },
    { field: "repeated_nested_enum", init: { repeatedNestedEnum: [1, 9] }, value: "[1, 9]", has: true },
    { field: "repeated_duration", init: { repeatedDuration: [{ seconds: 1n }] }, value: "[1s]", has: true },
    {
      field: "repeated_uint32_wrapper",
      init: { repeatedUint32Wrapper: [{ value: 3 }] },
      value: "[3u]",
      has: true,
    },
    { field: "map_string_string", init: {}, value: "{}" },
    { field: "map_string_string", init: { mapStringString: { a: "b" } }, value: '{"a": "b"}', has: true },
    { field: "map_bool_uint32", init: { mapBoolUint32: { true: 1 } }, value: "{true: 1u}", has: true },
    { field: "map_int64_int64", init: { mapInt64Int64: { "-1": 1n } }, value: "{-1: 1}", has: true },
    {
      field: "map_uint64_bool",
      init: { mapUint64Bool: { "18446744073709551615": true } },
      value: "{18446744073709551615u: true}",
      has: true,
    },
    {
      field: "map_string_timestamp",
      init: { mapStringTimestamp: { a: { seconds: 1n } } },
      value: '{"a": 1970-01-01T00:00:01Z}',
      has: true,
    },
  ] as Case[])("$field is $value", ({ field, init, value, has = false }) => {
    check(proto3, field, init, value, has);
  });
});

describe("fieldReader: fields of proto2, which have presence and defaults", () => {
  test.each([
    { field: "single_int32", init: {}, value: "-32" },
    { field: "single_int32", init: { singleInt32: 0 }, value: "0", has: true },
    { field: "single_uint64", init: {}, value: "64u" },
    { field: "single_string", init: {}, value: '"empty"' },
    { field: "single_string", init: { singleString: "" }, value: '""', has: true },
    { field: "single_bool", init: {}, value: "true" },
    { field: "single_bytes", init: {}, value: "b[110 111 110 101]" },
    { field: "single_float", init: {}, value: "3.0" },
    { field: "single_nested_enum", init: {}, value: "1" },
    { field: "standalone_enum", init: {}, value: "0" },
    { field: "standalone_enum", init: { standaloneEnum: 0 }, value: "0", has: true },
    { field: "nestedgroup", init: {}, value: "cel.expr.conformance.proto2.TestAllTypes.NestedGroup" },
    {
      field: "nestedgroup",
      init: { nestedgroup: {} },
      value: "cel.expr.conformance.proto2.TestAllTypes.NestedGroup",
      has: true,
    },
    { field: "repeated_bool", init: { repeatedBool: [false] }, value: "[false]", has: true },
    { field: "single_int64_wrapper", init: {}, value: "null" },
  ] as Case[])("$field is $value", ({ field, init, value, has = false }) => {
    check(proto2, field, init, value, has);
  });
});

describe("fieldReader: messages that are unwrapped", () => {
  test.each([
    { name: "BoolValue", message: create(BoolValueSchema, { value: true }), value: "true" },
    { name: "Int32Value", message: create(Int32ValueSchema, { value: -3 }), value: "-3" },
    { name: "UInt64Value", message: create(UInt64ValueSchema, { value: 3n }), value: "3u" },
    {
      name: "Timestamp",
      message: create(TimestampSchema, { nanos: 1_000_000 }),
      value: "1970-01-01T00:00:00.001Z",
    },
    { name: "Duration", message: create(DurationSchema, { seconds: -1n }), value: "-1s" },
    {
      name: "null",
      message: create(ValueSchema, { kind: { case: "nullValue", value: NullValue.NULL_VALUE } }),
      value: "null",
    },
    { name: "no Value", message: create(ValueSchema), value: "null" },
    {
      name: "a list",
      message: create(ListValueSchema, { values: [{ kind: { case: "boolValue", value: true } }] }),
      value: "[true]",
    },
    {
      name: "a struct",
      message: create(StructSchema, { fields: { a: { kind: { case: "numberValue", value: 1 } } } }),
      value: '{"a": 1.0}',
    },
    { name: "an Any of a message", message: packed(create(EndpointSchema)), value: "flow.Endpoint" },
    {
      name: "an Any of an Any",
      message: anyPack(AnySchema, anyPack(BoolValueSchema, create(BoolValueSchema))),
      value: "false",
    },
    { name: "any other", message: create(FlowSchema), value: "flow.Flow" },
  ])("$name", ({ message, value }) => {
    const types = {
      getMessage: (name: string) => (name === "flow.Endpoint" ? EndpointSchema : registry.getMessage(name)),
      getEnum: () => undefined,
    };
    expect(show(fromMessage(message as Message, types))).toBe(value);
  });

  test.each([
    {
      name: "of an unknown type",
      any: create(AnySchema, { typeUrl: "type.googleapis.com/no.Type" }),
    },
    { name: "that is empty", any: create(AnySchema) },
    { name: "of bytes without a type", any: create(AnySchema, { value: new Uint8Array([8, 1]) }) },
    { name: "of no type", any: create(AnySchema, { typeUrl: "/" }) },
    {
      name: "of bytes that are not a message",
      any: create(AnySchema, { typeUrl: "/google.protobuf.BoolValue", value: new Uint8Array([8]) }),
    },
  ])("an Any $name fails", ({ any }) => {
    expect(() => fromMessage(any, registry)).toThrow(Fault);
  });
});

describe("DynamicFields: fields of messages whose type is known at run time", () => {
  const frame = new Frame(0);
  frame.steps = 1000;

  test("are found by name, message by message", () => {
    const fields = new DynamicFields("single_int32", registry);
    expect(fields.read(create(proto3), frame)).toBe(0n);
    expect(fields.read(create(proto2), frame)).toBe(-32n);
    expect(fields.has(create(proto2))).toBe(false);
  });

  test("may be missing", () => {
    expect(() => new DynamicFields("nope", registry).read(create(proto3), frame)).toThrow(
      "no such field 'nope'",
    );
    expect(() => new DynamicFields("ID", registry).has(create(EndpointSchema))).toThrow("no such overload");
  });

  test("cost steps when they are long", () => {
    const read = meteredReader(findField(proto3, "repeated_int32")!, registry);
    frame.steps = 50;
    expect(read(create(proto3 as DescMessage, { repeatedInt32: Array(20).fill(1) }), frame)).toHaveLength(20);
    expect(frame.steps).toBe(30);
    const long = create(proto3 as DescMessage, { repeatedInt32: Array(100).fill(1) });
    expect(() => read(long, frame)).toThrow("too many steps");
  });
});

function check(
  desc: DescMessage,
  name: string,
  init: Record<string, unknown>,
  value: string,
  has: boolean,
): void {
  const message = create(desc, init);
  const field = findField(desc, name)!;
  expect(show(fieldReader(field, registry)(message))).toBe(value);
  expect(presenceTest(field)(message)).toBe(has);
}

function packed(message: Message): Any {
  return anyPack(EndpointSchema, message as never);
}
