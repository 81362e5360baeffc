import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  checkFlowFilters,
  compileFlowFilter,
  compileFlowFilters,
  type FlowFilterInit,
} from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/proto.js";

const http = (text: string) => ({
  record: { case: "http" as const, value: { code: 200, method: "GET", url: text } },
});
const url = (text: string) => create(FlowSchema, { l7: http(text) });
const dns = (query: string) => create(FlowSchema, { l7: { record: { case: "dns", value: { query } } } });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Ends quadratic code, which needs minutes: every test here needs a fiftieth of it. */
const LIMIT_MS = 120_000;

/** Letters that hardly repeat, so that an automaton hardly does. */
function noise(letters: string, length: number): string {
  let state = 1;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += letters[(state >>> 16) % letters.length];
  }
  return text;
}

/** The fields with patterns, and a flow with a text for each; a path has a slash in front. */
const SEARCHES: { field: "dnsQuery" | "httpUrl" | "httpPath"; flowOf: (text: string) => Flow }[] = [
  { field: "dnsQuery", flowOf: dns },
  { field: "httpUrl", flowOf: url },
  { field: "httpPath", flowOf: (text) => url(`/${text}`) },
];

describe("compileFlowFilters: expensive inputs", { timeout: LIMIT_MS }, () => {
  const long = "a".repeat(30_000);

  test.each([
    { pattern: "(a+)+$", matches: false },
    { pattern: "(a|aa)+$", matches: false },
    { pattern: "(a*)*b", matches: false },
    { pattern: "^((a?){20}){20}!$", matches: false },
    { pattern: "(.*)(.*)(.*)(.*)(.*)x", matches: false },
    { pattern: "(a|a|a|a)*!", matches: true },
    { pattern: "^(([a-z])+.)+[A-Z]([a-z])+$", matches: false },
    // Nothing that could be looked for without the engine.
    { pattern: "([a-c]+)+[0-9]$", matches: false },
    { pattern: "(([a-c]*)*)*[0-9]", matches: false },
    { pattern: "^[^b]?([a-c][a-c]?)+[0-9]$", matches: false },
    { pattern: "[^b][a-c]{500}[0-9]", matches: false },
    { pattern: "([a-c].*){100}[0-9]", matches: false },
    { pattern: "[a-c]{1000}[!?]$", matches: true },
  ])("$pattern on 30,000 letters: $matches", ({ pattern, matches }) => {
    for (const { field, flowOf } of SEARCHES) {
      const find = compileFlowFilter({ [field]: [pattern] });
      expect(find(flowOf(`${long}!`))).toBe(matches);
    }
  });

  test("the worst accepted patterns, on 64 KiB", () => {
    const flows = ["ab", "abc", "a"].map((letters) => url(noise(letters, 65_536)));
    for (const pattern of [
      "a[a-c]{1000}[0-9]",
      "b[a-z]{1,510}[0-9]",
      "([ab].*){250}[0-9]$",
      "(([a-c]|b.){1,200}[0-9]|x)",
    ]) {
      const find = compileFlowFilter({ httpUrl: [pattern] });
      for (const flow of flows) expect(find(flow)).toBe(false);
    }
  });

  test.each([
    { field: "sourceFqdn", pattern: "*a*a*a*a*a*b" },
    { field: "nodeName", pattern: "*a*a*a*b/*a*a*a*b" },
  ])("wildcards of $field on 64 KiB", ({ field, pattern }) => {
    const text = "a".repeat(65_536);
    const flow = create(FlowSchema, { sourceNames: [text], nodeName: `${text}/${text}` });
    expect(compileFlowFilter({ [field]: [pattern] })(flow)).toBe(false);
  });

  test.each([
    { of: "the letter a", text: "a".repeat(65_536) },
    { of: "slashes", text: "/".repeat(65_536) },
    { of: "colons", text: ":".repeat(65_536) },
    { of: "percent signs", text: "%".repeat(65_536) },
    { of: "lone surrogates", text: "\ud800".repeat(65_536) },
    { of: "zero bytes", text: "\0".repeat(65_536) },
    { of: "commas", text: ",".repeat(65_536) },
    { of: "parentheses", text: "(".repeat(65_536) },
  ])("64 KiB of $of, in the flow and in the filter", ({ text }) => {
    const endpoint = {
      namespace: text,
      podName: text,
      labels: [text, `k8s:${text}=${text}`],
      clusterName: text,
    };
    const flow = create(FlowSchema, {
      uuid: text,
      nodeName: text,
      nodeLabels: [text],
      sourceNames: [text],
      destinationNames: [text],
      source: endpoint,
      destination: endpoint,
      IP: { source: text, destination: text, sourceXlated: text },
      l7: { record: { case: "http", value: { code: 200, method: text, url: `/${text}` } } },
    });
    expect(compileFlowFilter({ dnsQuery: ["[b-z][0-9]$"] })(dns(text))).toBe(false);
    const asking: FlowFilterInit[] = [
      { sourceIp: ["10.0.0.0/8"] },
      { sourcePod: ["a/"] },
      { sourceFqdn: ["*b"] },
      { nodeName: ["*b/*c"] },
      { sourceLabel: ["zzz", "k8s:zzz in (a)"] },
      { nodeLabels: ["zzz"] },
      { httpMethod: ["B"] },
      { httpPath: ["[b-z][0-9]$"] },
      { httpUrl: ["[b-z][0-9]$"] },
    ];
    for (const filter of asking) expect(compileFlowFilter(filter)(flow)).toBe(false);
    for (const field of [
      "uuid",
      "sourceIp",
      "sourcePod",
      "sourceFqdn",
      "nodeName",
      "sourceLabel",
      "sourcePort",
      "httpStatusCode",
      "httpMethod",
      "httpPath",
      "dnsQuery",
      "protocol",
    ]) {
      let answer: boolean | string;
      try {
        answer = compileFlowFilter({ [field]: [text] })(field === "dnsQuery" ? dns(text) : flow);
      } catch (error) {
        answer = (error as Error).name;
      }
      expect([true, false, "FilterError"]).toContain(answer);
    }
  });

  test.each(SEARCHES)("10,000 patterns of $field in a filter", ({ field, flowOf }) => {
    const matches = compileFlowFilter({ [field]: times(10_000, (index) => `^/?v${index}/[a-z]+$`) });
    expect(matches(flowOf("v9999/abc"))).toBe(true);
    expect(matches(flowOf("v10000/abc"))).toBe(false);
    expect(matches(flowOf("v9999/".repeat(10_000)))).toBe(false);
  });

  test.each(SEARCHES)(
    "10,000 patterns of $field without a text to look for, on 64 KiB",
    ({ field, flowOf }) => {
      const matches = compileFlowFilter({
        [field]: times(
          10_000,
          (index) =>
            `[a-c]{3}[0-9]{${(index % 100) + 1}}[x-z]{${Math.floor(index / 100) % 10}}[A-Z]+[${index % 10}-9]$`,
        ),
      });
      for (const letters of ["a", "ab", "abc0123", "abcxyz0123456789"]) {
        expect(matches(flowOf(noise(letters, 65_536)))).toBe(false);
      }
      expect(matches(flowOf("abc00A9"))).toBe(true);
    },
  );

  test("patterns above the memory limit are faults, from the first one on", () => {
    const httpUrl = times(2000, (index) => `[a-c]{${900 + (index % 100)}}[0-9]`);
    const issues = checkFlowFilters({ allow: [{ httpUrl: httpUrl.slice(1000) }], deny: [{ httpUrl }] });
    expect(issues[0]?.path).toMatch(/^deny\[0\]\.http_url\[[0-9]+\]$/);
    expect(issues[0]?.message).toContain("expression too large beside all others");
  });

  test("1,000 filters of many fields", () => {
    const allow = times(
      1000,
      (index): FlowFilterInit => ({
        sourceLabel: [`k8s:app=a${index}`],
        httpPath: [`^/v${index}$`],
        nodeName: [`*/n${index}`],
      }),
    );
    const passes = compileFlowFilters({ allow });
    const flow = (index: number): Flow =>
      create(FlowSchema, {
        l7: http(`/v${index}`),
        nodeName: `n${index}`,
        source: { labels: [`k8s:app=a${index}`] },
      });
    expect(passes(flow(999))).toBe(true);
    expect(passes(flow(1000))).toBe(false);
  });

  test("10,000 labels and 1,000 selectors", () => {
    const flow = create(FlowSchema, { source: { labels: times(10_000, (index) => `k8s:key${index}=v`) } });
    const others = times(1000, (index) => `none${index}=v`);
    expect(compileFlowFilter({ sourceLabel: others })(flow)).toBe(false);
    expect(compileFlowFilter({ sourceLabel: [...others, "key9999=v"] })(flow)).toBe(true);
  });
});

describe("compileFlowFilters: 10,000 values in lists", () => {
  /** How often a flow's parts are read by a predicate. */
  function readsOf(matches: (flow: Flow) => boolean, flow: Flow): number {
    let reads = 0;
    const count = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (object, name) => {
          reads++;
          const value: unknown = Reflect.get(object, name);
          return typeof value === "object" && value !== null ? count(value) : value;
        },
      });
    expect(matches(count(flow))).toBe(true);
    return reads;
  }

  const ip = (index: number) => `10.0.${index >> 8}.${index & 255}`;
  test.each([
    { field: "sourceIp", value: ip },
    { field: "destinationIp", value: ip },
    { field: "sourcePod", value: (index: number) => `a/web-${index}-` },
    { field: "destinationPod", value: (index: number) => `/web-${index}-` },
    { field: "sourceIdentity", value: (index: number) => index },
    { field: "destinationIdentity", value: (index: number) => index },
    { field: "sourcePort", value: String },
    { field: "destinationPort", value: String },
  ] as { field: string; value: (index: number) => string | number }[])(
    "of $field are not read more often than 10, in one filter or in as many",
    ({ field, value }) => {
      const endpoint = { namespace: "a", podName: "web-9-x", identity: 9 };
      const flow = create(FlowSchema, {
        IP: { source: ip(9), destination: ip(9) },
        source: endpoint,
        destination: endpoint,
        l4: { protocol: { case: "UDP", value: { sourcePort: 9, destinationPort: 9 } } },
      });
      const filter = (...values: (string | number)[]) => ({ [field]: values }) as FlowFilterInit;
      const reads = (count: number) => [
        readsOf(compileFlowFilter(filter(...times(count, value))), flow),
        readsOf(compileFlowFilters({ allow: times(count, (index) => filter(value(index))) }), flow),
      ];
      expect(reads(10_000)).toEqual(reads(10));
      expect(Math.max(...reads(10_000))).toBeLessThan(20);
    },
  );
});
