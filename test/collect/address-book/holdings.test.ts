import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Holdings } from "../../../src/collect/address-book/holdings.js";
import { runs } from "../../support/amount.js";

const create = () => new Holdings<string>((one, other) => one === other);

function observeAll(observations: readonly (readonly [string, number])[]): Holdings<string> {
  const holdings = create();
  for (const [value, timeMs] of observations) holdings.observe(value, timeMs);
  return holdings;
}

describe("Holdings", () => {
  test.each([
    {
      seen: [
        ["a", 10],
        ["a", 20],
      ],
      expected: [["a", 10, 20]],
    },
    {
      seen: [
        ["a", 10],
        ["b", 20],
        ["a", 30],
      ],
      expected: [
        ["a", 10, 10],
        ["b", 20, 20],
        ["a", 30, 30],
      ],
    },
    {
      seen: [
        ["b", 20],
        ["a", 10],
      ],
      expected: [
        ["a", 10, 10],
        ["b", 20, 20],
      ],
    },
    {
      seen: [
        ["b", 20],
        ["b", 10],
      ],
      expected: [["b", 10, 20]],
    },
    {
      seen: [
        ["a", 10],
        ["a", 30],
        ["b", 20],
      ],
      expected: [
        ["a", 10, 10],
        ["b", 20, 20],
        ["a", 30, 30],
      ],
    },
    {
      seen: [
        ["a", 10],
        ["b", 10],
      ],
      expected: [["b", 10, 10]],
    },
    {
      seen: [
        ["a", 10],
        ["a", 20],
        ["b", 20],
      ],
      expected: [
        ["a", 10, 20],
        ["b", 20, 20],
      ],
    },
  ] as const)("after $seen are $expected", ({ seen, expected }) => {
    const { list } = observeAll(seen);
    expect(list.map(({ value, fromMs, toMs }) => [value, fromMs, toMs])).toEqual(expected);
  });

  test("answer for a time with what was seen last, before the first time with the first", () => {
    const holdings = observeAll([
      ["a", 10],
      ["b", 20],
      ["b", 25],
    ]);
    expect([0, 10, 19, 20, 24, 100, Number.POSITIVE_INFINITY].map((time) => holdings.at(time))).toEqual([
      ..."aaabbbb",
    ]);
    expect(create().at(0)).toBe(undefined);
  });

  const anObservation = fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(30));

  test("in order answer as one that keeps every observation", () => {
    fc.assert(
      fc.property(fc.array(anObservation, { maxLength: 20 }), fc.nat(35), (unsorted, timeMs) => {
        const all = unsorted.toSorted(([, one], [, other]) => one - other);
        const before = all.filter(([, at]) => at <= timeMs);
        // Of several at the same time the last one counts, unless it ends what held before.
        const sameTime = before.filter(([, at]) => at === before.at(-1)?.[1]);
        const expected = new Set(before.length > 0 ? sameTime.map(([value]) => value) : [all[0]?.[0]]);
        const answer = observeAll(all).at(timeMs);
        if (before.length > 0) expect(expected).toContain(answer);
      }),
      { numRuns: runs(2000) },
    );
  });

  test("in any order have times that grow", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anObservation, { maxLength: 20, selector: ([, timeMs]) => timeMs }),
        (observations) => {
          const holdings = observeAll(observations);
          let last = Number.NEGATIVE_INFINITY;
          for (const { fromMs, toMs } of holdings.list) {
            expect(fromMs).toBeGreaterThanOrEqual(last);
            expect(toMs).toBeGreaterThanOrEqual(fromMs);
            last = toMs;
          }
        },
      ),
      { numRuns: runs(2000) },
    );
  });

  test("are at most 64, the latest", () => {
    const holdings = create();
    let count = 0;
    for (let index = 0; index < 1000; index++) count += holdings.observe(index % 2 === 0 ? "a" : "b", index);
    expect(count).toBe(64);
    expect(holdings.list[0]?.fromMs).toBe(936);
  });
});
