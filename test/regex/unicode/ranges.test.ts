import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_CODE_POINT,
  mergeRanges,
  negateRanges,
  subtractRanges,
} from "../../../src/regex/unicode/ranges.js";

const range = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.nat(6), fc.boolean())
  .map(([low, length, high]) => {
    const first = high ? MAX_CODE_POINT - low : low;
    return [first, Math.min(first + length, MAX_CODE_POINT)] as const;
  });
const ranges = fc.array(range, { maxLength: 12 }).map((list) => list.flat());
/** Where sets of such ranges can begin or end. */
const candidates = [...Array(60).keys()].flatMap((at) => [at, MAX_CODE_POINT - at]);

function has(ends: readonly number[], codePoint: number): boolean {
  for (let at = 0; at < ends.length; at += 2) {
    if (codePoint >= ends[at]! && codePoint <= ends[at + 1]!) return true;
  }
  return false;
}

function isCanonical(ends: readonly number[]): boolean {
  return ends.every((end, at) => at === 0 || (at % 2 === 0 ? end > ends[at - 1]! + 1 : end >= ends[at - 1]!));
}

describe("mergeRanges, negateRanges, subtractRanges", () => {
  test("mergeRanges: keeps the set, sorted and without overlap", () => {
    fc.assert(
      fc.property(ranges, (ends) => {
        const merged = mergeRanges(ends);
        expect(isCanonical(merged)).toBe(true);
        expect(candidates.filter((at) => has(merged, at) !== has(ends, at))).toEqual([]);
      }),
    );
  });

  test("negateRanges, subtractRanges: agree with membership", () => {
    fc.assert(
      fc.property(ranges, ranges, (one, other) => {
        const [set, removed] = [mergeRanges(one), mergeRanges(other)];
        const [others, rest] = [negateRanges(set), subtractRanges(set, removed)];
        expect([others, rest].every(isCanonical)).toBe(true);
        expect(candidates.filter((at) => has(others, at) === has(set, at))).toEqual([]);
        expect(candidates.filter((at) => has(rest, at) !== (has(set, at) && !has(removed, at)))).toEqual([]);
        expect(negateRanges(others)).toEqual(set);
      }),
    );
  });
});
