import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, compileFlowFilters, type FlowFilterInit } from "../../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../../src/proto.js";

/** `FLOWSCRIBE_DISTINCT_TEXTS=100000000 npx vitest run test/filter/hostile/memory.long.test.ts` runs more. */
const DISTINCT_TEXTS = Number(process.env.FLOWSCRIBE_DISTINCT_TEXTS ?? 10_000_000);
const MIB = 2 ** 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** One filter for each string, so that all are evaluated; every pattern needs the engine. */
const ASKING: FlowFilterInit[] = [
  { httpUrl: ["[g-i]{3}[0-9]+[A-Z]", "[k-m][0-9]{3}[A-Z]"] },
  { httpPath: ["[g-i]{3}[0-9]+[A-Z]"] },
  { dnsQuery: ["[g-i]{3}[0-9]+[A-Z]"] },
  { uuid: ["never"] },
  { sourceIp: ["192.168.0.0/16", "10.0.0.1"] },
  { destinationIp: ["2001:db8::/32"] },
  { sourcePod: ["never/"] },
  { sourceLabel: ["app=never", "never in (a, b)"] },
  { destinationLabel: ["cidr:192.168.0.0/16"] },
  { sourceFqdn: ["never*x*y"] },
  { nodeName: ["never*/x*y"] },
  { nodeLabels: ["never"] },
];
const TEXTS_PER_ROUND = 11;

/** The same two flows with other texts at each round. */
function distinctFlows(): (round: number) => readonly Flow[] {
  const http = create(FlowSchema, {
    l7: { record: { case: "http", value: { url: "" } } },
    IP: {},
    source: { labels: [""] },
    destination: { labels: [""] },
    sourceNames: [""],
    nodeLabels: [""],
  });
  const dns = create(FlowSchema, { l7: { record: { case: "dns", value: {} } } });
  return (round) => {
    const address = `${round >>> 16}.${(round >>> 8) & 255}.${round & 255}`;
    if (http.l7?.record.case === "http") http.l7.record.value.url = `/path-${round}`;
    if (dns.l7?.record.case === "dns") dns.l7.record.value.query = `name-${round}.local`;
    http.uuid = `uuid-${round}`;
    http.IP!.source = `11.${address}`;
    http.IP!.destination = `2001:db9::${(round >>> 16).toString(16)}:${(round & 0xffff).toString(16)}`;
    http.source!.podName = `pod-${round}`;
    http.source!.labels[0] = `k8s:key-${round}=value`;
    http.destination!.labels[0] = `cidr:11.${address}/32`;
    http.sourceNames[0] = `never-${round}`;
    http.nodeName = `never-${round}/x`;
    http.nodeLabels[0] = `key-${round}=value`;
    return [http, dns];
  };
}

describe("compileFlowFilter: memory stays flat", () => {
  test(`over ${DISTINCT_TEXTS.toLocaleString("en")} distinct texts`, () => {
    const passes = compileFlowFilters({ allow: ASKING });
    const flowsOf = distinctFlows();
    const rounds = Math.ceil(DISTINCT_TEXTS / TEXTS_PER_ROUND);
    const heaps: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const flow of flowsOf(round)) {
        // What comes again at once keeps the memos at work.
        if (passes(flow) || (round % 4 !== 0 && passes(flow))) throw new Error("nothing was to pass");
      }
      if ((round + 1) % Math.floor(rounds / 10) === 0) heaps.push(heapBytes() / MIB);
    }
    expect(heaps.length).toBeGreaterThanOrEqual(10);
    const [, warm = 0, ...later] = heaps;
    expect(Math.max(...later)).toBeLessThan(warm + 4);
  });

  test("for automata that grow with the strings", () => {
    const passes = compileFlowFilters({
      allow: Array.from({ length: 256 }, (_, index) => ({
        httpUrl: [`a[a-c]{${index + 1}}[0-9]{${index + 1}}`],
      })),
    });
    const before = heapBytes();
    let state = 1;
    let text = "";
    for (let index = 0; index < 4096; index++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      text += "abc"[(state >>> 16) % 3];
    }
    for (let round = 0; round < 3; round++) {
      expect(passes(flowTo(text.slice(round)))).toBe(false);
      expect(heapBytes() - before).toBeLessThan(200 * MIB);
    }
  });

  test("for substrings, without keeping the long strings", () => {
    const long = 256 * 1024;
    const parents = 1000;
    const fields: Record<string, (text: string) => Flow> = {
      httpUrl: flowTo,
      httpPath: flowTo,
      sourceLabel: (label) => create(FlowSchema, { source: { labels: [label] } }),
      dnsQuery: (query) => create(FlowSchema, { l7: { record: { case: "dns", value: { query } } } }),
    };
    for (const [field, flowOf] of Object.entries(fields)) {
      const isLabel = field === "sourceLabel";
      const matches = compileFlowFilter({ [field]: [isLabel ? "cidr:10.0.0.0/8" : "[a-z]{3}[0-9]{3}[A-Z]"] });
      const before = heapBytes();
      for (let index = 0; index < parents; index++) {
        const start = isLabel
          ? `cidr:192.${index >> 8}.${index & 255}.0/24`
          : `/part-of-a-long-text-${index}`;
        const parent = start.padEnd(isLabel ? start.length : 60, "y").padEnd(long, "=");
        const text = Buffer.from(parent, "latin1").toString("latin1");
        const flow = flowOf(text.slice(0, isLabel ? start.length : 60));
        for (let again = 0; again < 3; again++) expect(matches(flow)).toBe(false);
      }
      expect(heapBytes() - before).toBeLessThan(16 * MIB);
    }
  });
});

function flowTo(url: string): Flow {
  return create(FlowSchema, { l7: { record: { case: "http", value: { url } } } });
}
