import { create } from "@bufbuild/protobuf";
import { AnySchema, anyPack, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { CelError, CelEvaluationError, type CelOptions, compileCel } from "../../src/cel/index.js";
import { compileFlowFilter } from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/proto.js";
import { everyNth, nth } from "../support/amount.js";

/** Ends what has no bound: everything here needs a fiftieth of it. */
const LIMIT_MS = 120_000;

/** One in so many slow expressions is run by the quick tests. */
const STEP = 4;

const LONG = 65_535;
const labelled = (labels: string[], more: object = {}) =>
  create(FlowSchema, { source: { podName: `${"a".repeat(LONG)}b`, labels }, ...more });
const thousand = labelled(Array.from({ length: 1000 }, (_, index) => `k8s:label-${index}=value-${index}`));
const tenThousand = labelled(Array.from({ length: 10_000 }, (_, index) => `k8s:label-${index}=value`));
// Equal, but not identical: all elements have to be compared.
const longLabels = labelled(
  Array.from({ length: 1000 }, () => `${"a".repeat(LONG)}b`),
  {
    destination: {
      podName: `${"a".repeat(LONG / 4)}b${"a".repeat(LONG / 4)}`,
      labels: Array.from({ length: 1000 }, () => `${"a".repeat(LONG - 1)}cb`),
    },
  },
);

const L = "_flow.source.labels";
const D = "_flow.destination.labels";
const ONES = `[${Array(100).fill("1").join(",")}]`;
const repeat = (count: number, start: string, step: string) => start + step.repeat(count);
const nest = (count: number, open: string, inner: string, close: string) =>
  open.repeat(count) + inner + close.repeat(count);
const twice = (body: string) => `${L}.exists(l, ${L}.exists(k, ${body}))`;

describe("compileCel: stops long evaluations", { timeout: LIMIT_MS }, () => {
  const expressions: { name: string; text: string; flow?: Flow }[] = [
    {
      name: "macros in macros",
      text: `${ONES}.all(a, ${ONES}.all(b, ${ONES}.all(c, ${ONES}.all(d, a + b + c + d == 4))))`,
    },
    { name: "macros over labels", text: `${L}.all(a, ${L}.all(b, ${L}.all(c, a == b || b != c || true)))` },
    { name: "macros over what is not known", text: `dyn(${L}).all(a, dyn(${L}).all(b, a == b || true))` },
    { name: "errors that are absorbed", text: `${L}.all(a, ${L}.all(b, ${L}[-1] == ''))` },
    { name: "errors of types", text: `${L}.exists(a, ${L}.exists(b, dyn(a) > 1))` },
    { name: "texts that double", text: repeat(40, "['aaaa']", ".map(a, a + a)") },
    { name: "bytes that double", text: repeat(40, "[b'aaaa']", ".map(a, a + a)") },
    { name: "lists that double", text: repeat(40, "[[1, 2]]", ".map(a, a + a)") },
    { name: "lists that are kept", text: `${L}.map(l, ${L}.map(k, ${L}.filter(q, true)))` },
    { name: "lists that are put together", text: `${L}.exists(l, (${L} + ${L} + ${L} + ${L}) == [])` },
    {
      name: "equality of lists that share their parts",
      text: `${repeat(40, "[1]", ".map(a, [dyn(a), dyn(a)])")} == ${repeat(40, "[1]", ".map(a, [dyn(a), dyn(a)])")}`,
    },
    {
      name: "equality of maps that share their parts",
      text: `${repeat(40, "[1]", ".map(a, {'x': dyn(a), 'y': dyn(a)})")} == ${repeat(40, "[1]", ".map(a, {'x': dyn(a), 'y': dyn(a)})")}`,
    },
    { name: "equality of long texts", text: twice("l != k"), flow: longLabels },
    { name: "equality of long texts in `in`", text: `${D}.exists(l, l in ${L})`, flow: longLabels },
    { name: "the order of long texts", text: twice("l < k"), flow: longLabels },
    { name: "beginnings of long texts", text: twice("!l.startsWith(k)"), flow: longLabels },
    { name: "ends of long texts", text: twice("!dyn(l).endsWith(k)"), flow: longLabels },
    { name: "sizes of long texts", text: twice("l.size() == 1"), flow: longLabels },
    { name: "long keys", text: twice("{l: 1}[k] == 2"), flow: longLabels },
    { name: "bytes of long texts", text: twice("bytes(l) < bytes(k)"), flow: longLabels },
    {
      name: "long strings that are not timestamps",
      text: twice("timestamp(l) == timestamp(k)"),
      flow: longLabels,
    },
    {
      name: "long strings that are not durations",
      text: twice("duration(l) == duration(k)"),
      flow: longLabels,
    },
    { name: "long strings that are not ints", text: twice("int(l) == int(k)"), flow: longLabels },
    { name: "long strings that are not uints", text: twice("uint(l) == uint(k)"), flow: longLabels },
    { name: "long strings that are not doubles", text: twice("double(l) == double(k)"), flow: longLabels },
    { name: "long strings that are not bools", text: twice("bool(l) == bool(k)"), flow: longLabels },
    {
      name: "searches that look at every place",
      text: `${L}.exists(l, l.contains(_flow.destination.pod_name))`,
      flow: longLabels,
    },
    {
      name: "searches for a long constant",
      text: `${L}.exists(l, l.contains('${"a".repeat(1500)}b${"a".repeat(1500)}'))`,
      flow: longLabels,
    },
    { name: "equality of messages", text: twice(`Endpoint{labels: ${L}} != Endpoint{labels: ${L}}`) },
    { name: "the making of messages", text: twice(`Endpoint{labels: ${L}} == Endpoint{}`) },
    { name: "messages of JSON", text: twice(`google.protobuf.ListValue{values: ${L}} == []`) },
    { name: "what is packed", text: twice(`Flow{extensions: ${L}} == Flow{}`) },
    { name: "time zones", text: twice("_flow.time.getHours('America/New_York') == 99") },
    { name: "names of time zones", text: twice("_flow.time.getHours(k) == 99") },
    { name: "texts of times", text: twice("string(_flow.time) == '99'") },
    { name: "patterns", text: `${L}.exists(l, l.matches('a[a-c]{500}[0-9]'))`, flow: longLabels },
    { name: "patterns that go back", text: `${L}.exists(l, l.matches('(a|b|ab)*c$'))`, flow: longLabels },
    {
      name: "patterns that are made",
      text: `${L}.exists(l, l.matches('a[a-c]{' + string(l.size() % 500) + '}[0-9]'))`,
      flow: longLabels,
    },
    { name: "patterns that are many", text: `${L}.exists(l, 'aaa'.matches(l + 'a{900}b{900}'))` },
    { name: "invalid patterns", text: twice("'aaa'.matches(l + k + '(')") },
    { name: "patterns that are long", text: `${L}.exists(l, l.matches(l + 'c'))`, flow: longLabels },
  ];
  test.each(everyNth(STEP, expressions))(`$name${nth(STEP)}`, ({ text, flow = tenThousand }) => {
    const { error } = evaluate(text, flow);
    expect(error).toEqual(new CelEvaluationError("evaluation takes too many steps"));
  });

  test("the error is not absorbed by another operand", () => {
    // An operand that can fail is evaluated in its place; otherwise cheaper operands are first.
    const slow = twice("1 / size(l) == 9");
    for (const text of [
      `${slow} || true`,
      `true && (${slow} || !${slow})`,
      `[1, 2].exists(x, x == 2 || ${slow} || true)`,
      `[1].all(x, ${slow} && false)`,
    ]) {
      expect(evaluate(text, tenThousand).error).toEqual(
        new CelEvaluationError("evaluation takes too many steps"),
      );
    }
  });

  test("a filter that is stopped is false", () => {
    const filter = { experimental: { celExpression: [`!${twice("l == 'nothing'")}`, "true"] } };
    expect(compileFlowFilter(filter)(tenThousand)).toBe(false);
  });
});

describe("compileCel: evaluates large inputs", { timeout: LIMIT_MS }, () => {
  const operations = [
    ...["l.startsWith('x')", "l.endsWith('y')", "l.contains('zz')", "l == 'q'", "l.size() == 1"],
    ...["l.matches('^foo')", "l < 'a'", "l in ['p', 'r']", "l + 'x' == 'y'", "size(l) > 100"],
  ];

  test.each([
    { name: "ten operations on each of 1,000 labels", text: `${L}.exists(l, ${operations.join(" || ")})` },
    {
      name: "ten operations on each of 10,000 labels",
      text: `${L}.exists(l, ${operations.join(" || ")})`,
      flow: tenThousand,
    },
    {
      name: "each of 200 labels with each other",
      text: `${L}.filter(l, l.contains('-1')).exists(a, ${L}.exists(b, a + 'x' == b))`,
    },
    { name: "nested lists", text: `${nest(200, "[", "1", "]")}.size() == 0` },
    { name: "nested calls", text: `${nest(200, "dyn(", "1", ")")} == 0` },
    { name: "nested negations", text: `${"!".repeat(4000)}false` },
    { name: "a chain of ||", text: Array(200).fill("_flow.verdict == 9").join("||") },
    { name: "a long list", text: `2 in [${Array(1500).fill("1").join(",")}]` },
    { name: "a long text", text: `'${"\u{1F600}".repeat(4000)}'.size() == 1` },
    { name: "a search in one long text", text: `_flow.source.pod_name.contains('${"a".repeat(1000)}c')` },
    { name: "a pattern on one long text", text: "_flow.source.pod_name.matches('a[a-c]{500}[0-9]')" },
  ])("$name", ({ text, flow = thousand }) => {
    const { value, error } = evaluate(text, flow);
    expect({ value, error }).toEqual({ value: false, error: undefined });
  });
});

describe("compileCel: rejects hostile expressions quickly", { timeout: LIMIT_MS }, () => {
  test.each([
    { name: "types that double", text: repeat(40, "[1]", ".map(a, {a: a})"), error: "the type is too large" },
    { name: "lists of types that double", text: repeat(60, "[1]", ".map(a, [[a]])") },
    { name: "a chain of +", text: Array(2000).fill("1").join("+"), error: "max recursion depth exceeded" },
    { name: "a chain of indexes", text: repeat(1300, "_flow", "[0]"), error: "max recursion depth exceeded" },
    { name: "a chain of fields", text: repeat(2000, "_flow", ".a"), error: "max recursion depth exceeded" },
    {
      name: "parentheses",
      text: nest(2000, "(", "1", ")"),
      error: "expression recursion limit exceeded: 250",
    },
    { name: "brackets that stay open", text: "[".repeat(4096) },
    { name: "braces that stay open", text: "{1:".repeat(1365) },
    { name: "conditionals", text: `${"true ? ".repeat(500)}1` },
    { name: "faults in number", text: `[${Array(1300).fill("a").join(",")}]` },
    { name: "equalities of many types", text: `${Array(200).fill("[[1]] == [['']]").join("||")}` },
    {
      name: "too many code points",
      text: " ".repeat(100_000),
      error: "expression code point size exceeds limit",
    },
  ])("$name", ({ text, error = "" }) => {
    try {
      compileCel(text, { variables: { _flow: FlowSchema }, container: "flow" });
    } catch (failure) {
      if (!(failure instanceof CelError)) throw failure;
      expect(failure.message).toContain(error);
    }
  });

  test.each(
    "abcdefghijklmnopqrstuvwxyz_.,:;?!+-*/%<>=&|()[]{}'\"`\\ \n\t0123456789é\u{1F600}\u0000".split(""),
  )("4,096 times %j", (character) => {
    for (const text of [character.repeat(4096), `${character} `.repeat(2048), `a${character}`.repeat(2048)]) {
      expect(compiles(text)).toBeTypeOf("boolean");
    }
  });
});

describe("compileCel: deeply nested values", { timeout: LIMIT_MS }, () => {
  test("an Any in an Any", () => {
    let flow = create(FlowSchema, { verdict: 1 });
    for (let depth = 0; depth < 2000; depth++) {
      flow = create(FlowSchema, { extensions: anyPack(FlowSchema, flow) });
    }
    for (const text of [
      "_flow == _flow",
      "_flow.extensions == _flow.extensions",
      "Flow{extensions: _flow.extensions} == _flow",
      `_flow${".extensions".repeat(100)} == null`,
    ]) {
      const { error } = evaluate(text, flow);
      if (error !== undefined) expect(error).toBeInstanceOf(CelEvaluationError);
    }
  });

  test("JSON in JSON", () => {
    let value: Value = create(ValueSchema, { kind: { case: "numberValue", value: 1 } });
    for (let depth = 0; depth < 20_000; depth++) {
      value = create(ValueSchema, { kind: { case: "listValue", value: { values: [value] } } });
    }
    const program = compileCel("v == v", { variables: { v: "google.protobuf.Value" } });
    expect(() => program({ v: value })).toThrow(CelEvaluationError);
  });

  test("an Any of an unknown type", () => {
    const flow = create(FlowSchema, { extensions: create(AnySchema, { typeUrl: "x/y" }) });
    expect(evaluate("_flow.extensions == 1", flow).error).toBeInstanceOf(CelEvaluationError);
    expect(evaluate("_flow.extensions == 1 || true", flow).value).toBe(true);
  });

  test("a list that contains itself", () => {
    const endless: unknown[] = [];
    endless.push(endless);
    expect(() => compileCel("x == 1", { variables: { x: "dyn" } })({ x: endless })).toThrow(
      CelEvaluationError,
    );
  });
});

function evaluate(text: string, flow: Flow, options: CelOptions = {}) {
  const program = compileCel(text, { variables: { _flow: FlowSchema }, container: "flow", ...options });
  try {
    return { value: program({ _flow: flow }), error: undefined };
  } catch (error) {
    return { value: undefined, error };
  }
}

function compiles(text: string): boolean {
  try {
    compileCel(text);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}
