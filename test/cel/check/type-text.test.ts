import { describe, expect, test } from "vitest";
import {
  formatType,
  isSameType,
  messageType,
  partsOf,
  typeName,
  withParts,
} from "../../../src/cel/check/type.js";
import { parseType } from "../../../src/cel/check/type-text.js";

describe("parseType and formatType", () => {
  test.each([
    { text: "int", name: "int" },
    { text: "null_type", format: "null", name: "null_type" },
    { text: "timestamp", name: "google.protobuf.Timestamp" },
    { text: "duration", name: "google.protobuf.Duration" },
    { text: "any", name: "google.protobuf.Any" },
    { text: "google.protobuf.Timestamp", format: "timestamp", name: "google.protobuf.Timestamp" },
    { text: "google.protobuf.BoolValue", format: "wrapper(bool)", name: "wrapper(bool)" },
    { text: "google.protobuf.FloatValue", format: "wrapper(double)", name: "wrapper(double)" },
    { text: "google.protobuf.Struct", format: "map(string, dyn)", name: "map(string, dyn)" },
    { text: "google.protobuf.ListValue", format: "list(dyn)", name: "list(dyn)" },
    { text: "google.protobuf.Value", format: "dyn", name: "dyn" },
    { text: "list(string)", name: "list(string)" },
    { text: " map ( string ,list(dyn)) ", format: "map(string, list(dyn))", name: "map(string, list(dyn))" },
    { text: "map(string, timestamp)", name: "map(string, google.protobuf.Timestamp)" },
    { text: "wrapper(uint)", name: "wrapper(uint)" },
    { text: "type", name: "type" },
    { text: "type(list(A))", name: "type(list(A))" },
    { text: "A", name: "A" },
    { text: "flow.Flow", name: "flow.Flow" },
    { text: "toString", name: "toString" },
    { text: "set(int, A)", name: "set(int, A)" },
  ])("$text", ({ text, format = text, name }) => {
    expect(formatType(parseType(text))).toBe(format);
    expect(typeName(parseType(text))).toBe(name);
  });

  test.each([
    "",
    "(",
    "list(",
    "list()",
    "list(int",
    "list(int))",
    "int int",
    "1",
    "map(int,)",
    "a b",
    "int)",
    "-",
  ])("rejects %j", (text) => {
    expect(() => parseType(text)).toThrow(TypeError);
  });
});

describe("isSameType", () => {
  test.each([
    { a: "int", b: "int", same: true },
    { a: "int", b: "uint", same: false },
    { a: "list(int)", b: "list(int)", same: true },
    { a: "list(int)", b: "list(dyn)", same: false },
    { a: "list(int)", b: "set(int)", same: false },
    { a: "bool", b: "wrapper(bool)", same: false },
    { a: "flow.Flow", b: "flow.TCP", same: false },
    { a: "type", b: "type(int)", same: false },
    { a: "map(int, int)", b: "map(int, uint)", same: false },
    { a: "google.protobuf.Int32Value", b: "google.protobuf.Int64Value", same: true },
  ])("$a and $b: $same", ({ a, b, same }) => {
    expect(isSameType(parseType(a), parseType(b))).toBe(same);
  });
});

describe("partsOf, withParts", () => {
  test.each(["list(int)", "map(string, int)", "wrapper(int)", "type(int)", "set(int, string)"])(
    "%s",
    (text) => {
      const type = parseType(text);
      expect(withParts(type, (part) => part)).toBe(type);
      const changed = withParts(type, () => parseType("bool"));
      expect(partsOf(changed)).toEqual(partsOf(type).map(() => parseType("bool")));
      expect(changed.kind).toBe(type.kind);
    },
  );

  test("of types without parts", () => {
    expect(partsOf(messageType("flow.Flow"))).toEqual([]);
    expect(partsOf(parseType("type"))).toEqual([]);
  });
});
