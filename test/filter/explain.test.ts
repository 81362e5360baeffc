import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../src/errors.js";
import { compileFlowFilter, compileFlowFilters, explainFlowFilters } from "../../src/filter/index.js";
import { AgentEventSchema, FlowSchema } from "../../src/proto.js";
import { anyEvent, flowAndFilter, sensibleFilter } from "./arbitrary.js";

const flow = create(FlowSchema, {
  verdict: 1,
  IP: { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: 1 },
  l4: { protocol: { case: "TCP", value: { sourcePort: 4711, destinationPort: 443, flags: { SYN: true } } } },
  source: { identity: 7, namespace: "shop", podName: "web-1", labels: ["k8s:app=web", "k8s:tier=front"] },
  eventType: { type: 4 },
  traceContext: { parent: { traceId: "a\u009b31m\n\u202e" } },
});

describe("an explanation reads", () => {
  test.each([
    {
      name: "which filter let an event pass",
      lists: {
        allow: [
          { sourcePod: ["shop/db", "shop/cache"], verdict: [2, 77] },
          { sourcePod: ["shop/"], destinationPort: ["443"] },
        ],
        deny: [{ sourceIp: ["10.0.0.0/24"], reply: [true] }],
      },
      event: flow,
      text: `
flow.Flow passes: allow[1] matches
  allow[0] does not match
    ✗ verdict: wanted [DROPPED, 77], seen FORWARDED
    ✗ source_pod: wanted ["shop/db", "shop/cache"], seen "shop/web-1"
  allow[1] matches
    ✓ source_pod: wanted "shop/", seen "shop/web-1"
    ✓ destination_port: wanted "443", seen 443
  deny[0] does not match
    ✗ reply: wanted true, seen nothing
    ✓ source_ip: wanted "10.0.0.0/24", seen "10.0.0.1"`,
    },
    {
      name: "which filter kept it out",
      lists: { allow: [{}], deny: [{ tcpFlags: [{ SYN: true }], eventType: [{ type: 4 }, {}] }] },
      event: flow,
      text: `
flow.Flow does not pass: deny[0] matches
  allow[0] matches (it has no fields: every event does)
  deny[0] matches
    ✓ event_type: wanted [{type: 4}, {}], seen {type: 4}
    ✓ tcp_flags: wanted {SYN: true}, seen {SYN: true}`,
    },
    {
      name: "that no filter let it pass",
      lists: { allow: [{ sourceLabel: ["app=db"], sourceFqdn: ["*"], protocol: ["dns"] }] },
      event: flow,
      text: `
flow.Flow does not pass: no allow filter matches
  allow[0] does not match
    ✗ protocol: wanted "dns", seen "TCP"
    ✗ source_fqdn: wanted "*", seen nothing
    ✗ source_label: wanted "app=db", seen ["k8s:app=web", "k8s:tier=front"]`,
    },
    {
      name: "that nothing kept it out",
      lists: { deny: [{ sourceIdentity: [8], ipTraceId: [1n] }] },
      event: flow,
      text: `
flow.Flow passes: there is no allow filter, and no deny filter matches
  deny[0] does not match
    ✗ source_identity: wanted 8, seen 7
    ✗ ip_trace_id: wanted 1, seen 0`,
    },
    {
      name: "what other events have",
      lists: { allow: [{ eventType: [{ type: 130 }], verdict: [1] }] },
      event: create(AgentEventSchema, { type: 2 }),
      text: `
flow.AgentEvent does not pass: no allow filter matches
  allow[0] does not match
    ✓ event_type: wanted {type: 130}, seen {type: 130, subType: 2}
    ✗ verdict: wanted FORWARDED, seen nothing`,
    },
    {
      name: "that there is no event",
      lists: {},
      event: undefined,
      text: "\nno event passes: there is no allow filter, and no deny filter matches",
    },
    {
      name: "safely on a terminal",
      lists: { allow: [{ traceId: ["\u001b[31m"] }] },
      event: flow,
      text: `
flow.Flow does not pass: no allow filter matches
  allow[0] does not match
    ✗ trace_id: wanted "\\x1b[31m", seen "a\\u009b31m\\n\\u202e"`,
    },
  ])("$name", ({ lists, event, text }) => {
    expect(`\n${explainFlowFilters(lists, event)}`).toBe(text);
  });

  test("CEL expressions where their faults are told", () => {
    const lists = { allow: [{ experimental: { celExpression: ["a", "b"] } }] };
    const explanation = explainFlowFilters(lists, flow, { cel: { compile: () => () => false } });
    expect(explanation.allow[0]?.fields).toEqual([
      { field: "experimental.cel_expression", holds: false, wanted: ["a", "b"], seen: "the whole flow" },
    ]);
  });
});

describe("an explanation", () => {
  const lists = fc.record({
    allow: fc.array(sensibleFilter, { maxLength: 3 }),
    deny: fc.array(sensibleFilter, { maxLength: 3 }),
  });

  test("agrees with the predicate", () => {
    const matching = flowAndFilter.map(({ flow, filter }) => ({
      event: flow,
      lists: { allow: [filter], deny: [] },
    }));
    const seen = { passing: 0, failing: 0 };
    fc.assert(
      fc.property(fc.oneof(matching, fc.record({ event: anyEvent, lists })), ({ event, lists }) => {
        const explanation = explainFlowFilters(lists, event);
        expect(explanation.passes).toBe(compileFlowFilters(lists)(event));
        for (const name of ["allow", "deny"] as const) {
          const answers = lists[name].map((filter) => compileFlowFilter(filter)(event));
          expect(explanation[name].map(({ matches }) => matches)).toEqual(answers);
        }
        const decided = [...explanation.allow, ...explanation.deny].find(
          ({ path }) => path === explanation.decidedBy,
        );
        expect(decided?.matches ?? true).toBe(true);
        expect(decided?.path.startsWith("deny") ?? !explanation.passes).toBe(!explanation.passes);
        expect(String(explanation).split("\n").length).toBeGreaterThan(
          lists.allow.length + lists.deny.length,
        );
        expect(String(explanation)).not.toMatch(/\$typeName|undefined|\[object|\p{Cc}(?<!\n)/u);
        seen[explanation.passes ? "passing" : "failing"]++;
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.passing, seen.failing)).toBeGreaterThan(50);
  });

  test("names no deny filter when no allow filter matches anyway", () => {
    const { passes, decidedBy } = explainFlowFilters({ allow: [{ verdict: [2] }], deny: [{}] }, flow);
    expect({ passes, decidedBy }).toEqual({ passes: false, decidedBy: undefined });
  });

  test("has the faults of the filters", () => {
    expect(() => explainFlowFilters({ deny: [{ sourceIp: ["x"] }] }, flow)).toThrow(FilterError);
    expect(() => explainFlowFilters({ deny: [{ sourceIp: ["x"] }] }, flow)).toThrow("deny[0].source_ip[0]: ");
  });
});
