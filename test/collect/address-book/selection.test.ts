import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type AddressSelection, createAddressBook } from "../../../src/collect/index.js";
import { FilterError, OptionsError } from "../../../src/errors/errors.js";
import { compileFlowFilter, type FlowFilterInit } from "../../../src/filter/index.js";
import { FlowSchema } from "../../../src/proto.js";
import { flowAt, pod } from "../book-flows.js";

const WEB = "10.0.0.1";
const CART = "10.0.0.2";
const SERVICE = "10.96.0.1";
const EXTERNAL = "198.51.100.1";
const tcp = { protocol: { case: "TCP", value: { sourcePort: 80 } } } as const;

const flows = [
  flowAt(
    1,
    WEB,
    pod("shop/web-a", { workloads: [{ name: "web", kind: "Deployment" }], clusterName: "prod" }),
  ),
  flowAt(2, CART, pod("shop/cart-b", { labels: ["k8s:app=cart", "k8s:tier=back"] })),
  flowAt(3, SERVICE, undefined, { sourceService: { namespace: "shop", name: "cart" }, l4: tcp }),
  flowAt(3, SERVICE, undefined, { sourceService: { namespace: "shop", name: "metrics" } }),
  flowAt(4, EXTERNAL, { identity: 2, labels: ["reserved:world"] }, { sourceNames: ["api.example.com"] }),
];

function bookOf(learned = flows) {
  const book = createAddressBook();
  for (const flow of learned) book.learn(flow);
  return book;
}

describe("addresses", () => {
  test.each<[AddressSelection, string[]]>([
    [{}, [WEB, CART, SERVICE, EXTERNAL]],
    [{ pod: ["shop/"] }, [WEB, CART]],
    [{ pod: ["shop/web", "shop/none"] }, [WEB]],
    [{ pod: ["web"] }, []],
    [{ label: ["tier=back", "app=web-a"] }, [WEB, CART]],
    [{ label: ["tier=back"], pod: ["shop/web"] }, []],
    [{ identity: [2] }, [EXTERNAL]],
    [{ workload: [{ name: "web" }] }, [WEB]],
    [{ workload: [{ kind: "StatefulSet" }] }, []],
    [{ service: ["shop/cart"] }, [SERVICE]],
    [{ service: ["shop/metrics"] }, [SERVICE]],
    [{ fqdn: ["*.example.com"] }, [EXTERNAL]],
    [{ clusterName: ["prod"] }, [WEB]],
  ])("of %j have the meaning of the filter's fields", (selection, expected) => {
    expect(bookOf().addresses(selection)).toEqual(expected);
    // The same meaning for each flow: a source is selected if and only if a filter of its fields matches.
    const fields = Object.entries(selection).map(([field, value]) => [
      `source_${field.replace("N", "_n")}`,
      value,
    ]);
    const matches = compileFlowFilter(Object.fromEntries(fields) as FlowFilterInit);
    const matching = flows.filter((flow) => matches(flow)).map((flow) => flow.IP!.source);
    expect(new Set(matching)).toEqual(new Set(expected));
  });

  test("of a time and of a span of time are those that match then", () => {
    const book = bookOf([
      flowAt(10, WEB, pod("shop/web-a")),
      flowAt(100, WEB, pod("shop/cart-b")),
      flowAt(200, WEB, pod("shop/web-a")),
    ]);
    const selection = { pod: ["shop/web"] };
    const at = (when: Parameters<typeof book.addresses>[1]) => book.addresses(selection, when).length;
    expect([5_000, 10_000, 104_000, 150_000].map(at)).toEqual([0, 1, 0, 1]);
    expect(at(new Date(20_000))).toBe(1);
    expect([at(timestampFromMs(20_000)), at(timestampFromMs(104_000))]).toEqual([1, 0]);
    expect(at({ from: 0, to: 10_000 })).toBe(0);
    expect(at({ from: 0, to: 10_001 })).toBe(1);
    expect(at({ from: 101_000, to: 104_000 })).toBe(0);
    expect(at({ from: 101_000, to: 106_000 })).toBe(1);
    expect(at({ from: 5, to: 5 })).toBe(0);
  });

  test.each<[object, string[]]>([
    [{ pods: ["a"] }, ["pods"]],
    [{ pod: [""], label: ["a in ("], fqdn: ["a b"] }, ["pod[0]", "label[0]", "fqdn[0]"]],
    [{ identity: ["x"] }, ["identity[0]"]],
    [{ pod: "shop/web" }, ["pod"]],
  ])("rejects the selection %j with the paths of its faults", (selection, paths) => {
    const book = bookOf();
    for (const call of [() => book.addresses(selection), () => book.watch(selection, () => {})]) {
      let error: unknown;
      try {
        call();
      } catch (thrown) {
        error = thrown;
      }
      expect(error instanceof FilterError || error instanceof OptionsError).toBe(true);
      expect((error as FilterError).issues.map(({ path }) => path).sort()).toEqual(paths.sort());
    }
  });

  test.each([["x"], [{ from: 1 }], [{ from: 1, to: 2, until: 3 }], [new Date(Number.NaN)]])(
    "rejects the time %j",
    (when) => {
      expect(() => bookOf().addresses({}, when as never)).toThrow(/^addresses: /);
    },
  );
});

describe("watch", () => {
  test("reports the addresses that match, then each one that enters or leaves", () => {
    const book = bookOf();
    const changes: string[] = [];
    const watch = book.watch({ pod: ["shop/web"] }, ({ type, address }) =>
      changes.push(`${type} ${address}`),
    );
    const learned = (flow: (typeof flows)[number]) => {
      changes.length = 0;
      book.learn(flow);
      return changes.join();
    };
    expect(changes).toEqual([`added ${WEB}`]);
    expect(learned(flowAt(5, WEB, pod("shop/web-a")))).toBe("");
    expect(learned(flowAt(6, "fd00:0::1", pod("shop/web-c")))).toBe("added fd00::1");
    expect(learned(flowAt(4, WEB, pod("shop/cart-b")))).toBe("removed 10.0.0.1");
    expect(learned(flowAt(10, WEB, pod("shop/web-a")))).toBe("added 10.0.0.1");
    expect([...watch.addresses].sort()).toEqual(["10.0.0.1", "fd00::1"]);
    watch.stop();
    expect(learned(flowAt(100, WEB, pod("shop/cart-b")))).toBe("");
  });

  test("removes an address whose name has expired, and one that was evicted", () => {
    const book = createAddressBook({ minNameMs: 10_000, maxEntries: 2 });
    const changes: string[] = [];
    book.watch({ fqdn: ["*.example.com"] }, ({ type, address }) => changes.push(`${type} ${address}`));
    book.learn(flowAt(1, EXTERNAL, undefined, { sourceNames: ["api.example.com"] }));
    book.learn(flowAt(8, WEB, pod("shop/web-a")));
    book.learn(flowAt(12, WEB, pod("shop/web-a")));
    book.learn(flowAt(13, EXTERNAL, undefined, { sourceNames: ["api.example.com"] }));
    book.learn(flowAt(14, CART, pod("shop/a")));
    book.learn(flowAt(14, CART, pod("shop/b")));
    expect(changes).toEqual(["added", "removed", "added", "removed"].map((type) => `${type} ${EXTERNAL}`));
  });

  test("may learn in its callback, and reports those changes too", () => {
    const book = createAddressBook();
    const added: string[] = [];
    book.watch({ pod: ["shop/"] }, ({ address }) => {
      added.push(address);
      if (added.length < 4) book.learn(flowAt(1, `10.0.0.${added.length}`, pod("shop/web-a")));
    });
    book.learn(flowAt(1, "10.0.0.9", pod("shop/web-a")));
    expect(added).toEqual(["10.0.0.9", "10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  });

  test("throws from learn what its callback throws, and reports the other changes afterwards", () => {
    const book = createAddressBook();
    let fails = true;
    const seen: string[] = [];
    book.watch({}, ({ address }) => {
      if (fails) throw new Error("no room");
      seen.push(address);
    });
    const both = create(FlowSchema, {
      time: { seconds: 1n },
      IP: { source: WEB, destination: CART },
      source: pod("a/b"),
      destination: pod("a/c"),
    });
    expect(() => book.learn(both)).toThrow("no room");
    fails = false;
    book.learn(flowAt(2, WEB, pod("a/b")));
    expect(seen).toContain(CART);
  });

  test("is ended if its callback throws for the addresses of now", () => {
    const book = bookOf();
    let calls = 0;
    const fail = () => {
      calls++;
      throw new Error("no memory");
    };
    expect(() => book.watch({ pod: ["shop/"] }, fail)).toThrow("no memory");
    for (const flow of flows) book.learn(flow);
    book.learn(flowAt(9, "10.0.0.77", pod("shop/new")));
    expect(calls).toBe(1);
  });

  test("requires a function", () => {
    expect(() => createAddressBook().watch({}, 1 as never)).toThrow(/^watch: onChange must be a function/);
  });
});
