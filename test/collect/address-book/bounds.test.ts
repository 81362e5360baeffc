import { describe, expect, test } from "vitest";
import { createAddressBook } from "../../../src/collect/index.js";
import { flowAt, pod } from "../book-flows.js";

test("an endpoint that grows evicts others, not itself", () => {
  const book = createAddressBook({ maxBytes: 400_000 });
  for (let index = 0; index < 200; index++)
    book.learn(flowAt(index, `10.0.0.${index}`, pod(`shop/p${index}`)));
  for (let index = 0; index < 200; index++) {
    const workloads = [{ name: "x".repeat(10_000), kind: "" }];
    book.learn(flowAt(300 + index, `10.0.0.${index}`, pod(`shop/p${index}`, { workloads })));
    expect(book.stats.bytes).toBeLessThan(440_000);
  }
});

describe("the bounds of an address book", () => {
  test("evict the interval that was learned least recently", () => {
    const book = createAddressBook({ maxEntries: 2 });
    book.learn(flowAt(1, "10.0.0.1", pod("a/a")));
    book.learn(flowAt(1, "10.0.0.2", pod("a/b")));
    book.learn(flowAt(1, "10.0.0.1", pod("a/a")));
    book.learn(flowAt(1, "10.0.0.3", pod("a/c")));
    const known = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => book.endpoint(address)?.podName);
    expect(known).toEqual(["a", undefined, "c"]);
    expect(book.stats).toMatchObject({ entries: 2, evicted: 1, addresses: 2 });
  });

  test("hold for many addresses, endpoints, names, services and interfaces", () => {
    const book = createAddressBook({ maxEntries: 500, maxBytes: 300_000 });
    for (let round = 0; round < 20_000; round++) {
      const address = `10.${round & 255}.${(round >> 8) & 255}.1`;
      book.learn(
        flowAt(round, address, pod(`a/${round}-${"x".repeat(round % 300)}`), {
          sourceNames: [`${round}.example`],
          destinationService: { name: String(round), namespace: "a" },
          nodeName: `n${round % 1000}`,
          interface: { index: round, name: "lxc" },
        }),
      );
    }
    const { entries, bytes, evicted, addresses } = book.stats;
    expect(entries).toBeLessThanOrEqual(500);
    expect(bytes).toBeLessThanOrEqual(300_000);
    expect(addresses).toBeLessThanOrEqual(entries);
    expect(evicted).toBeGreaterThan(79_000);
    expect(book.toJSON().entries).toHaveLength(entries);
  });

  test("limit the intervals of each kind at one address", () => {
    const book = createAddressBook();
    for (let round = 0; round < 2_000; round++) {
      book.learn(
        flowAt(round, "10.0.0.1", pod(`a/pod-${round}`), {
          sourceNames: Array.from({ length: 300 }, (_, index) => `${round}-${index}.example`).slice(0, 3),
        }),
      );
    }
    expect(book.stats).toMatchObject({ entries: 512, evicted: 8_000 - 512 });
    expect(book.endpoint("10.0.0.1")?.podName).toBe("pod-1999");
  });

  test("read long lists of names and of addresses in part", () => {
    const book = createAddressBook();
    const list = Array.from({ length: 100_000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
    book.learn(flowAt(1, "10.0.0.1", undefined, { sourceNames: list.map((one) => `n${one}`) }));
    book.learn(
      flowAt(1, "10.0.0.1", undefined, {
        l7: { record: { case: "dns", value: { query: "a.example", ips: list } } },
      }),
    );
    expect(book.stats.entries).toBe(512);
  });

  test.each([
    [{ maxEntries: 0 }, "maxEntries"],
    [{ maxBytes: 0 }, "maxBytes"],
    [{ maxSkewMs: -1 }, "maxSkewMs"],
    [{ maxAheadMs: Number.NaN }, "maxAheadMs"],
    [{ minNameMs: -1 }, "minNameMs"],
    [{ clock: {} as never }, "clock"],
    [{ snapshot: [] as never }, "snapshot"],
  ])("reject the options %j", (options, name) => {
    expect(() => createAddressBook(options)).toThrow(new RegExp(`^${name}: must be`));
  });
});
