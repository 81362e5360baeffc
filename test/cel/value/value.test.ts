import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CelDuration,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  kindOf,
  typeNameOf,
} from "../../../src/cel/value/value.js";
import { TCPSchema } from "../../../src/proto.js";

describe("kindOf", () => {
  test.each([
    { value: null, kind: "null", name: "null_type" },
    { value: true, kind: "bool" },
    { value: 1n, kind: "int" },
    { value: new CelUint(1n), kind: "uint" },
    { value: 1, kind: "double" },
    { value: "", kind: "string" },
    { value: new Uint8Array(), kind: "bytes" },
    { value: new CelTimestamp(0, 0), kind: "timestamp", name: "google.protobuf.Timestamp" },
    { value: new CelDuration(0n), kind: "duration", name: "google.protobuf.Duration" },
    { value: new CelTypeValue("int"), kind: "type" },
    { value: [], kind: "list" },
    { value: new CelMap(), kind: "map" },
    { value: create(TCPSchema), kind: "message", name: "flow.TCP" },
  ] as { value: CelValue; kind: string; name?: string }[])("$kind", ({ value, kind, name = kind }) => {
    expect(kindOf(value)).toBe(kind);
    expect(typeNameOf(value)).toBe(name);
  });
});

describe("CelMap", () => {
  test("finds numbers regardless of their type, and no other keys", () => {
    const map = new CelMap();
    for (const [key, value] of [
      [1n, "int"],
      [new CelUint(2n), "uint"],
      ["1", "text"],
      [true, "bool"],
    ] as const) {
      expect(map.add(key, value)).toBe(true);
    }
    const found = [1n, new CelUint(1n), 1, 2n, 2, "1", true, 1.5, false, "2", null, Number.NaN, Infinity];
    expect(found.map((key) => map.get(key))).toEqual([
      ...["int", "int", "int", "uint", "uint", "text", "bool"],
      ...[undefined, undefined, undefined, undefined, undefined, undefined],
    ]);
    expect(map.size).toBe(4);
  });

  test("keeps the order and the types of its keys", () => {
    const map = new CelMap();
    map.add("b", 1n);
    map.add(new CelUint(1n), 2n);
    map.add("a", 3n);
    expect([...map.keys()]).toEqual(["b", new CelUint(1n), "a"]);
    expect([...map]).toEqual([
      ["b", 1n],
      [new CelUint(1n), 2n],
      ["a", 3n],
    ]);
  });

  test("rejects existing keys and values of unsupported types", () => {
    const map = new CelMap();
    map.add(1n, "a");
    const refused: CelValue[] = [
      1n,
      new CelUint(1n),
      1,
      1.5,
      null,
      [1n],
      new Uint8Array(),
      new CelTimestamp(0, 0),
    ];
    expect(refused.map((key) => map.add(key, "b"))).toEqual(refused.map(() => false));
    expect([...map]).toEqual([[1n, "a"]]);
  });

  test.each(["__proto__", "constructor", "toString", ""])("has no inherited key: %j", (name) => {
    const map = new CelMap();
    expect(map.get(name)).toBeUndefined();
    map.add(name, 1n);
    expect(map.get(name)).toBe(1n);
  });
});
