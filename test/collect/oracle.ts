import fc from "fast-check";
import type { Flow } from "../../src/proto.js";
import { flowAt, pod } from "./book-flows.js";

const ADDRESSES = ["10.0.0.1", "10.0.0.2", "fd00::1"];
const ENDPOINTS = [
  pod("shop/web-a"),
  pod("shop/web-b"),
  pod("shop/web-a", { labels: ["k8s:app=other"] }),
  pod("shop/web-b", { identity: 2 }),
  { identity: 1, labels: ["reserved:host"] },
  { identity: 2, labels: ["reserved:world"] },
  { identity: 5000, labels: ["k8s:app=x"] },
];

/** Flows between few addresses, endpoints, names and services, at few times, so that they meet. */
export const learntFlow: fc.Arbitrary<Flow> = fc
  .record({
    seconds: fc.integer({ min: 0, max: 40 }),
    address: fc.constantFrom(...ADDRESSES),
    endpoint: fc.constantFrom(undefined, ...ENDPOINTS),
    names: fc.subarray(["a.example", "b.example"]),
    service: fc.constantFrom(undefined, "cart", "web"),
    port: fc.constantFrom(80, 443),
  })
  .map(({ seconds, address, endpoint, names, service, port }) =>
    flowAt(seconds, address, endpoint, {
      sourceNames: names,
      ...(service !== undefined && { sourceService: { namespace: "shop", name: service } }),
      l4: { protocol: { case: "TCP", value: { sourcePort: port } } },
    }),
  );

/** The rank of an endpoint by the table of docs/address-book.md. */
function rankOf({ podName, identity }: { readonly podName: string; readonly identity: number }): number {
  if (identity < 256) return 1;
  return podName === "" ? 0 : 2;
}

interface Seen {
  readonly content: string;
  readonly podName: string;
  readonly identity: number;
  readonly times: number[];
}

/**
 * The content of the endpoint that holds an address, from all flows: an oracle that keeps every observation and shares no
 * code with the book. Times are in seconds.
 */
export function oracleEndpoint(
  flows: readonly Flow[],
  address: string,
  at: number,
  skew: number,
): string | undefined {
  const seen = new Map<string, Seen>();
  for (const { IP, source, sourceService, time } of flows) {
    if (IP?.source !== address || source === undefined) continue;
    if (sourceService !== undefined && source.podName !== "") continue;
    const { podName, identity } = source;
    const content = JSON.stringify([source.namespace, podName, identity, source.labels]);
    const known = seen.get(content) ?? { content, podName, identity, times: [] };
    known.times.push(Number(time!.seconds));
    seen.set(content, known);
  }
  const first = ({ times }: Seen) => Math.min(...times);
  const last = ({ times }: Seen) => Math.max(...times);
  const begun = [...seen.values()].filter((one) => first(one) <= at);
  const until = Math.min(at, Math.max(...begun.map(last)));
  return begun
    .filter((one) => last(one) >= until - skew)
    .sort(
      (a, b) =>
        rankOf(b) - rankOf(a) || first(b) - first(a) || last(b) - last(a) || (a.content < b.content ? 1 : -1),
    )[0]?.content;
}
