import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AddressBook, type AddressChange, createAddressBook } from "../../../src/collect/index.js";
import { FilterError, OptionsError } from "../../../src/errors/errors.js";
import { type Flow, FlowSchema, TraceObservationPoint } from "../../../src/gen/flow/flow_pb.js";
import { GetFlowsResponseSchema } from "../../../src/gen/observer/observer_pb.js";
import { decodeExport } from "../../../src/observer/index.js";
import { createFlowDecoder, packetsOf } from "../../../src/packet/index.js";
import { sharedFlowFiles } from "../../observer/lines.js";
import { batchOf } from "../../recorder/packets.js";
import { runs } from "../../support/amount.js";
import { fakeClock } from "../../support/fake-clock.js";
import { describeWithShared } from "../../support/shared.js";

const NOW_MS = 1_800_000_000_000;
const clock = fakeClock(NOW_MS);
const bookOf = (options = {}) => createAddressBook({ clock, ...options });

/** Pods of a name have an identity of their own. */
const pod = (name: string, more = {}) => ({
  namespace: "shop",
  podName: name,
  identity: 1000 + name.charCodeAt(0),
  labels: [`k8s:app=${name}`],
  ...more,
});

const ms = (seconds: number) => NOW_MS - 1_000_000 + 1000 * seconds;

/** A flow from one address to another at a second. */
function at(seconds: number, source: string, destination: string, more: object = {}): Flow {
  return create(FlowSchema, {
    time: timestampFromMs(ms(seconds)),
    IP: { source, destination },
    l4: { protocol: { case: "TCP", value: { sourcePort: 40_000, destinationPort: 443 } } },
    ...more,
  } as never);
}

function learnAll(book: AddressBook, ...flows: readonly Flow[]): AddressBook {
  for (const one of flows) book.learn(one);
  return book;
}

describe("createAddressBook", () => {
  test("knows who held an address at which time", () => {
    const book = learnAll(
      bookOf(),
      at(10, "10.0.0.1", "10.0.0.2", { source: pod("cart"), destination: pod("db") }),
      at(20, "10.0.0.1", "10.0.0.2", { source: pod("cart") }),
      at(60, "10.0.0.1", "10.0.0.3", { source: pod("web") }),
    );
    const podAt = (seconds: number) => book.endpoint("10.0.0.1", ms(seconds))?.podName;
    expect([0, 10, 59, 60, 1000].map(podAt)).toEqual(["cart", "cart", "cart", "web", "web"]);
    expect(book.endpoint("10.0.0.1")?.podName).toBe("web");
    expect(book.endpoint("10.0.0.9")).toBe(undefined);
    expect(book.history("10.0.0.1")).toMatchObject({
      address: "10.0.0.1",
      endpoints: [
        { podName: "cart", fromMs: ms(10), toMs: ms(20) },
        { podName: "web", fromMs: ms(60), toMs: ms(60) },
      ],
    });
    expect(book.stats).toEqual({ addresses: 2, entries: 3, evicted: 0, ignored: 0 });
  });

  test("learns from responses, and from flows that arrive late", () => {
    const book = learnAll(bookOf(), at(60, "10.0.0.1", "10.0.0.3", { source: pod("web") }));
    book.learn(
      create(GetFlowsResponseSchema, {
        responseTypes: { case: "flow", value: at(10, "10.0.0.1", "10.0.0.2", { source: pod("cart") }) },
        time: timestampFromMs(ms(10)),
      }),
    );
    book.learn(undefined);
    book.learn(create(GetFlowsResponseSchema, {}));
    expect(book.endpoint("10.0.0.1", ms(30))?.podName).toBe("cart");
    expect(book.endpoint("10.0.0.1")?.podName).toBe("web");
  });

  test("completes what flows of other nodes do not say", () => {
    const book = learnAll(
      bookOf(),
      at(1, "10.0.0.1", "10.0.0.2", { source: { ...pod("cart"), labels: [] } }),
      at(2, "10.0.0.1", "10.0.0.2", {
        source: pod("cart", { ID: 7, clusterName: "one", workloads: [{ name: "cart", kind: "Deployment" }] }),
        interface: { index: 3, name: "lxc1" },
        traceObservationPoint: TraceObservationPoint.FROM_ENDPOINT,
      }),
      at(3, "10.0.0.1", "10.0.0.2", { source: { ...pod("cart"), labels: [] } }),
    );
    expect(book.endpoint("10.0.0.1")).toEqual({
      ...pod("cart"),
      ID: 7,
      clusterName: "one",
      workloads: [{ name: "cart", kind: "Deployment" }],
      interfaceName: "lxc1",
    });
    expect(book.stats.entries).toBe(1);
  });

  test("takes the interface only of the side at which the flow was observed", () => {
    const link = { interface: { index: 3, name: "lxc1" } };
    const sides = { source: pod("cart"), destination: pod("db") };
    const { TO_ENDPOINT, TO_STACK } = TraceObservationPoint;
    const book = learnAll(
      bookOf(),
      at(1, "10.0.0.1", "10.0.0.2", { ...sides, ...link, traceObservationPoint: TO_STACK }),
      at(2, "10.0.0.1", "10.0.0.2", { ...sides, ...link, traceObservationPoint: TO_ENDPOINT }),
    );
    expect(book.endpoint("10.0.0.1")?.interfaceName).toBe("");
    expect(book.endpoint("10.0.0.2")?.interfaceName).toBe("lxc1");
  });

  test("learns names from flows and from DNS answers, which hold for their TTL", () => {
    const book = learnAll(
      bookOf(),
      at(1, "10.0.0.1", "1.2.3.4", { destinationNames: ["api.example.com."] }),
      at(100, "10.0.0.10", "10.0.0.1", {
        l7: {
          record: { case: "dns", value: { query: "www.example.com.", ips: ["1.2.3.4", "1.2.3.5"], ttl: 60 } },
        },
      }),
    );
    expect(book.names("1.2.3.4", ms(1))).toEqual(["api.example.com"]);
    expect(book.names("1.2.3.4", ms(30))).toEqual(["api.example.com"]);
    expect(book.names("1.2.3.4", ms(130))).toEqual(["www.example.com"]);
    expect(book.names("1.2.3.5")).toEqual(["www.example.com"]);
    expect(book.names("1.2.3.6")).toEqual([]);
  });

  test("learns services by port", () => {
    const book = learnAll(
      bookOf(),
      at(1, "10.0.0.1", "10.96.0.10", { destinationService: { namespace: "shop", name: "api" } }),
    );
    expect(book.service("10.96.0.10", 443)).toEqual({ namespace: "shop", name: "api" });
    expect(book.service("10.96.0.10", 80)).toBe(undefined);
  });

  test("compares addresses by value", () => {
    const book = learnAll(
      bookOf(),
      at(1, "fd00:0:0:0:0:0:0:1", "::ffff:10.0.0.2", { source: pod("cart"), destination: pod("db") }),
    );
    expect(book.endpoint("fd00::1")?.podName).toBe("cart");
    expect(book.endpoint("FD00::0001")?.podName).toBe("cart");
    expect(book.endpoint("10.0.0.2")?.podName).toBe("db");
    expect(book.stats.addresses).toBe(2);
  });

  test("ignores flows of the future and without a time, and what is no address or too large", () => {
    const book = learnAll(
      bookOf(),
      at(1_000_000 + 3601, "10.0.0.1", "10.0.0.2", { source: pod("future") }),
      create(FlowSchema, { IP: { source: "10.0.0.1", destination: "10.0.0.2" }, source: pod("timeless") }),
      at(1, "no address", "10.0.0.2", { source: pod("lost") }),
      at(1, "10.0.0.1", "10.0.0.2", { source: pod("large", { labels: ["x".repeat(40_000)] }) }),
      at(1, "10.0.0.1", "10.0.0.2", { sourceNames: ["x".repeat(256)] }),
      at(1, "10.0.0.1", "10.0.0.2", { source: { identity: 0, labels: ["reserved:unknown"] } }),
    );
    expect(book.stats).toMatchObject({ addresses: 0, entries: 0 });
    expect(book.stats.ignored).toBeGreaterThanOrEqual(5);
    book.learn(at(2, "10.0.0.1", "10.0.0.2", { source: pod("cart") }));
    expect(book.endpoint("10.0.0.1")?.podName).toBe("cart");
  });

  test("forgets the addresses that were seen longest ago", () => {
    const book = bookOf({ maxEntries: 80 });
    for (let index = 0; index < 1000; index++) {
      book.learn(at(index, `10.0.${index >> 8}.${index & 255}`, "10.9.9.9", { source: pod("cart") }));
      expect(book.stats.entries).toBeLessThanOrEqual(80);
      book.learn(at(index, "10.8.8.8", "10.9.9.9", { source: pod("old") }));
    }
    expect(book.endpoint("10.8.8.8")?.podName).toBe("old");
    expect(book.endpoint("10.0.3.231")?.podName).toBe("cart");
    expect(book.endpoint("10.0.0.1")).toBe(undefined);
    expect(book.stats.evicted + book.stats.addresses).toBe(1001);
  });

  test.each([
    { selection: { pod: ["shop/car"] }, expected: ["10.0.0.1"] },
    { selection: { pod: ["shop/"] }, expected: ["10.0.0.1", "10.0.0.2"] },
    { selection: { label: ["app in (cart, db)"] }, expected: ["10.0.0.1", "10.0.0.2"] },
    { selection: { label: ["app=db"], pod: ["shop/"] }, expected: ["10.0.0.2"] },
    { selection: { label: ["app=db"], pod: ["shop/cart"] }, expected: [] },
    { selection: { identity: [2] }, expected: ["1.2.3.4"] },
    { selection: { workload: [{ name: "db" }] }, expected: ["10.0.0.2"] },
    { selection: { workload: [{ kind: "StatefulSet" }] }, expected: ["10.0.0.2"] },
    { selection: { service: ["shop/api"] }, expected: ["10.0.0.2"] },
    { selection: { fqdn: ["*.example.com"] }, expected: ["1.2.3.4"] },
    { selection: {}, expected: [] },
    { selection: { pod: [] }, expected: [] },
  ])("finds the addresses of $selection", ({ selection, expected }) => {
    const book = learnAll(
      bookOf(),
      at(1, "10.0.0.1", "10.0.0.2", {
        source: pod("cart"),
        destination: pod("db", { workloads: [{ name: "db", kind: "StatefulSet" }] }),
        destinationService: { namespace: "shop", name: "api" },
      }),
      at(1, "10.0.0.1", "1.2.3.4", {
        destination: { identity: 2, labels: ["reserved:world"] },
        destinationNames: ["www.example.com"],
      }),
    );
    expect(book.addresses(selection).sort()).toEqual([...expected].sort());
  });

  test("finds the addresses that a selection had at a time", () => {
    const book = learnAll(
      bookOf(),
      at(10, "10.0.0.1", "10.0.0.2", { source: pod("cart") }),
      at(60, "10.0.0.1", "10.0.0.2", { source: pod("web") }),
      at(70, "10.0.0.5", "10.0.0.2", { source: pod("cart") }),
    );
    expect(book.addresses({ pod: ["shop/cart"] }, ms(20)).sort()).toEqual(["10.0.0.1", "10.0.0.5"]);
    expect(book.addresses({ pod: ["shop/cart"] })).toEqual(["10.0.0.5"]);
  });

  test("reports changes of a selection that is watched, and forgets its addresses last", () => {
    const book = learnAll(bookOf({ maxEntries: 40 }), at(1, "10.0.0.1", "10.0.0.2", { source: pod("cart") }));
    const changes: AddressChange[] = [];
    const end = book.watch({ pod: ["shop/cart"] }, (change) => changes.push(change));
    expect(changes.splice(0)).toEqual([{ address: "10.0.0.1", isSelected: true }]);
    learnAll(
      book,
      at(2, "10.0.0.1", "10.0.0.2", { source: pod("cart") }),
      at(3, "10.0.0.7", "10.0.0.2", { source: pod("cart") }),
      at(4, "10.0.0.1", "10.0.0.2", { source: pod("web") }),
    );
    expect(changes.splice(0)).toEqual([
      { address: "10.0.0.7", isSelected: true },
      { address: "10.0.0.1", isSelected: false },
    ]);
    for (let index = 0; index < 200; index++) {
      book.learn(at(10 + index, `10.1.0.${index}`, "10.0.0.2", { source: pod("web") }));
    }
    expect(changes).toEqual([]);
    expect(book.endpoint("10.0.0.7")?.podName).toBe("cart");
    expect(book.endpoint("10.1.0.0")).toBe(undefined);
    end();
    book.learn(at(500, "10.0.0.7", "10.0.0.2", { source: pod("web") }));
    expect(changes).toEqual([]);
  });

  test("decodes packets with the names of their time", () => {
    const book = learnAll(
      bookOf(),
      at(0, "10.0.0.1", "10.0.0.2", {
        source: pod("cart"),
        destination: pod("db"),
        destinationNames: ["db.local"],
      }),
      at(60, "10.0.0.1", "10.0.0.2", { source: pod("web") }),
    );
    const batch = batchOf([0, 59, 60, 100].map((seconds) => ({ id: seconds, timeMs: ms(seconds) })));
    const flows = [...createFlowDecoder({ ...book.lookups }).decode(batch)];
    expect(flows.map(({ source }) => source?.podName)).toEqual(["cart", "cart", "web", "web"]);
    expect(flows[0]?.destination?.labels).toEqual(["k8s:app=db"]);
    expect(flows[0]?.destinationNames).toEqual(["db.local"]);
    expect([...packetsOf(batch)].length).toBe(4);
  });

  const anEvent = fc.record({
    seconds: fc.nat(200),
    address: fc.nat(5),
    name: fc.constantFrom("cart", "db", "web"),
    names: fc.array(fc.constantFrom("a.example.com", "b.example.com"), { maxLength: 2 }),
    service: fc.option(fc.constantFrom("api", "www"), { nil: undefined }),
  });
  const bookFrom = (
    events: readonly (typeof anEvent extends fc.Arbitrary<infer E> ? E : never)[],
    options = {},
  ) =>
    learnAll(
      bookOf(options),
      ...events.map(({ seconds, address, name, names, service }) =>
        at(seconds, `10.0.0.${address}`, "10.9.9.9", {
          source: pod(name),
          sourceNames: names,
          ...(service !== undefined && { sourceService: { name: service, namespace: "shop" } }),
        }),
      ),
    );

  test("has the same content after a snapshot", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 30 }), (events) => {
        const book = bookFrom(events);
        const snapshot = JSON.parse(JSON.stringify(book));
        const copy = bookOf({ snapshot });
        expect(copy.toJSON()).toEqual(snapshot);
        expect(copy.stats).toEqual({ ...book.stats, ignored: 0 });
        for (let address = 0; address < 6; address++) {
          for (let seconds = 0; seconds < 210; seconds += 30) {
            const ip = `10.0.0.${address}`;
            expect(copy.endpoint(ip, ms(seconds))).toEqual(book.endpoint(ip, ms(seconds)));
            expect(copy.names(ip, ms(seconds))).toEqual(book.names(ip, ms(seconds)));
            expect(copy.service(ip, 40_000, ms(seconds))).toEqual(book.service(ip, 40_000, ms(seconds)));
          }
        }
      }),
      { numRuns: runs(200) },
    );
  });

  test("watches what `addresses` returns", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 40 }), fc.boolean(), (events, isSmall) => {
        const book = bookOf({ maxEntries: isSmall ? 8 : 1000 });
        const selected = new Set<string>();
        book.watch({ pod: ["shop/cart"], fqdn: ["a.*"] }, ({ address, isSelected }) => {
          expect(selected.has(address)).toBe(!isSelected);
          if (isSelected) selected.add(address);
          else selected.delete(address);
        });
        for (const event of events) {
          const { seconds, address, name, names } = event;
          book.learn(at(seconds, `10.0.0.${address}`, "10.9.9.9", { source: pod(name), sourceNames: names }));
        }
        expect([...selected].sort()).toEqual(book.addresses({ pod: ["shop/cart"], fqdn: ["a.*"] }).sort());
      }),
      { numRuns: runs(500) },
    );
  });

  test.each([
    { options: { maxEntries: 0 }, path: "maxEntries" },
    { options: { entries: 1 }, path: "entries" },
    { options: { snapshot: {} }, path: "snapshot.version" },
    { options: { snapshot: { version: 2, addresses: [] } }, path: "snapshot.version" },
    {
      options: { snapshot: { version: 1, addresses: [{ address: "x" }] } },
      path: "snapshot.addresses[0].address",
    },
    {
      options: {
        snapshot: { version: 1, addresses: [{ address: "10.0.0.1", endpoints: 1, names: [], services: [] }] },
      },
      path: "snapshot.addresses[0].endpoints",
    },
  ])("rejects invalid options: $path", ({ options, path }) => {
    expect(() => bookOf(options)).toThrow(OptionsError);
    expect(() => bookOf(options)).toThrow(path);
  });

  test("rejects invalid selections with the path of each fault", () => {
    expect(() => bookOf().addresses({ label: ["app in ("] })).toThrow(FilterError);
    expect(() => bookOf().addresses({ label: ["app", "app in ("] })).toThrow("label[1]");
    expect(() => bookOf().addresses({ pods: ["x"] } as never)).toThrow("pods");
    expect(() => bookOf().watch({ fqdn: ["("] }, () => {})).toThrow("fqdn[0]");
    expect(() => bookOf().watch({ pod: ["a/b"] }, 1 as never)).toThrow(TypeError);
  });
});

describeWithShared("createAddressBook: of recorded flows", () => {
  test("answers for each flow with its own endpoints", async () => {
    let endpoints = 0;
    for (const { bytes } of sharedFlowFiles()) {
      const flows: Flow[] = [];
      for await (const { responseTypes } of decodeExport([bytes])) {
        if (responseTypes.case === "flow") flows.push(responseTypes.value);
      }
      const book = learnAll(createAddressBook(), ...flows);
      for (const { IP, time, source, destination } of flows) {
        if (IP === undefined || time === undefined) continue;
        const timeMs = Number(time.seconds) * 1000 + time.nanos / 1e6;
        const { identity, podName } = source ?? {};
        expect(book.endpoint(IP.source, timeMs)).toMatchObject({ identity, podName });
        expect(book.endpoint(IP.destination, timeMs)).toMatchObject({
          identity: destination?.identity,
          podName: destination?.podName,
        });
        endpoints += 2;
      }
    }
    expect(endpoints).toBe(3812);
  });
});
