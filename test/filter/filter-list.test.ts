import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, compileFlowFilters } from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import {
  anyEvent,
  type FilterInit,
  keyedFilters,
  keyedFiltersOf,
  LIST_FIELDS,
  sensibleFlow,
  twoKeyFilters,
} from "./arbitrary.js";

/** Filters that match no flow below, enough for an index to be built. */
const filler = (field: string, value: (index: number) => string | number): FilterInit[] =>
  Array.from({ length: 10 }, (_, index) => ({ [field]: [value(index)] }) as FilterInit);
const pods = filler("sourcePod", (index) => `none-${index}/none`);

const pod = (namespace: string, podName: string): Flow =>
  create(FlowSchema, { source: { namespace, podName } });

describe("compileFlowFilters: many filters", () => {
  const flow = create(FlowSchema, {
    IP: { source: "10.0.0.1", destination: "::1" },
    l4: { protocol: { case: "TCP", value: { sourcePort: 65616, destinationPort: 443 } } },
    source: { identity: 7, namespace: "a", podName: "web-1" },
    destination: { identity: 0, namespace: "", podName: "db" },
  });

  test.each([
    { field: "sourceIp", value: "10.0.0.1", other: "10.0.0.2", fill: (index: number) => `10.1.0.${index}` },
    { field: "destinationIp", value: "::1", other: "0::1", fill: (index: number) => `10.1.0.${index}` },
    { field: "sourceIdentity", value: 7, other: 0, fill: (index: number) => 100 + index },
    { field: "destinationIdentity", value: 0, other: 7, fill: (index: number) => 100 + index },
    { field: "sourcePort", value: "80", other: "443", fill: (index: number) => String(100 + index) },
    { field: "destinationPort", value: "0443", other: "80", fill: (index: number) => String(100 + index) },
    { field: "sourcePod", value: "a/web", other: "a/web-2", fill: (index: number) => `none-${index}/x` },
    { field: "destinationPod", value: "/d", other: "a/db", fill: (index: number) => `none-${index}/x` },
  ])("finds the filter by the $field of the flow", ({ field, value, other, fill }) => {
    const fillers = filler(field, fill);
    const allow = (...values: (string | number)[]) =>
      compileFlowFilters({ allow: [...fillers, { [field]: values } as FilterInit, ...fillers] })(flow);
    expect(allow(value)).toBe(true);
    expect(allow(other)).toBe(false);
    expect(allow(other, value)).toBe(true);
    expect(allow(value, value, other)).toBe(true);
    expect(compileFlowFilters({ deny: [...fillers, { [field]: [value] } as FilterInit] })(flow)).toBe(false);
    expect(compileFlowFilters({ allow: fillers })(create(FlowSchema))).toBe(false);
  });

  test.each([
    { name: "the address but not the port", second: { destinationPort: ["80"] }, matches: false },
    { name: "the address and the port", second: { destinationPort: ["443"] }, matches: true },
    { name: "the address but not the pod", second: { sourcePod: ["b/"] }, matches: false },
    { name: "the address and the pod", second: { sourcePod: ["a/"] }, matches: true },
  ])("compares the other fields of a filter for $name", ({ second, matches }) => {
    const fillers = filler("sourceIp", (index) => `10.1.0.${index}`);
    const allow = [...fillers, { sourceIp: ["10.0.0.1"], ...second }];
    expect(compileFlowFilters({ allow })(flow)).toBe(matches);
  });

  test("tries every filter with the same value", () => {
    const fillers = filler("sourceIp", () => "10.0.0.1").map((filter) => ({ ...filter, uuid: ["none"] }));
    expect(compileFlowFilters({ allow: fillers })(flow)).toBe(false);
    expect(compileFlowFilters({ allow: [...fillers, { sourceIp: ["10.0.0.1"] }] })(flow)).toBe(true);
  });

  test("tries filters with a prefix without a lookup", () => {
    const fillers = filler("sourceIp", (index) => `10.1.0.${index}`);
    expect(compileFlowFilters({ allow: [...fillers, { sourceIp: ["10.0.0.0/8", "1.1.1.1"] }] })(flow)).toBe(
      true,
    );
    expect(compileFlowFilters({ allow: [...fillers, {}] })(create(FlowSchema))).toBe(true);
  });
});

describe("compileFlowFilters: pods in many filters", () => {
  test.each([
    { pattern: "a/", namespace: "a", name: "", matches: true },
    { pattern: "a/", namespace: "b", name: "x", matches: false },
    { pattern: "/", namespace: "", name: "", matches: false },
    { pattern: "/", namespace: "x", name: "", matches: true },
    { pattern: "/", namespace: "", name: "x", matches: true },
    { pattern: "/web", namespace: "", name: "web-1", matches: true },
    { pattern: "/web", namespace: "x", name: "web-1", matches: true },
    { pattern: "/web", namespace: "x", name: "we", matches: false },
    { pattern: "web", namespace: "default", name: "web-1", matches: true },
    { pattern: "web", namespace: "x", name: "web-1", matches: false },
    { pattern: "a/web/ignored", namespace: "a", name: "web-1", matches: true },
  ])("$pattern and $namespace/$name: $matches", ({ pattern, namespace, name, matches }) => {
    const flow = pod(namespace, name);
    expect(compileFlowFilters({ allow: [...pods, { sourcePod: [pattern] }] })(flow)).toBe(matches);
    expect(compileFlowFilter({ sourcePod: [pattern] })(flow)).toBe(matches);
    expect(compileFlowFilters({ allow: [...pods, { sourcePod: [pattern] }] })(create(FlowSchema))).toBe(
      false,
    );
  });

  test.each([
    { uuid: "one", name: "a" },
    { uuid: "two", name: "ab" },
    { uuid: "three", name: "abc" },
    { uuid: "any", name: "ab-any" },
  ])("finds filters by all prefixes of a name: $name by filter $uuid", ({ uuid, name }) => {
    const overlapping: FilterInit[] = [
      { sourcePod: ["n/a"], uuid: ["one"] },
      { sourcePod: ["n/ab", "n/abb"], uuid: ["two"] },
      { sourcePod: ["n/abc"], uuid: ["three"] },
      { sourcePod: ["n/abc0", "n/ab0", "n/aa"], uuid: ["none"] },
      { sourcePod: ["/ab"], uuid: ["any"] },
    ];
    const matches = compileFlowFilters({ allow: [...pods, ...overlapping] });
    const flow = create(FlowSchema, { uuid, source: { namespace: "n", podName: name } });
    expect(matches(flow)).toBe(true);
    expect(matches({ ...flow, uuid: "other" })).toBe(false);
  });
});

/** Compares lists as a whole with their filters one by one. Returns how many flows matched. */
function compareOneByOne(filters: readonly FilterInit[], flows: readonly Flow[]): number {
  const one = filters.map((filter) => compileFlowFilter(filter));
  const all = compileFlowFilters({ allow: filters });
  const none = compileFlowFilters({ deny: filters });
  let matching = 0;
  for (const flow of flows) {
    const expected = one.some((matches) => matches(flow));
    if (expected) matching++;
    expect(all(flow)).toBe(expected);
    expect(none(flow)).toBe(!expected);
  }
  return matching;
}

const flows = fc.array(sensibleFlow, { minLength: 1, maxLength: 20 });

describe("compileFlowFilters: any list", () => {
  test.each(LIST_FIELDS)("with %s matches as each filter alone", (field) => {
    let matching = 0;
    fc.assert(
      fc.property(keyedFiltersOf(field), flows, (filters, some) => {
        matching += compareOneByOne(filters, some);
      }),
      { numRuns: runs(300) },
    );
    expect(matching).toBeGreaterThan(0);
  });

  test("whose filters have the same two fields matches as each filter alone", () => {
    let matching = 0;
    fc.assert(
      fc.property(twoKeyFilters, flows, (filters, some) => {
        matching += compareOneByOne(filters, some);
      }),
      { numRuns: runs(2000) },
    );
    expect(matching).toBeGreaterThan(runs(2000));
  });

  test("matches as each filter alone for events of every kind", () => {
    fc.assert(
      fc.property(keyedFilters, anyEvent, (filters, event) => {
        const one = filters.map((filter) => compileFlowFilter(filter));
        expect(compileFlowFilters({ allow: filters })(event)).toBe(one.some((matches) => matches(event)));
      }),
    );
  });
});
