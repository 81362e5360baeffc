import { describe, expect, test } from "vitest";
import { Bindings, mostGeneral } from "../../../src/cel/check/assign.js";
import { DYN, formatType } from "../../../src/cel/check/type.js";
import { parseType } from "../../../src/cel/check/type-text.js";

describe("Bindings.assign", () => {
  test.each([
    { to: "int", from: "int", goes: true },
    { to: "int", from: "uint", goes: false },
    { to: "int", from: "dyn", goes: true },
    { to: "dyn", from: "int", goes: true },
    { to: "any", from: "list(int)", goes: true },
    { to: "wrapper(int)", from: "int", goes: true },
    { to: "int", from: "wrapper(int)", goes: true },
    { to: "wrapper(int)", from: "wrapper(uint)", goes: false },
    { to: "wrapper(int)", from: "null_type", goes: true },
    { to: "null_type", from: "wrapper(int)", goes: true },
    { to: "int", from: "null_type", goes: false },
    { to: "flow.Flow", from: "null_type", goes: true },
    { to: "timestamp", from: "null_type", goes: true },
    { to: "duration", from: "null_type", goes: true },
    { to: "list(int)", from: "null_type", goes: false },
    { to: "set(int)", from: "null_type", goes: true },
    { to: "null_type", from: "null_type", goes: true },
    { to: "flow.Flow", from: "flow.TCP", goes: false },
    { to: "list(int)", from: "list(dyn)", goes: true },
    { to: "list(dyn)", from: "list(int)", goes: true },
    { to: "list(list(int))", from: "list(list(uint))", goes: false },
    { to: "map(string, int)", from: "map(string, dyn)", goes: true },
    { to: "map(string, int)", from: "list(int)", goes: false },
    { to: "set(int)", from: "bag(int)", goes: false },
    { to: "set(int)", from: "set(int, int)", goes: false },
    { to: "type(int)", from: "type(string)", goes: true },
    { to: "type(int)", from: "int", goes: false },
    { to: "A", from: "int", goes: true },
    { to: "int", from: "A", goes: true },
    { to: "A", from: "B", goes: true },
    { to: "A", from: "A", goes: true },
    { to: "A", from: "list(A)", goes: false },
    { to: "list(A)", from: "A", goes: false },
    { to: "map(A, A)", from: "map(int, int)", goes: true },
    { to: "map(A, A)", from: "map(int, string)", goes: false },
    { to: "map(A, A)", from: "map(int, dyn)", goes: true },
    { to: "map(A, B)", from: "map(B, list(A))", goes: false },
    { to: "map(A, A)", from: "map(null_type, flow.Flow)", goes: true },
  ])("$to accepts $from: $goes", ({ to, from, goes }) => {
    expect(new Bindings().assign(parseType(to), parseType(from))).toBe(goes);
  });
});

describe("Bindings.substitute", () => {
  test.each([
    { to: ["A"], from: ["int"], becomes: "int" },
    { to: ["A", "A"], from: ["int", "wrapper(int)"], becomes: "int" },
    { to: ["A", "A"], from: ["wrapper(int)", "int"], becomes: "wrapper(int)" },
    { to: ["A", "A"], from: ["int", "dyn"], becomes: "dyn" },
    { to: ["A", "A"], from: ["dyn", "int"], becomes: "dyn" },
    { to: ["A", "A"], from: ["null_type", "flow.Flow"], becomes: "flow.Flow" },
    { to: ["A", "A"], from: ["flow.Flow", "null_type"], becomes: "flow.Flow" },
    { to: ["A", "A"], from: ["list(int)", "list(dyn)"], becomes: "list(dyn)" },
    { to: ["A", "list(A)"], from: ["int", "list(B)"], becomes: "int" },
    { to: ["list(A)", "A"], from: ["list(B)", "B"], becomes: undefined },
    { to: ["A", "A"], from: ["list(B)", "list(int)"], becomes: "list(int)" },
  ])("$to accepts $from: $becomes", ({ to, from, becomes }) => {
    const bindings = new Bindings();
    expect(bindings.assignAll(to.map(parseType), from.map(parseType))).toBe(true);
    const found = bindings.substitute(parseType("A"));
    if (becomes === undefined) expect(found.kind).toBe("param");
    else expect(formatType(found)).toBe(becomes);
    expect(bindings.substitute(parseType("map(Z, A)"), DYN)).toMatchObject({ key: DYN });
  });

  test("substitutes nothing after an attempt that fails halfway", () => {
    const bindings = new Bindings();
    const [a, b] = [parseType("A"), parseType("B")];
    expect(bindings.assign(b, parseType("int"))).toBe(true);
    expect(bindings.assignAll([a, b], [parseType("string"), parseType("bool")])).toBe(false);
    expect(bindings.substitute(a)).toBe(a);
    expect(formatType(bindings.substitute(b))).toBe("int");
    expect(bindings.assignAll([a], [])).toBe(false);
  });
});

describe("mostGeneral", () => {
  test.each([
    { a: "int", b: "dyn", most: "dyn" },
    { a: "dyn", b: "int", most: "dyn" },
    { a: "wrapper(int)", b: "int", most: "wrapper(int)" },
    { a: "int", b: "wrapper(int)", most: "int" },
    { a: "null_type", b: "flow.Flow", most: "flow.Flow" },
    { a: "flow.Flow", b: "null_type", most: "flow.Flow" },
    { a: "list(dyn)", b: "list(int)", most: "list(dyn)" },
    { a: "list(int)", b: "list(dyn)", most: "list(dyn)" },
    { a: "map(string, int)", b: "map(string, A)", most: "map(string, A)" },
    { a: "type(int)", b: "type(string)", most: "type(int)" },
    { a: "set(dyn)", b: "set(int)", most: "set(dyn)" },
  ])("of $a and $b: $most", ({ a, b, most }) => {
    expect(formatType(mostGeneral(parseType(a), parseType(b)))).toBe(most);
  });
});
