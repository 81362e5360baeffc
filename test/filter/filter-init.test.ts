import { runInNewContext } from "node:vm";
import { create, fromBinary, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../src/errors/errors.js";
import { toFlowFilter } from "../../src/filter/filter-init.js";
import {
  checkFlowFilters,
  compileFlowFilter,
  compileFlowFilters,
  type FlowFilterInit,
} from "../../src/filter/index.js";
import { type FlowFilter, FlowFilterSchema, FlowSchema, Verdict } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { anyEvent, flowAndFilter, withoutTypes } from "./arbitrary.js";

/** A value of an untyped caller, for example from a file. */
const untyped = (value: unknown) => value as FlowFilterInit;

function issuesOf(value: unknown): string[] {
  return checkFlowFilters({ allow: [untyped(value)] }).map(({ path, message }) => `${path}: ${message}`);
}

function convert(value: unknown): FlowFilter {
  const faults: string[] = [];
  const message = toFlowFilter(untyped(value), "", (path, text) => faults.push(`${path}: ${text}`));
  expect(faults).toEqual([]);
  return message;
}

describe("toFlowFilter: a filter", () => {
  const wanted = create(FlowFilterSchema, {
    sourceIp: ["10.0.0.1"],
    verdict: [Verdict.DROPPED],
    ipTraceId: [2n ** 64n - 1n, 7n],
    eventType: [{ type: 4, matchSubType: true, subType: -3 }],
    sourceIdentity: [4294967295],
    reply: [true, false],
    tcpFlags: [{ SYN: true }],
    experimental: { celExpression: ["true"] },
  });
  const { sourceIp, reply, tcpFlags } = wanted;

  test.each([
    { form: "a message", filter: wanted },
    { form: "an init object", filter: withoutTypes(wanted) },
    {
      form: "JSON with names as in the proto",
      filter: {
        source_ip: sourceIp,
        verdict: ["DROPPED"],
        ip_trace_id: ["18446744073709551615", "7"],
        event_type: [{ type: 4, match_sub_type: true, sub_type: -3 }],
        source_identity: [4294967295],
        reply,
        tcp_flags: [{ SYN: true }],
        experimental: { cel_expression: ["true"] },
      },
    },
    {
      form: "JSON with names in camel case",
      filter: {
        sourceIp,
        verdict: [2],
        ipTraceId: ["18446744073709551615", 7],
        eventType: [{ type: "4", matchSubType: true, subType: "-3" }],
        sourceIdentity: ["4294967295"],
        reply,
        tcpFlags,
        experimental: { celExpression: ["true"] },
      },
    },
    {
      form: "JSON with null for what is not set",
      filter: {
        ...(withoutTypes(wanted) as object),
        uuid: null,
        source_pod: null,
        event_type: null,
        tcpFlags: [{ SYN: true, ACK: null }],
        destinationIp: undefined,
      },
    },
  ])("may be $form", ({ filter }) => {
    expect(convert(filter)).toEqual(wanted);
  });

  test("may have null instead of a message", () => {
    expect(convert({ experimental: null })).toEqual(create(FlowFilterSchema));
  });

  test("may have enum numbers without a name", () => {
    expect(convert({ verdict: [77, -1] }).verdict).toEqual([77, -1]);
  });
});

describe("compileFlowFilters: rejects", () => {
  test.each([
    {
      filter: { sourceip: ["a"] },
      issues: ["allow[0].sourceip: is not a field of FlowFilter; did you mean sourceIp?"],
    },
    {
      filter: { verdicts: [1] },
      issues: ["allow[0].verdicts: is not a field of FlowFilter; did you mean verdict?"],
    },
    {
      filter: { verdict: ["alow", "deny", "FORWARD", "nothing"] },
      issues: [
        'allow[0].verdict[0]: is not a value of Verdict: "alow"; did you mean FORWARDED?',
        'allow[0].verdict[1]: is not a value of Verdict: "deny"; did you mean DROPPED?',
        'allow[0].verdict[2]: is not a value of Verdict: "FORWARD"; did you mean FORWARDED?',
        'allow[0].verdict[3]: is not a value of Verdict: "nothing"',
      ],
    },
    {
      filter: { __proto: 1, toString: 1 },
      issues: [
        "allow[0].__proto: is not a field of FlowFilter",
        "allow[0].toString: is not a field of FlowFilter",
      ],
    },
    {
      filter: JSON.parse('{"__proto__": {"uuid": ["x"]}}'),
      issues: ["allow[0].__proto__: is not a field of FlowFilter"],
    },
    { filter: { source_ip: "10.0.0.1" }, issues: ['allow[0].source_ip: must be a list, not "10.0.0.1"'] },
    { filter: { sourceIp: ["10.0.0.1", 7] }, issues: ["allow[0].source_ip[1]: must be a string, not 7"] },
    { filter: { source_pod: [null] }, issues: ["allow[0].source_pod[0]: must be a string, not null"] },
    { filter: { source_pod: [["a"]] }, issues: ["allow[0].source_pod[0]: must be a string, not a list"] },
    { filter: { source_pod: [{}] }, issues: ["allow[0].source_pod[0]: must be a string, not an object"] },
    { filter: { source_pod: Array(1) }, issues: ["allow[0].source_pod[0]: must be a string, not undefined"] },
    { filter: { reply: ["true"] }, issues: ['allow[0].reply[0]: must be true or false, not "true"'] },
    { filter: { reply: true }, issues: ["allow[0].reply: must be a list, not true"] },
    {
      filter: { verdict: ["dropped"] },
      issues: ['allow[0].verdict[0]: is not a value of Verdict: "dropped"; did you mean DROPPED?'],
    },
    { filter: { verdict: [1.5] }, issues: ["allow[0].verdict[0]: must be an integer, not 1.5"] },
    {
      filter: { verdict: [2 ** 31] },
      issues: ["allow[0].verdict[0]: must be an integer from -2147483648 to 2147483647, not 2147483648"],
    },
    {
      filter: { source_identity: [-1, 2 ** 32, Number.NaN] },
      issues: [
        "allow[0].source_identity[0]: must be an integer from 0 to 4294967295, not -1",
        "allow[0].source_identity[1]: must be an integer from 0 to 4294967295, not 4294967296",
        "allow[0].source_identity[2]: must be an integer, not NaN",
      ],
    },
    {
      filter: { ip_trace_id: ["-1", "18446744073709551616", "1e3", "", 2 ** 53] },
      issues: [
        'allow[0].ip_trace_id[0]: must be an integer from 0 to 18446744073709551615, not "-1"',
        'allow[0].ip_trace_id[1]: must be an integer from 0 to 18446744073709551615, not "18446744073709551616"',
        'allow[0].ip_trace_id[2]: must be an integer, not "1e3"',
        'allow[0].ip_trace_id[3]: must be an integer, not ""',
        "allow[0].ip_trace_id[4]: is not exact as a number, use a bigint or a string: 9007199254740992",
      ],
    },
    {
      filter: { event_type: [{ type: "l7" }] },
      issues: ['allow[0].event_type[0].type: must be an integer, not "l7"'],
    },
    {
      filter: { eventType: [{}, { subtype: 1 }] },
      issues: ["allow[0].event_type[1].subtype: is not a field of EventTypeFilter; did you mean subType?"],
    },
    { filter: { eventType: [4] }, issues: ["allow[0].event_type[0]: must be an EventTypeFilter, not 4"] },
    {
      filter: { experimental: { cel: [] } },
      issues: ["allow[0].experimental.cel: is not a field of Experimental; did you mean celExpression?"],
    },
    { filter: { experimental: [] }, issues: ["allow[0].experimental: must be an Experimental, not a list"] },
    {
      filter: { uuid: ["a"], source_ip: ["::1"], sourceIp: ["::2"] },
      issues: ["allow[0].sourceIp: is a duplicate field"],
    },
    {
      filter: { uuid: [`${"x".repeat(200)}`], reply: ["x".repeat(200)] },
      issues: [`allow[0].reply[0]: must be true or false, not "${"x".repeat(100)}…"`],
    },
    { filter: null, issues: ["allow[0]: must be a FlowFilter, not null"] },
    { filter: undefined, issues: ["allow[0]: must be a FlowFilter, not undefined"] },
    { filter: [], issues: ["allow[0]: must be a FlowFilter, not a list"] },
    { filter: "{}", issues: ['allow[0]: must be a FlowFilter, not "{}"'] },
    {
      filter: create(FlowSchema, { uuid: "a" }),
      issues: expect.arrayContaining(['allow[0].uuid: must be a list, not "a"']),
    },
    {
      filter: { $typeName: "flow.FlowFilter", sourceIp: 7, verdict: [null] },
      issues: [
        "allow[0].source_ip: must be a list, not 7",
        "allow[0].verdict[0]: must be an integer, not null",
      ],
    },
  ])("$issues", ({ filter, issues }) => {
    expect(issuesOf(filter)).toEqual(issues);
  });

  test("values of the wrong type beside invalid values", () => {
    expect(issuesOf({ source_port: [80, "x"], source_pod: [""] })).toEqual([
      "allow[0].source_port[0]: must be a string, not 80",
      "allow[0].source_pod[0]: invalid filter, name must not be empty",
      'allow[0].source_port[1]: invalid source port filter: invalid port "x": strconv.ParseUint: parsing "x": invalid syntax',
    ]);
  });

  test("a single filter, without a path", () => {
    expect(() => compileFlowFilter(untyped(7))).toThrow(/^must be a FlowFilter, not 7$/);
  });
});

describe("compileFlowFilter: any value", () => {
  const names = FlowFilterSchema.fields.flatMap(({ name, localName }) => [name, localName]);
  const value = fc.oneof(fc.jsonValue(), fc.anything());
  const nearly = fc.dictionary(
    fc.constantFrom(...names, "$typeName"),
    fc.oneof(
      value,
      fc.array(value, { maxLength: 3 }),
      fc.array(fc.dictionary(fc.constantFrom("type", "name", "SYN", "celExpression"), value)),
    ),
    { maxKeys: 4 },
  );
  const typed = nearly.map((filter) => ({ ...filter, $typeName: "flow.FlowFilter" }));

  test("returns a predicate or throws a FilterError", () => {
    const outcomes = { predicates: 0, errors: 0 };
    fc.assert(
      fc.property(fc.oneof(value, nearly, typed), anyEvent, (filter, event) => {
        try {
          const matches = compileFlowFilter(untyped(filter));
          expect(typeof matches(event)).toBe("boolean");
          outcomes.predicates++;
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError);
          expect((error as FilterError).issues.length).toBeGreaterThan(0);
          outcomes.errors++;
        }
      }),
      { numRuns: runs(2000) },
    );
    expect(outcomes.predicates).toBeGreaterThan(runs(2000) / 100);
    expect(outcomes.errors).toBeGreaterThan(runs(2000) / 4);
  });
});

/** The forms of a message. */
function formsOf(message: FlowFilter): FlowFilterInit[] {
  const json = toJson(FlowFilterSchema, message) as JsonObject;
  const protoJson = toJson(FlowFilterSchema, message, { useProtoFieldName: true }) as JsonObject;
  const numbers = toJson(FlowFilterSchema, message, { enumAsInteger: true }) as JsonObject;
  return [
    message,
    fromBinary(FlowFilterSchema, toBinary(FlowFilterSchema, message)),
    withoutTypes(message) as FlowFilterInit,
    ...[json, protoJson, numbers].map((form) => untyped(JSON.parse(JSON.stringify(form)))),
  ];
}

describe("compileFlowFilter: the forms of a filter", () => {
  const cel = { compile: (expression: string) => () => expression.length % 2 === 0 };

  test("become the same message", () => {
    fc.assert(
      fc.property(arbitraryMessage(FlowFilterSchema), (message) => {
        for (const form of formsOf(message)) expect(convert(form)).toEqual(message);
      }),
      { numRuns: runs(300) },
    );
  });

  test("have the same issues or the same result", () => {
    const any = arbitraryMessage(FlowFilterSchema);
    const sensible = flowAndFilter.map(({ flow, filter }) => ({
      event: flow,
      message: create(FlowFilterSchema, filter),
    }));
    let matching = 0;
    fc.assert(
      fc.property(fc.oneof(sensible, fc.record({ event: anyEvent, message: any })), ({ event, message }) => {
        const answers = formsOf(message).map((form) => {
          const issues = checkFlowFilters({ allow: [form] }, { cel });
          return issues.length > 0 ? issues : compileFlowFilter(form, { cel })(event);
        });
        if (answers[0] === true) matching++;
        for (const answer of answers) expect(answer).toEqual(answers[0]);
      }),
      { numRuns: runs(500) },
    );
    expect(matching).toBeGreaterThan(runs(500) / 10);
  });
});

describe("compileFlowFilters: values that are not filters", () => {
  test.each([
    ["a Map", new Map([["verdict", ["DROPPED"]]])],
    ["a Date", new Date(0)],
    ["an Error", new Error("x")],
    ["an instance without fields", new (class Empty {})()],
  ])("rejects %s, which has no fields", (_, value) => {
    expect(checkFlowFilters({ deny: [value as never] })).toEqual([
      { path: "deny[0]", message: expect.stringMatching(/^must be a FlowFilter, not /) },
    ]);
  });

  test("accepts plain objects of another realm and objects without a prototype", () => {
    const filters = [runInNewContext("({})"), Object.create(null)];
    expect(checkFlowFilters({ allow: filters })).toEqual([]);
  });

  test("rejects a hole of a list", () => {
    const allow: object[] = [];
    allow[1] = { verdict: ["DROPPED"] };
    expect(() => compileFlowFilters({ allow: allow as never })).toThrow(
      "allow[0]: must be a FlowFilter, not undefined",
    );
  });
});
