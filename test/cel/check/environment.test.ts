import { describe, expect, test } from "vitest";
import {
  candidatesFor,
  createEnvironment,
  fieldType,
  findField,
  lookUp,
} from "../../../src/cel/check/environment.js";
import { registryOf } from "../../../src/cel/check/registry.js";
import { declareFunctions, standardFunctions } from "../../../src/cel/check/standard.js";
import { formatType, INT } from "../../../src/cel/check/type.js";
import { IMPLEMENTATIONS } from "../../../src/cel/run/functions.js";
import { FlowSchema, TCPSchema } from "../../../src/proto.js";
import { registry as testRegistry } from "../../support/cel-conformance.js";

test.each([
  { container: "", name: "a", full: ["a"] },
  { container: "x", name: "a", full: ["x.a", "a"] },
  { container: "x.y.z", name: "a.b", full: ["x.y.z.a.b", "x.y.a.b", "x.a.b", "a.b"] },
  { container: "x.y", name: ".a", full: ["a"] },
])("candidatesFor: in '$container', $name is one of $full", ({ container, name, full }) => {
  expect(candidatesFor(container, name)).toEqual(full);
});

describe("lookUp: full names", () => {
  const environment = createEnvironment({
    variables: new Map([
      ["v", INT],
      ["int", INT],
    ]),
    registry: registryOf([FlowSchema]),
  });

  test.each([
    { name: "v", reference: { kind: "variable", name: "v" } },
    { name: "int", reference: { kind: "variable", name: "int" } },
    { name: "uint", reference: { kind: "type" } },
    { name: "google.protobuf.Timestamp", reference: { kind: "type" } },
    { name: "flow.Flow", reference: { kind: "type" } },
    { name: "flow.Verdict.DROPPED", reference: { kind: "constant", value: 2 } },
  ])("$name", ({ name, reference }) => {
    expect(lookUp(environment, name)).toMatchObject(reference);
  });

  test.each([
    "",
    "flow",
    "flow.Verdict",
    "flow.Verdict.NOPE",
    "Verdict.DROPPED",
    "toString",
    "flow.Flow.verdict",
  ])("does not find %j", (name) => {
    expect(lookUp(environment, name)).toBeUndefined();
  });
});

describe("findField, fieldType", () => {
  const allTypes = testRegistry.getMessage("cel.expr.conformance.proto3.TestAllTypes")!;

  test.each([
    { name: "single_int32", type: "int" },
    { name: "single_sint64", type: "int" },
    { name: "single_sfixed32", type: "int" },
    { name: "single_uint32", type: "uint" },
    { name: "single_fixed64", type: "uint" },
    { name: "single_float", type: "double" },
    { name: "single_bytes", type: "bytes" },
    { name: "single_bool", type: "bool" },
    { name: "standalone_enum", type: "int" },
    { name: "repeated_nested_enum", type: "list(int)" },
    { name: "single_any", type: "any" },
    { name: "single_duration", type: "duration" },
    { name: "single_struct", type: "map(string, dyn)" },
    { name: "single_value", type: "dyn" },
    { name: "list_value", type: "list(dyn)" },
    { name: "single_uint64_wrapper", type: "wrapper(uint)" },
    { name: "repeated_timestamp", type: "list(timestamp)" },
    { name: "map_int32_timestamp", type: "map(int, timestamp)" },
    { name: "map_bool_bool", type: "map(bool, bool)" },
    {
      name: "map_string_message",
      type: "map(string, cel.expr.conformance.proto3.TestAllTypes.NestedMessage)",
    },
  ])("$name is of type $type", ({ name, type }) => {
    expect(formatType(fieldType(findField(allTypes, name)!))).toBe(type);
  });

  test("find fields by their names in the proto file", () => {
    expect(findField(TCPSchema, "source_port")?.localName).toBe("sourcePort");
    expect(findField(TCPSchema, "sourcePort")).toBeUndefined();
  });
});

describe("registryOf", () => {
  test("includes imported files and the well-known types", () => {
    const registry = registryOf([TCPSchema]);
    for (const name of [
      "flow.Flow",
      "google.protobuf.Any",
      "google.protobuf.Struct",
      "google.protobuf.BoolValue",
    ]) {
      expect(registry.getMessage(name)?.typeName).toBe(name);
    }
    expect(registryOf([]).getMessage("flow.Flow")).toBeUndefined();
  });
});

describe("declareFunctions", () => {
  test("reads declarations", () => {
    const functions = declareFunctions(
      "f(list(A), map(B, int)) type(A) = f_one\n.f(int) bool = f_two\ng() int = g_0",
    );
    expect([...functions.keys()]).toEqual(["f", "g"]);
    expect(
      functions.get("f")?.map(({ id, isMember, typeParameters }) => [id, isMember, typeParameters]),
    ).toEqual([
      ["f_one", false, ["A", "B"]],
      ["f_two", true, []],
    ]);
    expect(functions.get("g")?.[0]?.parameters).toEqual([]);
    expect(() => declareFunctions("f(int)")).toThrow(TypeError);
  });

  test("standardFunctions: have implementations, except those that are compiled specially", () => {
    const known = [
      "conditional",
      "logical_and",
      "logical_or",
      "logical_not",
      "equals",
      "not_equals",
      "in_list",
      "in_map",
    ];
    const missing = [...standardFunctions().values()]
      .flat()
      .map(({ id }) => id)
      .filter((id) => !Object.hasOwn(IMPLEMENTATIONS, id) && !/^(less|greater)|^index_|^matches/.test(id));
    expect(new Set(missing)).toEqual(new Set(known));
  });
});
