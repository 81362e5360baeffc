import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAddressBook } from "../../src/collect/index.js";
import { runs } from "../support/amount.js";
import { learntFlow, oracleEndpoint } from "./oracle.js";

const SKEW = 5;
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "fd00::1"];

describe("createAddressBook: properties", () => {
  test("answers as an oracle that keeps all flows, for each time and any order", () => {
    fc.assert(
      fc.property(fc.array(learntFlow, { maxLength: 40 }), (flows) => {
        const book = createAddressBook({ maxSkewMs: SKEW * 1000 });
        for (const flow of flows) book.learn(flow);
        for (const address of ADDRESSES) {
          for (let at = -1; at <= 45; at++) {
            const found = book.endpoint(address, at * 1000);
            const content = found && [found.namespace, found.podName, found.identity, found.labels];
            expect(content && JSON.stringify(content)).toBe(oracleEndpoint(flows, address, at, SKEW));
          }
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test("watches have the addresses that a query returns, after every flow and for any bound", () => {
    const selections = [
      { pod: ["shop/web-a"] },
      { service: ["shop/cart"] },
      { fqdn: ["a.example"] },
      { identity: [1] },
    ];
    const some = fc.array(learntFlow, { maxLength: 40 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 40 }), (flows, maxEntries) => {
        const book = createAddressBook({ maxEntries, minNameMs: 7_000 });
        const watched = selections.map((selection) => {
          const members = new Set<string>();
          const watch = book.watch(selection, ({ type, address }) => {
            expect(members.has(address)).toBe(type === "removed");
            if (type === "added") members.add(address);
            else members.delete(address);
          });
          return { selection, members, watch };
        });
        for (const flow of flows) {
          book.learn(flow);
          expect(book.stats.entries).toBeLessThanOrEqual(maxEntries);
          for (const { selection, members, watch } of watched) {
            expect([...members].sort()).toEqual(book.addresses(selection).sort());
            expect(watch.addresses).toEqual(members);
          }
        }
      }),
      { numRuns: runs(1000) },
    );
  });

  test("an address is selected in a span of time if and only if it is at one of its moments", () => {
    const moment = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(fc.array(learntFlow, { maxLength: 30 }), moment, moment, (flows, from, to) => {
        const book = createAddressBook();
        for (const flow of flows) book.learn(flow);
        const selection = { pod: ["shop/web-a"] };
        const found = book.addresses(selection, { from: from * 1000, to: to * 1000 });
        const expected = new Set<string>();
        // Holders change at whole seconds, or just after them.
        for (let at = from; at < to; at++) {
          for (const offset of [0, 1])
            for (const one of book.addresses(selection, at * 1000 + offset)) expected.add(one);
        }
        expect(new Set(found)).toEqual(expected);
      }),
      { numRuns: runs(1000) },
    );
  });
});
