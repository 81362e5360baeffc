import { describe, expect, test } from "vitest";
import { type CelError, compileCel } from "../../../src/cel/index.js";
import { FlowSchema } from "../../../src/proto.js";

const OPTIONS = {
  variables: { _flow: FlowSchema, d: "dyn", i: "int", w: "wrapper(int)" },
  container: "flow",
};

describe("compileCel: types", () => {
  test.each([
    ["1", "int"],
    ["1u", "uint"],
    ["1.0", "double"],
    ["'a'", "string"],
    ["b'a'", "bytes"],
    ["true", "bool"],
    ["null", "null_type"],
    ["[]", "list(dyn)"],
    ["[1]", "list(int)"],
    ["[1, 'a']", "list(dyn)"],
    ["[1, d]", "list(dyn)"],
    ["[d, 1]", "list(dyn)"],
    ["[1, w]", "list(int)"],
    ["[w, 1]", "list(wrapper(int))"],
    ["[w, null]", "list(wrapper(int))"],
    ["[null, w]", "list(wrapper(int))"],
    ["[[], [1]]", "list(list(int))"],
    ["[_flow, null]", "list(flow.Flow)"],
    ["[1, null]", "list(dyn)"],
    ["{}", "map(dyn, dyn)"],
    ["{'a': 1}", "map(string, int)"],
    ["{'a': 1, 2: 1}", "map(dyn, int)"],
    ["{'a': 1, 'b': 2u}", "map(string, dyn)"],
    ["[1] + []", "list(int)"],
    ["[] + [1]", "list(int)"],
    ["[1][0]", "int"],
    ["{'a': [1]}['a']", "list(int)"],
    ["{'a': [1]}.a", "list(int)"],
    ["d", "dyn"],
    ["d.a", "dyn"],
    ["d[0]", "dyn"],
    ["d + 1", "int"],
    ["d + d", "dyn"],
    ["d == 1", "bool"],
    ["d.size()", "int"],
    ["d.exists(x, x)", "bool"],
    ["d.map(x, x)", "list(dyn)"],
    ["d.map(x, 1)", "list(int)"],
    ["i", "int"],
    ["w", "wrapper(int)"],
    ["w + 1", "int"],
    ["true ? 1 : 2", "int"],
    ["true ? 1 : d", "dyn"],
    ["true ? w : 1", "wrapper(int)"],
    ["true ? 1 : w", "int"],
    ["true ? null : _flow", "flow.Flow"],
    ["true ? [] : [1]", "list(int)"],
    ["[1].map(x, [x])", "list(list(int))"],
    ["[1].map(x, x > 1, 'a')", "list(string)"],
    ["[1].filter(x, true)", "list(int)"],
    ["{'a': 1}.map(x, x)", "list(string)"],
    ["{'a': 1}.filter(x, true)", "list(string)"],
    ["[].map(x, x)", "list(dyn)"],
    ["[].filter(x, true)", "list(dyn)"],
    ["[].exists(x, x == 1)", "bool"],
    ["[1].exists_one(x, x == 1)", "bool"],
    ["has(_flow.l4)", "bool"],
    ["_flow.verdict", "int"],
    ["_flow.is_reply", "wrapper(bool)"],
    ["_flow.time", "google.protobuf.Timestamp"],
    ["_flow.extensions", "google.protobuf.Any"],
    ["_flow.extensions.a.b", "dyn"],
    ["_flow.source", "flow.Endpoint"],
    ["_flow.source.labels", "list(string)"],
    ["_flow.source.workloads", "list(flow.Workload)"],
    ["_flow.l4.TCP.destination_port", "uint"],
    ["Verdict.DROPPED", "int"],
    [".flow.Verdict.DROPPED", "int"],
    ["TCP{}", "flow.TCP"],
    [".flow.TCP{}", "flow.TCP"],
    ["google.protobuf.Int64Value{value: 1}", "wrapper(int)"],
    ["google.protobuf.Struct{}", "map(string, dyn)"],
    ["google.protobuf.Value{}", "dyn"],
    ["google.protobuf.ListValue{}", "list(dyn)"],
    ["google.protobuf.Any{}", "google.protobuf.Any"],
    ["google.protobuf.Duration{}", "google.protobuf.Duration"],
    ["int", "type(int)"],
    ["list", "type(list(dyn))"],
    ["map", "type(map(dyn, dyn))"],
    ["type", "type(type)"],
    ["Flow", "type(flow.Flow)"],
    ["type(i)", "type(int)"],
    ["type(int)", "type(type(int))"],
    ["timestamp(0) - timestamp(1)", "google.protobuf.Duration"],
    ["timestamp(0) - duration('1s')", "google.protobuf.Timestamp"],
    ["timestamp(0) - d", "dyn"],
    ["[1].map(_flow, _flow + 1)", "list(int)"],
    ["[[1]].map(x, x.map(x, string(x)))", "list(list(string))"],
  ])("%s is of type %s", (text, type) => {
    expect(compileCel(text, OPTIONS).type).toBe(type);
  });
});

describe("compileCel: faults", () => {
  const overload = (name: string, types: string) =>
    `found no matching overload for '${name}' applied to '${types}'`;
  const undeclared = (name: string) => `undeclared reference to '${name}' (in container 'flow')`;

  test.each([
    { text: "nope", faults: [[1, 1, undeclared("nope")]] },
    { text: ".nope", faults: [[1, 2, undeclared(".nope")]] },
    { text: "a.b.c", faults: [[1, 1, undeclared("a")]] },
    { text: "Verdict.NOPE", faults: [[1, 1, undeclared("Verdict")]] },
    { text: "1 == 1u", faults: [[1, 3, overload("_==_", "(int, uint)")]] },
    { text: "1 == 1.0", faults: [[1, 3, overload("_==_", "(int, double)")]] },
    { text: "_flow == 1", faults: [[1, 7, overload("_==_", "(flow.Flow, int)")]] },
    { text: "[1] == ['a']", faults: [[1, 5, overload("_==_", "(list(int), list(string))")]] },
    { text: "1 == null", faults: [[1, 3, overload("_==_", "(int, null)")]] },
    { text: "1 < 1u", faults: [[1, 3, overload("_<_", "(int, uint)")]] },
    { text: "[1] < [2]", faults: [[1, 5, overload("_<_", "(list(int), list(int))")]] },
    { text: "1 + 'a'", faults: [[1, 3, overload("_+_", "(int, string)")]] },
    { text: "-'a'", faults: [[1, 1, overload("-_", "(string)")]] },
    { text: "!1", faults: [[1, 1, overload("!_", "(int)")]] },
    { text: "1 in 1", faults: [[1, 3, overload("@in", "(int, int)")]] },
    { text: "'a' in [1]", faults: [[1, 5, overload("@in", "(string, list(int))")]] },
    { text: "'a'[0]", faults: [[1, 4, overload("_[_]", "(string, int)")]] },
    { text: "[1]['a']", faults: [[1, 4, overload("_[_]", "(list(int), string)")]] },
    { text: "true ? 1 : 'a'", faults: [[1, 6, overload("_?_:_", "(bool, int, string)")]] },
    { text: "1 ? 1 : 2", faults: [[1, 3, overload("_?_:_", "(int, int, int)")]] },
    { text: "size(1)", faults: [[1, 5, overload("size", "(int)")]] },
    { text: "(1.0).size()", faults: [[1, 11, overload("size", "double.()")]] },
    { text: "'a'.startsWith(1)", faults: [[1, 15, overload("startsWith", "string.(int)")]] },
    { text: "startsWith('a', 'b')", faults: [[1, 11, overload("startsWith", "(string, string)")]] },
    { text: "size('a', 'b')", faults: [[1, 5, overload("size", "(string, string)")]] },
    { text: "nope(1)", faults: [[1, 5, undeclared("nope")]] },
    { text: "'a'.nope()", faults: [[1, 9, undeclared("nope")]] },
    { text: "1 || true", faults: [[1, 1, "expected type 'bool' but found 'int'"]] },
    {
      text: "1 && 'a'",
      faults: [
        [1, 1, "expected type 'bool' but found 'int'"],
        [1, 6, "expected type 'bool' but found 'string'"],
      ],
    },
    { text: "[1].all(x, x)", faults: [[1, 12, "expected type 'bool' but found 'int'"]] },
    { text: "[1].filter(x, x)", faults: [[1, 11, overload("_?_:_", "(int, list(int), list(int))")]] },
    { text: "[1].exists_one(x, x)", faults: [[1, 15, overload("_?_:_", "(int, int, int)")]] },
    {
      text: "i.exists(x, true)",
      faults: [
        [1, 1, "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
      ],
    },
    { text: "_flow.nope", faults: [[1, 6, "undefined field 'nope'"]] },
    { text: "has(_flow.nope)", faults: [[1, 4, "undefined field 'nope'"]] },
    { text: "i.a", faults: [[1, 2, "type 'int' does not support field selection"]] },
    { text: "[1].a", faults: [[1, 4, "type 'list(int)' does not support field selection"]] },
    { text: "_flow.verdict.a", faults: [[1, 14, "type 'int' does not support field selection"]] },
    { text: "Nope{}", faults: [[1, 5, undeclared("Nope")]] },
    { text: "i{}", faults: [[1, 2, "'int' is not a type"]] },
    { text: "int{}", faults: [[1, 4, "'int' is not a message type"]] },
    { text: "TCP{nope: 1}", faults: [[1, 9, "undefined field 'nope'"]] },
    {
      text: "TCP{source_port: 1}",
      faults: [[1, 16, "expected type of field 'source_port' is 'uint' but provided type is 'int'"]],
    },
    {
      text: "\n  nope +\n\t'é\u{1F600}' + other",
      faults: [
        [2, 3, undeclared("nope")],
        [3, 9, undeclared("other")],
      ],
    },
    {
      text: "[x].all(x, x) && x",
      faults: [
        [1, 2, undeclared("x")],
        [1, 18, undeclared("x")],
      ],
    },
  ] as { text: string; faults: [number, number, string][] }[])("$text", ({ text, faults }) => {
    expect(faultsOf(text).map(({ line, column, message }) => [line, column, message])).toEqual(faults);
  });

  test("are limited to a hundred in the message, but not in the issues", () => {
    const { message, issues } = failureOf(`[${Array(150).fill("a").join(",")}]`);
    expect(issues).toHaveLength(150);
    expect(message.match(/undeclared/g)).toHaveLength(100);
    expect(message).toMatch(/\n50 more errors were truncated$/);
  });
});

function failureOf(text: string): CelError {
  try {
    compileCel(text, OPTIONS);
  } catch (error) {
    return error as CelError;
  }
  throw new TypeError(`checks: ${text}`);
}

function faultsOf(text: string) {
  return failureOf(text).issues;
}
