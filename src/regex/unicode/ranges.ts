/** A set of code points: the first and last of each range, sorted, neither overlapping nor adjacent. */
export type Ranges = readonly number[];

export const MAX_CODE_POINT = 0x10_ffff;

/** Sorts and merges unordered ranges, each given by its first and last code point. */
export function mergeRanges(ranges: readonly number[]): Ranges {
  const order: number[] = [];
  for (let at = 0; at < ranges.length; at += 2) order.push(at);
  order.sort((a, b) => ranges[a]! - ranges[b]!);
  const merged: number[] = [];
  for (const at of order) {
    const low = ranges[at]!;
    const high = ranges[at + 1]!;
    const last = merged.length - 1;
    if (last > 0 && low <= merged[last]! + 1) merged[last] = Math.max(merged[last]!, high);
    else merged.push(low, high);
  }
  return merged;
}

/** Returns the complement of the set. */
export function negateRanges(ranges: Ranges): Ranges {
  const negated: number[] = [];
  let next = 0;
  for (let at = 0; at < ranges.length; at += 2) {
    if (next < ranges[at]!) negated.push(next, ranges[at]! - 1);
    next = ranges[at + 1]! + 1;
  }
  if (next <= MAX_CODE_POINT) negated.push(next, MAX_CODE_POINT);
  return negated;
}

/** Returns the code points of `ranges` that are not in `removed`. */
export function subtractRanges(ranges: Ranges, removed: Ranges): Ranges {
  return negateRanges(mergeRanges([...negateRanges(ranges), ...removed]));
}
