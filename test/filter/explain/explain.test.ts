import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import {
  compileFlowFilter,
  compileFlowFilters,
  explainFlowFilters,
  type FlowFilterInit,
} from "../../../src/filter/index.js";
import { AgentEventSchema, FlowSchema } from "../../../src/proto.js";
import { runs } from "../../support/amount.js";
import { anyEvent, anyFlow, flowAndFilter, sensibleFilter } from "../arbitrary.js";

const flow = create(FlowSchema, {
  verdict: 1,
  IP: { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: 1 },
  l4: { protocol: { case: "TCP", value: { sourcePort: 4711, destinationPort: 443, flags: { SYN: true } } } },
  source: { identity: 7, namespace: "shop", podName: "web-1", labels: ["k8s:app=web", "k8s:tier=front"] },
  eventType: { type: 4 },
  traceContext: { parent: { traceId: "a\u009b31m\n\u202e" } },
});

describe("explainFlowFilters: the string form names", () => {
  test.each([
    {
      name: "the filter that matches",
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
      name: "that no filter matches",
      lists: { allow: [{ sourceLabel: ["app=db"], sourceFqdn: ["*"], protocol: ["dns"] }] },
      event: flow,
      text: `
flow.Flow does not pass: no allow filter matches
  allow[0] does not match
    ✗ protocol: wanted "dns", seen "TCP"
    ✗ source_fqdn: wanted "*", seen nothing
    ✗ source_label: wanted "app=db", seen ["k8s:app=web", "k8s:tier=front"]
      ✗ app=db (the label is "k8s:app=web")`,
    },
    {
      name: "which requirements of label selectors hold, and because of which labels",
      lists: {
        allow: [
          { sourceLabel: [" k8s:app = web, !tier", "!x", "app in (b,a),zone", ""], destinationLabel: ["!x"] },
        ],
      },
      event: flow,
      text: `
flow.Flow passes: allow[0] matches
  allow[0] matches
    ✓ source_label: wanted [" k8s:app = web, !tier", "!x", "app in (b,a),zone", ""], seen ["k8s:app=web", "k8s:tier=front"]
      ✗ " k8s:app = web, !tier": ✓ k8s:app=web (the label is "k8s:app=web"), ✗ !tier (the label is "k8s:tier=front")
      ✓ !x (there is no such label)
      ✗ "app in (b,a),zone": ✗ app in (a,b) (the label is "k8s:app=web"), ✗ zone (there is no such label)
      ✓ "" always holds
    ✓ destination_label: wanted "!x", seen nothing
      ✓ !x (there is no such label)`,
    },
    {
      name: "that no deny filter matches",
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
      name: "a missing event",
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

  test("the first elements of long lists, and the decisive one", () => {
    const values = (make: (index: number) => string) =>
      Array.from({ length: 10_000 }, (_, index) => make(index));
    const explanation = explainFlowFilters(
      {
        allow: [
          {
            sourceIp: values((index) => (index === 4711 ? "10.0.0.1" : `10.1.${index >> 8}.${index & 255}`)),
            destinationIp: values((index) => `10.0.${index >> 8}.${index & 255}`),
            destinationPort: values((index) => `${index}`),
            sourceLabel: values((index) => (index < 8000 ? `k8s:app=a${index}` : "k8s:tier")),
          },
          { sourceIp: values((index) => `10.1.${index >> 8}.${index & 255}`) },
        ],
      },
      flow,
    );
    const shown = (count: number, make: (index: number) => string) => values(make).slice(0, count).join(", ");
    expect(`\n${explanation}\n`).toBe(`
flow.Flow passes: allow[0] matches
  allow[0] matches
    ✓ source_ip: wanted [${shown(10, (index) => `"10.1.0.${index}"`)}, … "10.0.0.1", … and 9,989 more], seen "10.0.0.1"
    ✓ destination_ip: wanted [${shown(10, (index) => `"10.0.0.${index}"`)}, … and 9,990 more], seen "10.0.0.2"
    ✓ source_label: wanted [${shown(10, (index) => `"k8s:app=a${index}"`)}, … "k8s:tier", … and 9,989 more], seen ["k8s:app=web", "k8s:tier=front"]
${values((index) => `      ✗ k8s:app=a${index} (the label is "k8s:app=web")`)
  .slice(0, 10)
  .join("\n")}
      … ✓ k8s:tier (the label is "k8s:tier=front")
      … and 9,989 more
    ✓ destination_port: wanted [${shown(10, (index) => `"${index}"`)}, … "443", … and 9,989 more], seen 443
  allow[1] does not match
    ✗ source_ip: wanted [${shown(10, (index) => `"10.1.0.${index}"`)}, … and 9,990 more], seen "10.0.0.1"
`);
    const [field] = explanation.allow[0]?.fields ?? [];
    expect(field).toMatchObject({ field: "source_ip", heldBy: 4711 });
    expect(field?.wanted).toHaveLength(10_000);
    expect(explanation.allow[0]?.fields[2]?.selectors).toHaveLength(10_000);
  });

  test("the first of many filters, and the decisive one", () => {
    const ports = Array.from({ length: 1000 }, (_, index) => ({ destinationPort: [`${index}`] }));
    const lines = String(explainFlowFilters({ allow: ports, deny: ports.slice(0, 200) }, flow)).split("\n");
    expect(lines.length).toBe(1 + 2 * 101 + 1 + 2 * 100 + 1);
    expect(lines.slice(199, 204)).toEqual([
      "  allow[99] does not match",
      '    ✗ destination_port: wanted "99", seen 443',
      "  … allow[443] matches",
      '    ✓ destination_port: wanted "443", seen 443',
      "  … and 899 more",
    ]);
    expect(lines.at(-1)).toBe("  … and 100 more");
  });

  test("the beginning of long strings, without splitting a character", () => {
    const long = `${"x".repeat(255)}\u{1f600}${"y".repeat(1_000_000)}`;
    const event = create(FlowSchema, { uuid: long, source: { labels: [long] } });
    const text = String(
      explainFlowFilters({ allow: [{ uuid: [long], sourceLabel: ["!app", long.slice(0, 50)] }] }, event),
    );
    expect(text).toContain(`✓ uuid: wanted "${"x".repeat(255)}…", seen "${"x".repeat(255)}…"`);
    expect(text.length).toBeLessThan(2_000);
  });

  test("selectors of many requirements as far as needed", () => {
    const keys = Array.from({ length: 100 }, (_, index) => `!k${index}`);
    const selector = [...keys, "app=db"].join();
    const text = String(explainFlowFilters({ allow: [{ sourceLabel: [selector] }] }, flow));
    expect(text.split("\n").at(-1)).toBe(
      `      ✗ "${selector.slice(0, 256)}…": ${keys
        .slice(0, 10)
        .map((key) => `✓ ${key} (there is no such label)`)
        .join(", ")}, … ✗ app=db (the label is "k8s:app=web"), … and 90 more`,
    );
  });

  test("CEL expressions at the path of their faults", () => {
    const lists = { allow: [{ experimental: { celExpression: ["a", "b"] } }] };
    const explanation = explainFlowFilters(lists, flow, { cel: { compile: () => () => false } });
    expect(explanation.allow[0]?.fields).toEqual([
      { field: "experimental.cel_expression", holds: false, wanted: ["a", "b"], seen: ["false", "false"] },
    ]);
    const holding = explainFlowFilters(lists, flow, {
      cel: { compile: (expression) => () => expression === "b" },
    });
    expect(holding.allow[0]?.fields[0]).toMatchObject({ holds: true, heldBy: 1 });
  });
});

describe("explainFlowFilters", () => {
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
        for (const { fields } of [...explanation.allow, ...explanation.deny]) {
          for (const { holds, heldBy, wanted, selectors } of fields) {
            expect(heldBy !== undefined).toBe(holds);
            if (holds) expect(wanted).toHaveProperty(String(heldBy));
            if (selectors === undefined) continue;
            expect(selectors.map(({ selector }) => selector)).toEqual(wanted);
            expect(selectors.some((selector) => selector.holds)).toBe(holds);
            expect(selectors.findIndex((selector) => selector.holds)).toBe(heldBy ?? -1);
          }
        }
        seen[explanation.passes ? "passing" : "failing"]++;
      }),
      { numRuns: runs(500) },
    );
    expect(Math.min(seen.passing, seen.failing)).toBeGreaterThan(runs(500) / 20);
  });

  test("names the first value by which a field matches", () => {
    fc.assert(
      fc.property(fc.oneof(flowAndFilter, fc.record({ flow: anyFlow, filter: sensibleFilter })), (one) => {
        const { allow } = explainFlowFilters({ allow: [one.filter] }, one.flow);
        for (const { field, wanted, heldBy } of allow[0]?.fields ?? []) {
          const alone = wanted.map((value) =>
            compileFlowFilter({ [field]: [value] } as FlowFilterInit)(one.flow),
          );
          expect(heldBy ?? -1).toBe(alone.indexOf(true));
        }
      }),
      { numRuns: runs(500) },
    );
  });

  test("names no deny filter if no allow filter matches", () => {
    const { passes, decidedBy } = explainFlowFilters({ allow: [{ verdict: [2] }], deny: [{}] }, flow);
    expect({ passes, decidedBy }).toEqual({ passes: false, decidedBy: undefined });
  });

  test("has the faults of the filters", () => {
    expect(() => explainFlowFilters({ deny: [{ sourceIp: ["x"] }] }, flow)).toThrow(FilterError);
    expect(() => explainFlowFilters({ deny: [{ sourceIp: ["x"] }] }, flow)).toThrow("deny[0].source_ip[0]: ");
  });
});

test("explainFlowFilters: has the result of each CEL expression", () => {
  const celExpression = ["_flow.verdict == 1", "1 / 0 == 1", "true"];
  const flow = create(FlowSchema, { verdict: 2 });
  const explanation = explainFlowFilters({ allow: [{ experimental: { celExpression } }] }, flow);
  expect(explanation.allow[0]?.fields[0]?.seen).toEqual([
    "false",
    "fails: division by zero",
    "not evaluated",
  ]);
  expect(String(explanation)).toContain("fails: division by zero");
});
