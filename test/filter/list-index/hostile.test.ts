import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilters, type FlowFilterInit } from "../../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../../src/proto.js";
import { amount } from "../../support/amount.js";

const COUNT = amount({ quick: 1000, long: 20_000 });
/** Ends quadratic code, which needs minutes. */
const LIMIT_MS = 120_000;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const flow = create(FlowSchema, {
  uuid: "u",
  verdict: 1,
  IP: { source: "10.0.0.1", destination: "10.0.0.2" },
  l4: { protocol: { case: "TCP", value: { sourcePort: 1, destinationPort: 443 } } },
  l7: { record: { case: "http", value: { code: 200, method: "GET", url: "/x" } } },
  source: { identity: 7, namespace: "a", podName: "a".repeat(1000), labels: ["k8s:app=web", "k8s:x=y"] },
  sourceNames: ["a.b.example.com"],
  nodeName: "n1",
});

/** How many properties of the flow, and of the messages in it, a predicate reads. */
function readsOf(passes: (flow: Flow) => boolean): number {
  let reads = 0;
  const counting = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        reads++;
        const value: unknown = Reflect.get(object, name);
        return typeof value === "object" && value !== null ? counting(value) : value;
      },
    });
  passes(counting(flow));
  return reads;
}

const LISTS: readonly { readonly name: string; readonly make: (index: number) => FlowFilterInit }[] = [
  {
    name: "the same filter",
    make: () => ({ sourceIp: ["10.0.0.0/8"], verdict: [2], sourceLabel: ["app=web,x=z"] }),
  },
  { name: "the same filter without a key", make: () => ({ httpUrl: ["^/[a-z]+[0-9]$"] }) },
  {
    name: "the same filter after three keys",
    make: () => ({ verdict: [1], sourcePod: ["a/"], destinationPort: ["443"], httpUrl: ["[0-9]"] }),
  },
  {
    name: "one port and many addresses",
    make: (index) => ({ destinationPort: ["443"], sourceIp: [`11.0.${index >> 8}.${index & 255}`] }),
  },
  { name: "one label and many others", make: (index) => ({ sourceLabel: [`app=web,other=v${index}`] }) },
  {
    name: "one name and many patterns of nodes",
    make: (index) => ({ sourceFqdn: ["*.example.com"], nodeName: [`m${index}-*`] }),
  },
  {
    name: "prefixes nested 33 deep",
    make: (index) => ({
      sourceIp: [`10.0.0.1/${index % 33}`],
      destinationPort: [String(1000 + (index % 60_000))],
    }),
  },
  {
    name: "names nested deeply",
    make: (index) => ({
      sourcePod: [`a/${"a".repeat(index % 1000)}`],
      destinationPort: [String(1000 + (index % 60_000))],
    }),
  },
  {
    name: "long label values",
    make: (index) => ({
      sourceLabel: [`app in (${times(10, (at) => `${"v".repeat(50)}-${index}-${at}`).join()})`],
    }),
  },
  {
    name: "many selectors in each",
    make: (index) => ({ sourceLabel: times(20, (at) => `app=web,k${at}=v${index}`) }),
  },
  {
    name: "all flags",
    make: (index) => ({
      tcpFlags: [{ SYN: index % 2 === 0, FIN: true, RST: index % 3 === 0 }],
      uuid: [`v${index}`],
    }),
  },
];

describe("compileFlowFilters: hostile lists", { timeout: LIMIT_MS }, () => {
  test.each(LISTS)("$name: reads no more of a flow than for fifty filters", ({ make }) => {
    const few = compileFlowFilters({ allow: times(50, make) });
    const many = compileFlowFilters({ allow: times(COUNT, make) });
    expect(many(flow)).toBe(false);
    expect(readsOf(many)).toBeLessThanOrEqual(2 * readsOf(few) + 150);
  });

  test("filters that share all their values are tested one by one, once each", () => {
    const shared = {
      sourceIp: times(60, (index) => `10.0.0.${index}`),
      destinationPort: times(60, (index) => String(400 + index)),
    };
    const filters = times(COUNT / 20, (index) => ({ ...shared, httpUrl: [`^/y${index}[0-9]`] }));
    const passes = compileFlowFilters({ allow: filters });
    expect(passes(flow)).toBe(false);
    expect(readsOf(passes)).toBeLessThan(20 * filters.length);
    expect(compileFlowFilters({ allow: [...filters, { ...shared, httpUrl: ["^/x"] }] })(flow)).toBe(true);
  });

  test("filters with pairs of shared values are found by both", () => {
    const filters = times(COUNT, (index) => ({
      sourceIdentity: times(5, (at) => (index + at * 7) % 100),
      destinationPort: times(5, (at) => String(1000 + (((index >> 3) + at * 11) % 100))),
    }));
    expect(compileFlowFilters({ allow: filters })(flow)).toBe(false);
    expect(
      compileFlowFilters({
        allow: [...filters, { sourceIdentity: [1, 7], destinationPort: ["1000", "443"] }],
      })(flow),
    ).toBe(true);
  });
});
