import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CelError, CelEvaluationError, CelUint, compileCel } from "../../src/cel/index.js";
import type { RegexEngine } from "../../src/filter/index.js";
import { FlowSchema, TCPSchema } from "../../src/proto.js";

describe("compileCel: a program", () => {
  test("has the checked type, by its name at run time", () => {
    const variables = { _flow: FlowSchema };
    const typeOf = (text: string) => compileCel(text, { variables, container: "flow" }).type;
    expect([
      typeOf("1"),
      typeOf("null"),
      typeOf("_flow"),
      typeOf("_flow.time"),
      typeOf("_flow.is_reply"),
      typeOf("_flow.extensions"),
      typeOf("[]"),
      typeOf("{'a': [1u]}"),
      typeOf("type(1)"),
      typeOf("dyn(1)"),
    ]).toEqual([
      "int",
      "null_type",
      "flow.Flow",
      "google.protobuf.Timestamp",
      "wrapper(bool)",
      "google.protobuf.Any",
      "list(dyn)",
      "map(string, list(uint))",
      "type(int)",
      "dyn",
    ]);
  });

  test("can be evaluated again after a failure", () => {
    const program = compileCel("10 / x", { variables: { x: "int" } });
    expect(program({ x: 2n })).toBe(5n);
    expect(() => program({ x: 0 })).toThrow(new CelEvaluationError("division by zero"));
    expect(program({ x: 5n })).toBe(2n);
  });

  test("reads its variables by name and ignores others", () => {
    const program = compileCel("a + b.c + d", { variables: { a: "int", "b.c": "int", d: "int" } });
    expect(program({ d: 100, a: 1, "b.c": 10, z: {} })).toBe(111n);
  });

  test("restores a shadowed variable", () => {
    const program = compileCel("[x, x + 1].map(x, x * 2) + [x]", { variables: { x: "int", y: "int" } });
    expect(program({ x: 3 })).toEqual([6n, 8n, 3n]);
  });

  test("accepts no arguments if it has no variables", () => {
    expect(compileCel("1u + 1u")()).toEqual(new CelUint(2n));
  });

  test("throws every failure as an error with its reason", () => {
    const program = compileCel("x['b']", { variables: { x: "map(string, int)" } });
    expect(() => program({ x: { a: 1 } })).toThrow(CelEvaluationError);
    expect(() => program({ x: { a: 1 } })).toThrow("no such key");
  });
});

describe("compileCel: names", () => {
  const variables = { x: "int", "a.x": "string", "a.b.x": "bool", "c.y": "int", flow: "map(string, int)" };
  const values = { x: 1, "a.x": "two", "a.b.x": true, "c.y": 4, flow: { Verdict: 5 } };

  test.each([
    { text: "x", container: "", value: 1n },
    { text: "x", container: "a", value: "two" },
    { text: "x", container: "a.b", value: true },
    { text: "x", container: "a.b.c", value: true },
    { text: "x", container: "z", value: 1n },
    { text: ".x", container: "a.b", value: 1n },
    { text: ".a.x", container: "a.b", value: "two" },
    { text: "a.x", container: "", value: "two" },
    { text: "a.b.x", container: "", value: true },
    { text: "b.x", container: "a", value: true },
    { text: "y", container: "c", value: 4n },
    { text: "[5].map(x, x)[0]", container: "", value: 5n },
    // A variable of a macro has no namespace: the one of the container is nearer.
    { text: "[5].map(x, x)[0]", container: "a", value: "two" },
    { text: "[true].exists(c, c)", container: "", value: true },
    { text: "flow.Verdict", container: "", value: 5n },
    { text: "flow.Verdict.DROPPED", container: "", value: 2n },
  ])("$text in the container '$container' is $value", ({ text, container, value }) => {
    const program = compileCel(text, { variables: { ...variables, f: FlowSchema }, container });
    expect(program({ ...values, f: create(FlowSchema) })).toBe(value);
  });

  test("several message variables are independent", () => {
    const program = compileCel("b.source_port == 1u && a.source_port == 2u && c == 3", {
      variables: { a: TCPSchema, b: TCPSchema, c: "int" },
      result: "bool",
    });
    const a = create(TCPSchema, { sourcePort: 2 });
    const b = create(TCPSchema, { sourcePort: 1 });
    expect(program({ a, b, c: 3 })).toBe(true);
    expect(program({ a: b, b: a, c: 3 })).toBe(false);
  });
});

describe("compileCel: the option result", () => {
  test.each([
    { text: "true", result: "bool" },
    { text: "[1]", result: "list(int)" },
    { text: "timestamp(0)", result: "timestamp" },
    { text: "timestamp(0)", result: "google.protobuf.Timestamp" },
    { text: "dyn(1)", result: "dyn" },
    { text: "null", result: "null_type" },
  ])("$text is $result", ({ text, result }) => {
    expect(() => compileCel(text, { result })).not.toThrow();
  });

  test.each([
    { text: "1", result: "bool", message: 'got "int", wanted "bool" result type' },
    { text: "dyn(true)", result: "bool", message: 'got "dyn", wanted "bool" result type' },
    { text: "f.is_reply", result: "bool", message: 'got "wrapper(bool)", wanted "bool" result type' },
    { text: "f.time", result: "int", message: 'got "google.protobuf.Timestamp", wanted "int" result type' },
    { text: "[1]", result: "list(dyn)", message: 'got "list(int)", wanted "list(dyn)" result type' },
  ])("$text is not $result", ({ text, result, message }) => {
    const compile = () => compileCel(text, { variables: { f: FlowSchema }, result });
    expect(compile).toThrow(CelError);
    expect(compile).toThrow(message);
  });

  test("the result type is checked even where the checker accepts null as a bool", () => {
    const text = "[true, f.is_reply][1]";
    const variables = { f: FlowSchema };
    expect(compileCel(text, { variables })({ f: create(FlowSchema) })).toBeNull();
    const program = compileCel(text, { variables, result: "bool" });
    expect(() => program({ f: create(FlowSchema) })).toThrow(new CelEvaluationError("no such overload"));
    expect(program({ f: create(FlowSchema, { isReply: true }) })).toBe(true);
  });

  test("must be a type", () => {
    expect(() => compileCel("1", { result: "list(" })).toThrow("result: not a type of CEL: list(");
    expect(() => compileCel("1", { variables: { x: "int)" } })).toThrow(
      "variables.x: not a type of CEL: int)",
    );
  });
});

describe("compileCel: limits", () => {
  test.each([
    { name: "code points, not units", text: "'\u{1F600}\u{1F600}'", options: { maxCodePoints: 4 } },
    { name: "as deep as allowed", text: "((1))", options: { maxDepth: 3 } },
    { name: "as many steps as needed", text: "[1, 2, 3].all(x, x > 0)", options: { maxSteps: 20 } },
  ])("$name", ({ text, options }) => {
    expect(() => compileCel(text, options)()).not.toThrow();
  });

  test.each([
    { name: "code points", text: "'abc'", options: { maxCodePoints: 4 } },
    { name: "depth", text: "((((1))))", options: { maxDepth: 3 } },
    { name: "depth of operators", text: "1+1+1+1+1", options: { maxDepth: 3 } },
  ])("exceeded: $name", ({ text, options }) => {
    expect(() => compileCel(text, options)).toThrow(CelError);
  });

  test("steps of each evaluation, without those of earlier ones", () => {
    const program = compileCel("x.all(y, y > 0)", { variables: { x: "list(int)" }, maxSteps: 100 });
    const few = [1, 2, 3];
    const many = Array.from({ length: 1000 }, () => 1);
    for (let count = 0; count < 50; count++) expect(program({ x: few })).toBe(true);
    expect(() => program({ x: many })).toThrow(new CelEvaluationError("evaluation takes too many steps"));
    expect(program({ x: few })).toBe(true);
  });

  test("exceeded steps, which && and || do not absorb", () => {
    const options = { variables: { x: "list(int)" }, maxSteps: 100 };
    const many = { x: Array.from({ length: 1000 }, () => 1) };
    expect(() => compileCel("x.all(y, 1 / y > 0) || true", options)(many)).toThrow(CelEvaluationError);
  });

  test("steps are saved if a cheaper operand decides and no operand can fail", () => {
    const options = { variables: { x: "list(int)" }, maxSteps: 100 };
    const many = { x: Array.from({ length: 1000 }, () => 1) };
    expect(compileCel("x.all(y, y > 0) || true", options)(many)).toBe(true);
  });
});

describe("compileCel: without a check", () => {
  const unchecked = (text: string) => compileCel(text, { check: false, variables: { f: FlowSchema } });
  const value = (text: string) => unchecked(text)({ f: create(FlowSchema) });

  test.each([
    { text: "1 == 1.0", is: true },
    { text: "1 < 2.5", is: true },
    { text: "'a' == 1", is: false },
    { text: "1 in ['a', 1u]", is: true },
    { text: "true || 1", is: true },
    { text: "f.verdict == 0u", is: true },
    { text: "startsWith('abc', 'a')", is: true },
  ])("$text is $is", ({ text, is }) => {
    expect(value(text)).toBe(is);
  });

  test.each([
    { text: "1 + 1.0", why: "no such overload" },
    { text: "nothing", why: "undeclared reference to 'nothing' (in container '')" },
    { text: "nothing.at.all", why: "undeclared reference to 'nothing' (in container '')" },
    { text: "nothing(1)", why: "undeclared reference to 'nothing' (in container '')" },
    { text: "f.nope", why: "undefined field 'nope'" },
    { text: "Nothing{a: 1}", why: "undeclared reference to 'Nothing' (in container '')" },
    { text: "flow.TCP{nope: 1}", why: "undefined field 'nope'" },
    { text: "flow.TCP{source_port: 1}", why: "type conversion error from 'int' to 'uint32'" },
    { text: "size('a', 'b')", why: "no such overload" },
    { text: "size()", why: "no such overload" },
    { text: "'a'.matches()", why: "no such overload" },
    { text: "'a'.startsWith('a', 'b')", why: "no such overload" },
    { text: "dyn()", why: "no such overload" },
    { text: "int(1, 2)", why: "no such overload" },
    { text: "uint()", why: "no such overload" },
    { text: "(1).exists(x, true)", why: "no such overload" },
    { text: "1 ? 2 : 3", why: "no such overload" },
    { text: "'a'[0]", why: "no such overload" },
    { text: "1 || false", why: "no such overload" },
  ])("$text fails: $why", ({ text, why }) => {
    expect(() => value(text)).toThrow(new CelEvaluationError(why));
  });

  test("syntax errors are still reported", () => {
    expect(() => unchecked("1 +")).toThrow(CelError);
  });
});

describe("compileCel: patterns", () => {
  test.each([
    { pattern: "^\\p{Lu}$", text: "\u1c89", found: false },
    { pattern: "^\\p{Lu}$", text: "\u10a0", found: true },
    { pattern: "(?i)^\u0264$", text: "\ua7cb", found: false },
  ])("$pattern on $text: $found, by Unicode 15.0", ({ pattern, text, found }) => {
    const constant = compileCel(`x.matches(r'${pattern}')`, { variables: { x: "string" } });
    const given = compileCel("x.matches(y)", { variables: { x: "string", y: "string" } });
    expect(constant({ x: text })).toBe(found);
    expect(given({ x: text, y: pattern })).toBe(found);
  });

  test.each(["\\p{Cn}", "\\p{Garay}"])("%s is rejected with Go's message", (pattern) => {
    const program = compileCel(`'a'.matches(r'${pattern}')`);
    expect(() => program({})).toThrow(`error parsing regexp: invalid character class range: \`${pattern}\``);
  });

  test("run on the engine of the options", () => {
    const asked: string[] = [];
    const regex: RegexEngine = {
      compile(pattern) {
        asked.push(pattern);
        return (text) => text === "yes";
      },
    };
    const program = compileCel("[x.matches('[a-z]+.{1,2}'), x.matches(y + '.{1,2}')]", {
      variables: { x: "string", y: "string" },
      regex,
    });
    expect(program({ x: "yes", y: "[a-y]+" })).toEqual([true, true]);
    expect(program({ x: "no", y: "[a-y]+" })).toEqual([false, false]);
    expect(asked).toEqual(["[a-z]+.{1,2}", "[a-y]+.{1,2}"]);
  });

  test("that change are cached, with a bound", () => {
    const compiled: string[] = [];
    const regex: RegexEngine = {
      compile(pattern) {
        compiled.push(pattern);
        return () => true;
      },
    };
    const program = compileCel("'0123456789'.matches(y)", { variables: { y: "string" }, regex });
    for (let round = 0; round < 3; round++)
      for (let index = 0; index < 5; index++) program({ y: `[${index}-9]+.{1,${index + 1}}` });
    expect(compiled).toHaveLength(5);
    for (let index = 0; index < 10; index++)
      for (let more = 1; more < 4; more++) program({ y: `[${index}-9]+.{${more}}` });
    expect(program({ y: "[0-9]+.{1,1}" })).toBe(true);
    expect(compiled.filter((pattern) => pattern === "[0-9]+.{1,1}").length).toBeGreaterThan(1);
  });
});
