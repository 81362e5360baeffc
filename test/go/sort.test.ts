import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goSort, STABLE_LENGTH } from "../../src/go/sort.js";

interface Item {
  readonly key: number;
  readonly index: number;
}

function sorted(keys: readonly number[]): Item[] {
  const items = keys.map((key, index) => ({ key, index }));
  goSort(items, (left, right) => left.key - right.key);
  return items;
}

/** FNV-1a over the elements. */
function hashOf(items: readonly number[]): number {
  return items.reduce((sum, item) => Math.imul(sum ^ item, 16777619), 2166136261) >>> 0;
}

/** Reversed, nearly sorted, few values, organ pipes. */
const keys = fc.oneof(
  fc.array(fc.nat(5), { maxLength: 300 }),
  fc.array(fc.nat(1000), { maxLength: 300 }),
  fc.nat(300).map((length) => Array.from({ length }, (_, index) => length - index)),
  fc.nat(300).map((length) => Array.from({ length }, (_, index) => Math.min(index, length - index))),
  fc
    .tuple(fc.nat(300), fc.array(fc.tuple(fc.nat(299), fc.nat(299)), { maxLength: 8 }))
    .map(([length, changes]) => {
      const list = Array.from({ length }, (_, index) => index);
      for (const [at, value] of changes) if (at < length) list[at] = value;
      return list;
    }),
);

describe("goSort", () => {
  test("sorts and preserves all elements", () => {
    fc.assert(
      fc.property(keys, (list) => {
        const items = sorted(list);
        expect(items.map(({ key }) => key)).toEqual([...list].sort((left, right) => left - right));
        expect(new Set(items.map(({ index }) => index)).size).toBe(list.length);
      }),
      { numRuns: 1000 },
    );
  });

  test("is stable for few elements", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: STABLE_LENGTH }), (list) => {
        const stable = list.map((key, index) => ({ key, index })).sort((left, right) => left.key - right.key);
        expect(sorted(list)).toEqual(stable);
      }),
    );
  });

  // A random comparison function exposes every comparison that the sort makes: one result in `odds` is "less", so that
  // branches are covered that consistent input does not reach. From Go 1.19.8, whose sort.Slice is that of 1.22.
  test.each([
    { length: 13, odds: 2, seed: 1, comparisons: 34, hash: 0x7662e21d },
    { length: 20, odds: 3, seed: 2, comparisons: 49, hash: 0xc46d7047 },
    { length: 49, odds: 2, seed: 3, comparisons: 198, hash: 0x12a227f1 },
    { length: 50, odds: 2, seed: 4, comparisons: 200, hash: 0x439400ea },
    { length: 60, odds: 9, seed: 5, comparisons: 149, hash: 0xa5e5d50d },
    { length: 100, odds: 2, seed: 6, comparisons: 416, hash: 0x6fb65207 },
    { length: 100, odds: 40, seed: 7, comparisons: 328, hash: 0xccb79149 },
    { length: 200, odds: 3, seed: 8, comparisons: 980, hash: 0xe7ff0f5b },
    { length: 300, odds: 60, seed: 9, comparisons: 835, hash: 0xae6a36f3 },
    { length: 500, odds: 100, seed: 10, comparisons: 1221, hash: 0x77e2c1b1 },
    { length: 1000, odds: 2, seed: 11, comparisons: 4218, hash: 0x2dc79ec3 },
    { length: 1000, odds: 200, seed: 12, comparisons: 2475, hash: 0x11da178b },
    { length: 2000, odds: 33, seed: 13, comparisons: 4172, hash: 0x2a477821 },
    { length: 4096, odds: 50, seed: 14, comparisons: 8599, hash: 0x031280a9 },
  ])(
    "makes the same comparisons as Go: $length elements, 1/$odds",
    ({ length, odds, seed, comparisons, hash }) => {
      const items = Array.from({ length }, (_, index) => index);
      let state = seed;
      let count = 0;
      goSort(items, () => {
        count++;
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state >>> 8) % odds === 0 ? -1 : 1;
      });
      expect(count).toBe(comparisons);
      expect(hashOf(items)).toBe(hash);
    },
  );

  // McIlroy's adversary decides the order during the sort, so that every pivot is among the smallest, until heapsort
  // takes over. https://www.cs.dartmouth.edu/~doug/mdmspe.pdf
  test.each([
    { length: 500, seed: 1, comparisons: 5133, hash: 0x72b9d5bd },
    { length: 1000, seed: 2, comparisons: 25923, hash: 0x1ec36a97 },
    { length: 4096, seed: 3, comparisons: 137610, hash: 0xcb40f72f },
  ])("makes the same comparisons as Go with an adversary: $length elements", (golden) => {
    const items = Array.from({ length: golden.length }, (_, index) => index);
    const value = items.map(() => Number.POSITIVE_INFINITY);
    const open = (item: number) => value[item] === Number.POSITIVE_INFINITY;
    let state = golden.seed;
    let decided = 0;
    let candidate = -1;
    let count = 0;
    goSort(items, (left, right) => {
      count++;
      if (open(left) && open(right)) {
        let lesser = left === candidate ? left : right;
        if (left !== candidate && right !== candidate) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          if (((state >>> 16) & 1) === 1) lesser = left;
        }
        value[lesser] = decided++;
      }
      if (open(left)) candidate = left;
      else if (open(right)) candidate = right;
      return value[left]! < value[right]! ? -1 : 1;
    });
    expect(count).toBe(golden.comparisons);
    expect(hashOf(items)).toBe(golden.hash);
  });
});
