import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { createAddressBook } from "../../src/collect/index.js";
import { FlowSchema, GetFlowsResponseSchema, LostEventSchema } from "../../src/proto.js";
import { fakeClock } from "../../src/testing/index.js";
import { flowAt, pod } from "./book-flows.js";

const A = "10.0.0.1";
const web = pod("shop/web-a");
const cart = pod("shop/cart-b");
const seconds = (time: number) => time * 1000;

type Observation = readonly [seconds: number, endpoint: Parameters<typeof flowAt>[2]];

/** A book that has learned these endpoints of {@link A}. */
function bookOf(...observations: readonly Observation[]) {
  const book = createAddressBook();
  for (const [time, endpoint] of observations) book.learn(flowAt(time, A, endpoint));
  return book;
}

describe("createAddressBook: the endpoint of an address", () => {
  const world = { identity: 2, labels: ["reserved:world"] };
  const host = { identity: 1, labels: ["reserved:host"] };
  const masqueraded = { identity: 4000, labels: ["k8s:app=x"] };
  test.each<[string, readonly Observation[], Readonly<Record<number, string | number | undefined>>]>([
    ["is not known before its first flow", [[10, web]], { 9: undefined, 10: "web-a", 99: "web-a" }],
    [
      "changes when another pod is first seen",
      [
        [10, web],
        [20, web],
        [100, cart],
      ],
      { 10: "web-a", 20: "web-a", 99: "web-a", 100: "cart-b", 200: "cart-b" },
    ],
    [
      "is the later pod where both are seen within the skew",
      [
        [10, web],
        [103, web],
        [100, cart],
        [104, cart],
      ],
      { 99: "web-a", 100: "cart-b", 103: "cart-b", 110: "cart-b" },
    ],
    [
      "is the earlier pod again when only that is seen for longer than the skew",
      [
        [10, web],
        [20, cart],
        [30, web],
      ],
      { 10: "web-a", 20: "cart-b", 24: "cart-b", 26: "web-a", 40: "web-a" },
    ],
    [
      "is the pod rather than a reserved identity",
      [
        [10, web],
        [12, world],
      ],
      { 12: "web-a", 14: "web-a" },
    ],
    [
      "is a reserved identity when the pod has not been seen for longer than the skew",
      [
        [10, web],
        [20, world],
      ],
      { 12: "web-a", 20: 2 },
    ],
    [
      "is the pod with its own identity rather than with that of the world",
      [
        [10, web],
        [11, { ...web, identity: 2 }],
      ],
      { 11: "web-a" },
    ],
    [
      "is the host rather than the identity of a pod without a name",
      [
        [10, host],
        [11, masqueraded],
      ],
      { 11: 1 },
    ],
    ["is not learned from an unknown identity", [[10, { identity: 0 }]], { 10: undefined }],
  ])("%s, in any order of learning", (_, observations, expected) => {
    for (const ordered of [observations, [...observations].reverse()]) {
      const book = bookOf(...ordered);
      const answers = Object.keys(expected).map((time) => {
        const found = book.endpoint(A, seconds(Number(time)));
        return [time, found?.podName || found?.identity];
      });
      expect(Object.fromEntries(answers)).toEqual(expected);
    }
  });

  test("has the details that only some nodes report", () => {
    const book = bookOf(
      [10, web],
      [
        11,
        pod("shop/web-a", { ID: 7, clusterName: "prod", workloads: [{ name: "web", kind: "Deployment" }] }),
      ],
      [12, web],
    );
    expect(book.endpoint(A)).toMatchObject({ ID: 7, clusterName: "prod", workloads: [{ name: "web" }] });
    expect(book.stats.entries).toBe(1);
  });

  test("is that of any notation of the address", () => {
    const book = createAddressBook();
    book.learn(flowAt(1, "::ffff:10.0.0.1", web));
    book.learn(flowAt(1, "FD00:0::1", cart));
    expect(book.endpoint("10.0.0.1")?.podName).toBe("web-a");
    expect(book.endpoint("fd00::1")?.podName).toBe("cart-b");
    expect(book.endpoint("fd00:0:0:0:0:0:0:1")?.podName).toBe("cart-b");
    expect(book.endpoint("not an address")).toBeUndefined();
  });

  test("is a copy", () => {
    const book = bookOf([10, web]);
    book.endpoint(A)!.labels.push("changed");
    expect(book.endpoint(A)?.labels).toEqual(["k8s:app=web-a"]);
  });

  test("is not the backend at the address of a service, nor the pod behind a translated source", () => {
    const book = createAddressBook();
    const service = { name: "cart", namespace: "shop" };
    book.learn(
      flowAt(1, "10.0.0.1", web, {
        IP: { source: "10.0.0.1", sourceXlated: "172.16.0.1", destination: "10.96.0.1" },
        destination: cart,
        destinationService: service,
        l4: { protocol: { case: "TCP", value: { destinationPort: 80 } } },
      }),
    );
    expect(book.endpoint("10.96.0.1")).toBeUndefined();
    expect(book.endpoint("172.16.0.1")).toBeUndefined();
    expect(book.service("10.96.0.1", 80)).toMatchObject(service);
    expect(book.service("10.96.0.1", 81)).toBeUndefined();
    expect(book.stats.translated).toBe(1);
  });
});

describe("createAddressBook: names", () => {
  const answer = (ttl: number, rcode = 0) =>
    create(FlowSchema, {
      time: { seconds: 1000n },
      l7: { record: { case: "dns", value: { query: "Example.COM.", ips: [A], ttl, rcode } } },
    });

  test.each([
    ["the minimum, if the time to live is shorter", 5, 1060],
    ["the time to live", 600, 1600],
  ])("of DNS answers hold for %s", (_, ttl, end) => {
    const book = createAddressBook({ minNameMs: 60_000 });
    book.learn(answer(ttl));
    const names = [999, 1000, end - 1, end].map((time) => book.names(A, seconds(time)).join());
    expect(names).toEqual(["", "example.com", "example.com", ""]);
  });

  test("of failed DNS answers are not learned", () => {
    const book = createAddressBook();
    book.learn(answer(60, 3));
    expect(book.names(A)).toEqual([]);
  });

  test("of flows are sorted, and do not replace the endpoint", () => {
    const book = createAddressBook();
    book.learn(
      flowAt(1, A, web, { sourceNames: ["b.example.", "a.example"], destinationNames: ["c.example"] }),
    );
    book.learn(flowAt(2, A, web, { sourceNames: ["b.example"] }));
    expect(book.names(A)).toEqual(["a.example", "b.example"]);
    expect(book.names("192.0.2.1")).toEqual(["c.example"]);
    expect(book.endpoint(A)?.podName).toBe("web-a");
    expect(book.stats.entries).toBe(4);
  });
});

describe("createAddressBook: events", () => {
  test("are flows and their envelopes; others are ignored", () => {
    const book = createAddressBook();
    const value = flowAt(1, A, web);
    book.learn(create(LostEventSchema, {}));
    book.learn(undefined);
    book.learn(create(GetFlowsResponseSchema, {}));
    expect(book.stats.flows).toBe(0);
    book.learn(create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value } }));
    expect(book.endpoint(A)?.podName).toBe("web-a");
    // @ts-expect-error Not a message.
    expect(() => book.learn({ IP: {} })).toThrow(/^learn: event must be a message of type flow.Flow/);
  });

  test("without a valid time, or with one far ahead, are counted and ignored", () => {
    const clock = fakeClock(seconds(1000));
    const book = createAddressBook({ clock, maxAheadMs: seconds(10) });
    book.learn(create(FlowSchema, { IP: { source: A }, source: web }));
    book.learn(create(FlowSchema, { time: { seconds: 2n ** 62n }, IP: { source: A }, source: web }));
    book.learn(flowAt(1011, A, web));
    expect(book.stats).toMatchObject({ flows: 0, untimed: 2, ahead: 1, entries: 0 });
    book.learn(flowAt(1010, A, web));
    book.learn(flowAt(5, A, cart));
    expect(book.endpoint(A)?.podName).toBe("web-a");
    expect(book.endpoint(A, seconds(6))?.podName).toBe("cart-b");
  });

  test.each([
    ["10.0.0.999", web, { invalidAddresses: 1 }],
    ["x".repeat(1e6), web, { invalidAddresses: 1 }],
    [A, { ...web, podName: "x".repeat(20_000) }, { oversized: 1 }],
    [A, { ...web, labels: Array.from({ length: 100_000 }, () => "k8s:a=b") }, { oversized: 1 }],
  ])("with invalid or oversized content teach nothing (%#)", (address, endpoint, counted) => {
    const book = createAddressBook();
    book.learn(flowAt(1, address, endpoint));
    expect(book.stats).toMatchObject({ entries: 0, addresses: 0, ...counted });
  });

  test("with interfaces give lookups of a node the name of a link", () => {
    const book = createAddressBook();
    book.learn(flowAt(1, A, web, { nodeName: "n1", interface: { index: 4, name: "lxc4" } }));
    expect(book.lookups({ node: "n1" }).link?.(4)).toBe("lxc4");
    expect(book.lookups({ node: "n1", time: 0 }).link?.(4)).toBeUndefined();
    expect(book.lookups({ node: "n2" }).link?.(4)).toBeUndefined();
    expect(book.lookups().link).toBeUndefined();
  });
});
