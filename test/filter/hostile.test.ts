import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, compileFlowFilters, type FlowFilterInit } from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/proto.js";

const http = (text: string) => ({
  record: { case: "http" as const, value: { code: 200, method: "GET", url: text } },
});
const url = (text: string) => create(FlowSchema, { l7: http(text) });
const dns = (query: string) => create(FlowSchema, { l7: { record: { case: "dns", value: { query } } } });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe("texts made to be dear get an answer", () => {
  const long = "a".repeat(30_000);

  test.each([
    { pattern: "(a+)+$", matches: false },
    { pattern: "(a|aa)+$", matches: false },
    { pattern: "(a*)*b", matches: false },
    { pattern: "^((a?){20}){20}!$", matches: false },
    { pattern: "(.*)(.*)(.*)(.*)(.*)x", matches: false },
    { pattern: "(a|a|a|a)*!", matches: true },
    { pattern: "^(([a-z])+.)+[A-Z]([a-z])+$", matches: false },
  ])("$pattern on 30,000 letters: $matches", ({ pattern, matches }) => {
    expect(compileFlowFilter({ dnsQuery: [pattern] })(dns(`${long}!`))).toBe(matches);
    expect(compileFlowFilter({ httpUrl: [pattern] })(url(`/${long}!`))).toBe(matches);
    expect(compileFlowFilter({ httpPath: [pattern] })(url(`/${long}!`))).toBe(matches);
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
      l7: { record: { case: "http", value: { code: 200, method: text, url: text } } },
    });
    const asking: FlowFilterInit[] = [
      { sourceIp: ["10.0.0.0/8"] },
      { sourcePod: ["a/"] },
      { sourceFqdn: ["*b"] },
      { nodeName: ["*b/*c"] },
      { sourceLabel: ["zzz", "k8s:zzz in (a)"] },
      { nodeLabels: ["zzz"] },
      { httpMethod: ["B"] },
      { httpPath: ["b$"] },
      { httpUrl: ["[b-z]$"] },
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
        answer = compileFlowFilter({ [field]: [text] })(flow);
      } catch (error) {
        answer = (error as Error).name;
      }
      expect([true, false, "FilterError"]).toContain(answer);
    }
  });

  test("10,000 patterns in a filter", () => {
    const matches = compileFlowFilter({ httpUrl: times(10_000, (index) => `^/v${index}/[a-z]+$`) });
    expect(matches(url("/v9999/abc"))).toBe(true);
    expect(matches(url("/v10000/abc"))).toBe(false);
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
    const flow = (index: number) =>
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

describe("memory", () => {
  test("stays flat over a million distinct texts, each three times", { timeout: 60_000 }, () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const passes = compileFlowFilters({
      allow: [
        { httpUrl: ["never.[0-9]+x", "o[a-f]+r"] },
        { httpPath: ["never.[0-9]+y"] },
        { dnsQuery: ["never.[0-9]+z"] },
        { sourceLabel: ["app=never"] },
        { sourceIp: ["10.0.0.0/8"] },
        { sourceFqdn: ["never*x"] },
      ],
    });
    const flow = create(FlowSchema, {
      l7: http(""),
      IP: { source: "" },
      source: { labels: [""] },
      sourceNames: [""],
    });
    const record = flow.l7?.record;
    if (record?.case !== "http") throw new Error("no HTTP");
    const feed = (from: number, to: number) => {
      for (let index = from; index < to; index++) {
        record.value.url = `/never-${index}`;
        flow.source!.labels[0] = `k8s:key-${index}=value`;
        flow.sourceNames[0] = `never-${index}`;
        flow.IP!.source = `11.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
        // Texts that come again at once keep the memos at work.
        if (passes(flow) || passes(flow) || passes(flow)) throw new Error("nothing was to pass");
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = feed(0, 200_000);
    const after = feed(200_000, 1_000_000);
    expect(after - before).toBeLessThan(4 * 2 ** 20);
  });
});

describe("10,000 values in lists", () => {
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
