import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { FieldCompiler } from "../../src/filter/field.js";
import { verdict } from "../../src/filter/fields/verdict.js";
import {
  type CelEngine,
  checkFlowFilters,
  compileFlowFilter,
  compileFlowFilters,
  explainFlowFilters,
  FILTER_FIELDS,
  type FilterField,
  type FlowFilterInit,
  type FlowFilterLists,
  type FlowFilterOptions,
} from "../../src/filter/index.js";
import {
  AgentEventSchema,
  DebugEventSchema,
  ExportEventSchema,
  type Flow,
  FlowFilterSchema,
  FlowSchema,
  GetFlowsResponseSchema,
  LostEventSchema,
} from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { anyEvent, anyFlow, flowAndFilter, ownFilter, sensibleFilter } from "./arbitrary.js";
import { faultsOf } from "./faults.js";

const flow = create(FlowSchema, { verdict: 1, source: { identity: 7 } });
const others = [
  { name: "an agent event", event: create(AgentEventSchema) },
  { name: "a debug event", event: create(DebugEventSchema) },
  { name: "a lost event", event: create(LostEventSchema) },
  { name: "no event", event: undefined },
];

describe("compileFlowFilter: fields", () => {
  test("have a compiler for each field of the message", () => {
    const declared = FlowFilterSchema.fields.map(({ localName }) => localName);
    expect([...FILTER_FIELDS].sort()).toEqual(declared.sort());
    expectTypeOf(FILTER_FIELDS).toEqualTypeOf<readonly FilterField[]>();
  });

  test("fail to compile if one has no compiler", () => {
    type Compilers = { readonly [K in "verdict" | "uuid"]: FieldCompiler<K> };
    // @ts-expect-error: uuid is missing
    const incomplete: Compilers = { verdict };
    // @ts-expect-error: the values of uuid are texts
    const mistaken: FieldCompiler<"uuid"> = verdict;
    expect(Object.keys(incomplete)).toEqual(["verdict"]);
    expect(mistaken).toBe(verdict);
  });

  test("are compiled in the order of Hubble, newer ones in the order of 1.19", () => {
    const hubble =
      "uuid, event_type, verdict, drop_reason_desc, reply, encrypted, source_identity, destination_identity, protocol, source_ip, destination_ip, source_ip_xlated, source_pod, destination_pod, source_workload, destination_workload, source_service, destination_service, source_fqdn, destination_fqdn, dns_query, source_label, destination_label, node_labels, source_port, destination_port, http_status_code, http_method, http_path, http_url, http_header, tcp_flags, node_name, source_cluster_name, destination_cluster_name, ip_version, trace_id, traffic_direction, experimental, interface, ip_trace_id";
    const names = new Map(FlowFilterSchema.fields.map(({ localName, name }) => [localName, name]));
    expect(FILTER_FIELDS.map((field) => names.get(field)).join(", ")).toBe(hubble);
  });
});

const yes: FlowFilterInit = { sourceIdentity: [7] };
const no: FlowFilterInit = { sourceIdentity: [8] };
const empty: FlowFilterInit = {};

describe("compileFlowFilters: lists", () => {
  test.each([
    { lists: {}, flows: true, rest: true },
    { lists: { allow: [], deny: [] }, flows: true, rest: true },
    { lists: { allow: [yes] }, flows: true, rest: false },
    { lists: { allow: [no] }, flows: false, rest: false },
    { lists: { allow: [no, yes] }, flows: true, rest: false },
    { lists: { allow: [no, no, yes] }, flows: true, rest: false },
    { lists: { allow: [no, no, no] }, flows: false, rest: false },
    { lists: { deny: [yes] }, flows: false, rest: true },
    { lists: { deny: [no] }, flows: true, rest: true },
    { lists: { deny: [no, yes] }, flows: false, rest: true },
    { lists: { allow: [yes], deny: [yes] }, flows: false, rest: false },
    { lists: { allow: [yes], deny: [no] }, flows: true, rest: false },
    { lists: { allow: [no], deny: [no] }, flows: false, rest: false },
    { lists: { allow: [empty] }, flows: true, rest: true },
    { lists: { allow: [no, empty] }, flows: true, rest: true },
    { lists: { deny: [empty] }, flows: false, rest: false },
    { lists: { allow: [empty], deny: [empty] }, flows: false, rest: false },
    { lists: { allow: [empty], deny: [yes] }, flows: false, rest: true },
    { lists: { allow: [{ sourceIdentity: [], reply: [] }] }, flows: true, rest: true },
    { lists: { deny: [{ sourceIdentity: [] }] }, flows: false, rest: false },
    { lists: { allow: [{ experimental: {} }] }, flows: true, rest: true },
    { lists: { allow: [{ experimental: { celExpression: [] } }] }, flows: true, rest: true },
    { lists: { allow: [{ verdict: [1], sourceIdentity: [7] }] }, flows: true, rest: false },
    { lists: { allow: [{ verdict: [2], sourceIdentity: [7] }] }, flows: false, rest: false },
    { lists: { allow: [{ verdict: [1], sourceIdentity: [8] }] }, flows: false, rest: false },
    { lists: { allow: [{ verdict: [1], sourceIdentity: [7], uuid: ["x"] }] }, flows: false, rest: false },
    { lists: { allow: [{ verdict: [1], sourceIdentity: [7], uuid: ["x", ""] }] }, flows: true, rest: false },
    { lists: { allow: [{ verdict: [1], traceId: [""] }] }, flows: true, rest: false },
    { lists: { allow: [{ traceId: [""], sourceLabel: ["!a"] }] }, flows: true, rest: true },
  ] satisfies { lists: FlowFilterLists; flows: boolean; rest: boolean }[])(
    "$lists matches flows: $flows, other events: $rest",
    ({ lists, flows, rest }) => {
      const passes = compileFlowFilters(lists);
      expect(passes(flow)).toBe(flows);
      for (const { event } of others) expect(passes(event)).toBe(rest);
    },
  );

  test("of one allow filter match as that filter", () => {
    fc.assert(
      fc.property(sensibleFilter, anyEvent, (filter, event) => {
        const answer = compileFlowFilter(filter)(event);
        expect(compileFlowFilters({ allow: [filter] })(event)).toBe(answer);
        expect(compileFlowFilters({ deny: [filter] })(event)).toBe(!answer);
      }),
    );
  });

  test("match events that an allow filter and no deny filter matches", () => {
    const filters = fc.array(sensibleFilter, { maxLength: 4 });
    fc.assert(
      fc.property(filters, filters, anyEvent, (allow, deny, event) => {
        const any = (list: typeof allow) => list.some((filter) => compileFlowFilter(filter)(event));
        const expected = (allow.length === 0 || any(allow)) && !any(deny);
        expect(compileFlowFilters({ allow, deny })(event)).toBe(expected);
      }),
      { numRuns: runs(300) },
    );
  });
});

describe("compileFlowFilter: a filter", () => {
  test("matches if all of its fields match, each by any of its elements", () => {
    fc.assert(
      fc.property(flowAndFilter, ({ flow, filter }) => {
        const parts = Object.entries(filter).filter(([, values]) => (values as unknown[]).length > 0);
        const expected = parts.every(([name, values]) =>
          // The event types beside them decide only whether fields of HTTP compile.
          (values as unknown[]).some((value) => compileFlowFilter({ [name]: [value] })(flow)),
        );
        expect(compileFlowFilter(filter)(flow)).toBe(expected);
      }),
      { numRuns: runs(500) },
    );
  });

  test("with the values of a flow matches it, with all fields and with each", () => {
    fc.assert(
      fc.property(anyFlow, (flow) => {
        const own = ownFilter(flow);
        expect(compileFlowFilter(own)(flow)).toBe(true);
        for (const [name, values] of Object.entries(own)) {
          expect([name, compileFlowFilter({ [name]: values })(flow)]).toEqual([name, true]);
        }
      }),
      { numRuns: runs(500) },
    );
  });

  test("does not depend on the order of filters in a list, nor of elements", () => {
    const reversed = (filter: Record<string, unknown>): FlowFilterInit =>
      Object.fromEntries(
        Object.entries(filter).map(([name, values]) => [name, [...(values as unknown[])].reverse()]),
      );
    fc.assert(
      fc.property(fc.array(sensibleFilter, { maxLength: 12 }), anyEvent, (filters, event) => {
        const turned = filters.map((filter) => reversed(filter)).reverse();
        for (const list of ["allow", "deny"]) {
          expect(compileFlowFilters({ [list]: turned })(event)).toBe(
            compileFlowFilters({ [list]: filters })(event),
          );
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test("has a predicate that never throws, for any event", () => {
    const lists = fc.array(sensibleFilter, { maxLength: 12 });
    fc.assert(
      fc.property(lists, lists, fc.array(anyEvent, { maxLength: 5 }), (allow, deny, events) => {
        const passes = compileFlowFilters({ allow, deny });
        for (const event of events) expect(typeof passes(event)).toBe("boolean");
      }),
      { numRuns: runs(300) },
    );
  });

  test("ignores changes of its init object after compiling", () => {
    const filter = { sourceIdentity: [7], sourcePod: ["a/"], uuid: ["a", "b", "c", "d", "e"] };
    const matches = compileFlowFilter(filter);
    const event = create(FlowSchema, { uuid: "a", source: { identity: 7, namespace: "a" } });
    expect(matches(event)).toBe(true);
    for (const values of Object.values(filter)) values.length = 0;
    expect(matches(event)).toBe(true);
  });
});

describe("compileFlowFilter: fields since 1.17", () => {
  const ofCluster = (clusterName: string) => create(FlowSchema, { source: { clusterName } });
  test.each([
    {
      name: "cluster name, exactly",
      filter: { sourceClusterName: ["a", "b"] },
      event: ofCluster("b"),
      matches: true,
    },
    {
      name: "cluster name, no prefix",
      filter: { sourceClusterName: ["a"] },
      event: ofCluster("ab"),
      matches: false,
    },
    {
      name: "cluster name, no case",
      filter: { sourceClusterName: ["a"] },
      event: ofCluster("A"),
      matches: false,
    },
    {
      name: "cluster name of no endpoint",
      filter: { sourceClusterName: ["a"] },
      event: create(FlowSchema),
      matches: false,
    },
    {
      name: "cluster name of the other side",
      filter: { destinationClusterName: ["a"] },
      event: ofCluster("a"),
      matches: false,
    },
    {
      name: "cluster name of no flow",
      filter: { sourceClusterName: ["a"] },
      event: undefined,
      matches: false,
    },
    {
      name: "encrypted",
      filter: { encrypted: [true] },
      event: create(FlowSchema, { IP: { encrypted: true } }),
      matches: true,
    },
    {
      name: "encrypted, flow is not",
      filter: { encrypted: [true] },
      event: create(FlowSchema, { IP: {} }),
      matches: false,
    },
    {
      name: "not encrypted, flow without IP",
      filter: { encrypted: [false] },
      event: create(FlowSchema),
      matches: true,
    },
    { name: "either", filter: { encrypted: [true, false] }, event: create(FlowSchema), matches: true },
    { name: "not encrypted, no flow", filter: { encrypted: [false] }, event: undefined, matches: false },
    {
      name: "trace number",
      filter: { ipTraceId: [2n ** 64n - 1n] },
      event: create(FlowSchema, { ipTraceId: { traceId: 2n ** 64n - 1n } }),
      matches: true,
    },
    {
      name: "trace number, another",
      filter: { ipTraceId: [1n] },
      event: create(FlowSchema, { ipTraceId: { traceId: 2n } }),
      matches: false,
    },
    {
      name: "trace number 0, no trace number",
      filter: { ipTraceId: [0n] },
      event: create(FlowSchema),
      matches: true,
    },
    {
      name: "trace number 0, some",
      filter: { ipTraceId: [0n] },
      event: create(FlowSchema, { ipTraceId: { traceId: 2n } }),
      matches: false,
    },
    { name: "trace number 0, no event", filter: { ipTraceId: [1n, 0n] }, event: undefined, matches: true },
    {
      name: "trace number 0, a lost event",
      filter: { ipTraceId: [0n] },
      event: create(LostEventSchema),
      matches: true,
    },
    {
      name: "trace number 1, a lost event",
      filter: { ipTraceId: [1n] },
      event: create(LostEventSchema),
      matches: false,
    },
    {
      name: "protocol vrrp",
      filter: { protocol: ["VRRP"] },
      event: create(FlowSchema, { l4: { protocol: { case: "VRRP", value: {} } } }),
      matches: true,
    },
    {
      name: "protocol igmp",
      filter: { protocol: ["igmp"] },
      event: create(FlowSchema, { l4: { protocol: { case: "IGMP", value: {} } } }),
      matches: true,
    },
    {
      name: "protocol igmp, flow has vrrp",
      filter: { protocol: ["igmp"] },
      event: create(FlowSchema, { l4: { protocol: { case: "VRRP", value: {} } } }),
      matches: false,
    },
  ] satisfies {
    name: string;
    filter: FlowFilterInit;
    event: Flow | ReturnType<typeof create<typeof LostEventSchema>> | undefined;
    matches: boolean;
  }[])("$name: $matches", ({ filter, event, matches }) => {
    expect(compileFlowFilter(filter)(event)).toBe(matches);
  });
});

describe("compileFlowFilter: events that are not flows", () => {
  test.each([
    { filter: { eventType: [{ type: 130 }] }, matching: ["an agent event", "a lost event"] },
    { filter: { eventType: [{ type: 2 }] }, matching: ["a debug event", "a lost event"] },
    { filter: { eventType: [{}] }, matching: ["an agent event", "a debug event", "a lost event"] },
    { filter: { eventType: [{ type: 1 }] }, matching: ["a lost event"] },
    { filter: { eventType: [{ matchSubType: true, subType: 9 }] }, matching: ["a lost event"] },
    {
      filter: { eventType: [{ subType: 9 }] },
      matching: ["an agent event", "a debug event", "a lost event"],
    },
    { filter: { traceId: [""] }, matching: others.map(({ name }) => name) },
    { filter: { sourceLabel: [""] }, matching: others.map(({ name }) => name) },
    { filter: { nodeLabels: ["!x"] }, matching: others.map(({ name }) => name) },
    { filter: { nodeLabels: ["x"] }, matching: [] },
    { filter: { uuid: [""] }, matching: [] },
    { filter: { verdict: [0] }, matching: [] },
    { filter: { reply: [true, false] }, matching: [] },
    { filter: { dropReasonDesc: [0] }, matching: [] },
    { filter: { ipVersion: [0] }, matching: [] },
    { filter: { trafficDirection: [0] }, matching: [] },
    { filter: { sourceIdentity: [0] }, matching: [] },
    { filter: { sourcePod: ["/"] }, matching: [] },
    { filter: { sourceWorkload: [{}] }, matching: [] },
    { filter: { interface: [{}] }, matching: [] },
    { filter: { tcpFlags: [{}] }, matching: [] },
    { filter: { nodeName: ["/"] }, matching: [] },
    { filter: { dnsQuery: [""] }, matching: [] },
  ] satisfies { filter: FlowFilterInit; matching: string[] }[])(
    "$filter matches $matching",
    ({ filter, matching }) => {
      const matches = compileFlowFilter(filter);
      expect(others.filter(({ event }) => matches(event)).map(({ name }) => name)).toEqual(matching);
    },
  );
});

/** Expressions are `yes`, `no`, `throws`, `is empty`; anything else does not compile. */
function fakeCel(): { cel: CelEngine; evaluated: string[] } {
  const evaluated: string[] = [];
  const compile = (expression: string) => {
    if (!/^(yes|no|throws|is empty)$/.test(expression)) throw new Error(`Syntax error: ${expression}`);
    return (event: Flow) => {
      evaluated.push(expression);
      if (expression === "throws") throw new RangeError("division by zero");
      return expression === "yes" || (expression === "is empty" && event.verdict === 0);
    };
  };
  return { cel: { compile }, evaluated };
}

describe("compileFlowFilter: CEL expressions", () => {
  test.each([
    { expressions: ["yes"], matches: true, runs: ["yes"] },
    { expressions: ["no"], matches: false, runs: ["no"] },
    { expressions: ["no", "yes"], matches: true, runs: ["no", "yes"] },
    { expressions: ["yes", "throws"], matches: true, runs: ["yes"] },
    { expressions: ["throws", "yes"], matches: false, runs: ["throws"] },
    { expressions: ["no", "throws", "yes"], matches: false, runs: ["no", "throws"] },
  ])("$expressions run in order until one decides: $matches", ({ expressions, matches, runs }) => {
    const filter = { experimental: { celExpression: expressions } };
    const { cel, evaluated } = fakeCel();
    expect(compileFlowFilter(filter, { cel })(flow)).toBe(matches);
    expect(evaluated).toEqual(runs);
    expect(compileFlowFilters({ deny: [filter] }, { cel })(flow)).toBe(!matches);
  });

  test.each(others)("read an empty flow in $name", ({ event }) => {
    const { cel } = fakeCel();
    const matches = (...celExpression: string[]) =>
      compileFlowFilter({ experimental: { celExpression } }, { cel })(event);
    expect(matches("is empty")).toBe(true);
    expect(matches("no")).toBe(false);
    expect(matches("throws", "yes")).toBe(false);
  });

  test("run after the cheaper fields, and only if these match", () => {
    const { cel, evaluated } = fakeCel();
    const filter = { experimental: { celExpression: ["yes"] }, interface: [{}] };
    expect(compileFlowFilter(filter, { cel })(flow)).toBe(false);
    expect(evaluated).toEqual([]);
  });

  test("that do not compile are all reported", () => {
    const filter = { experimental: { celExpression: ["bad", "yes", "worse"] } };
    const { cel } = fakeCel();
    expect(checkFlowFilters({ deny: [filter] }, { cel })).toEqual([
      {
        path: "deny[0].experimental.cel_expression[0]",
        message: "error compiling CEL expression: Syntax error: bad",
      },
      {
        path: "deny[0].experimental.cel_expression[2]",
        message: "error compiling CEL expression: Syntax error: worse",
      },
    ]);
  });
});

describe("compileFlowFilter: the option regex", () => {
  const url = create(FlowSchema, { l7: { record: { case: "http", value: { url: "/needle/7" } } } });
  const dns = create(FlowSchema, { l7: { record: { case: "dns", value: { query: "needle-7" } } } });

  test.each([
    { filter: { httpUrl: ["needle.[0-9]"] }, event: url },
    { filter: { httpPath: ["needle.[0-9]"] }, event: url },
    { filter: { dnsQuery: ["needle.[0-9]"] }, event: dns },
  ])("decides $filter", ({ filter, event }) => {
    const compiled: string[] = [];
    const answering = (answer: boolean): FlowFilterOptions => ({
      regex: {
        compile: (pattern) => {
          compiled.push(pattern);
          return () => answer;
        },
      },
    });
    expect(compileFlowFilter(filter)(event)).toBe(true);
    expect(compileFlowFilter(filter, answering(true))(event)).toBe(true);
    expect(compileFlowFilter(filter, answering(false))(event)).toBe(false);
    expect(compiled).toHaveLength(2);
  });

  test("may reject a pattern", () => {
    const regex = {
      compile: () => {
        throw new Error("too dear");
      },
    };
    expect(faultsOf(() => compileFlowFilter({ httpUrl: ["a.[0-9]"] }, { regex }))).toEqual([
      "http_url[0]: invalid http url filter: a.[0-9]: error parsing regexp: too dear",
    ]);
  });
});

describe("compileFlowFilter: events in their envelopes", () => {
  const flow = create(FlowSchema, { source: { labels: ["k8s:app=web"] } });
  const envelopes = [
    create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: flow } }),
    create(ExportEventSchema, { responseTypes: { case: "flow", value: flow } }),
  ];
  test.each(envelopes)("$$typeName is unwrapped", (envelope) => {
    const web = { sourceLabel: ["app=web"] };
    expect(compileFlowFilter(web)(envelope)).toBe(true);
    expect(compileFlowFilters({ deny: [web] })(envelope)).toBe(false);
    expect(compileFlowFilters({ allow: [web] })(envelope)).toBe(true);
    expect(explainFlowFilters({ deny: [web] }, envelope).passes).toBe(false);
  });

  test("an envelope without an event counts as no event", () => {
    const status = create(GetFlowsResponseSchema, { responseTypes: { case: "nodeStatus", value: {} } });
    expect(compileFlowFilter({ verdict: [1] })(status)).toBe(false);
    expect(compileFlowFilters({ deny: [{ verdict: [1] }] })(status)).toBe(true);
  });
});

test("compileFlowFilter: an object that is not a message matches only filters without fields", () => {
  const notAMessage = { l4: { TCP: { destinationPort: 80 } } } as never;
  expect(compileFlowFilters({ allow: [{ destinationPort: ["80"] }] })(notAMessage)).toBe(false);
  expect(compileFlowFilters({ deny: [{ destinationPort: ["80"] }] })(notAMessage)).toBe(true);
  expect(compileFlowFilters({ allow: [{}] })(notAMessage)).toBe(true);
});
