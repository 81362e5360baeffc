import type { Prefix } from "../../../../net/index.js";
import { Rows, type Shape, type TableBytes } from "./table-rows.js";

/** IPv4 addresses: interval bounds less 1, 32 bits each, padded to a power of two; then as many row offsets. */
export interface WordTable {
  readonly kind: "words";
  readonly boundsAt: number;
  readonly entries: number;
  readonly rowsAt: number;
  readonly rows: number;
}

/**
 * IPv6 addresses: negated interval bounds of the first 64 bits, padded to a power of two; then as many 64-bit values. A
 * value is the offset of a row or, if its upper half is not 0, the offset of a list in `lower`, with the list's length
 * in the upper half. Each list starts with the lowest value of the last 64 bits and has at most `lower.span` entries.
 * Padding after the last list allows reads past its end.
 */
export interface LongTable {
  readonly kind: "longs";
  readonly boundsAt: number;
  readonly entries: number;
  readonly rowsAt: number;
  readonly rows: number;
  readonly lower?: {
    readonly boundsAt: number;
    /** Distance from the bounds to the row offsets, in bytes; both have 64 bits per entry. */
    readonly valuesDistance: number;
    readonly span: number;
    /** The largest list offset. */
    readonly lastList: number;
  };
}

/** Builds the table of a side's prefixes; undefined if all of them match every address. */
export function buildPrefixes(
  prefixes: readonly Prefix[],
  family: 4 | 6,
  shape: Shape,
  bytes: TableBytes,
): WordTable | LongTable | undefined {
  if (prefixes.every(({ length }) => length === 0)) return undefined;
  const rows = new Rows(shape);
  const intervals = intervalsOf(prefixes, family, rows);
  return family === 4 ? buildWords(intervals, rows, bytes) : buildLongs(intervals, rows, bytes);
}

/** All addresses from `from` up to the next interval. */
interface Interval {
  readonly from: bigint;
  readonly row: number;
}

/**
 * Splits the addresses of a family into intervals that are in the same prefixes. Two prefixes are either nested or
 * disjoint, so the innermost prefix of an address determines all others: its row is the row of the enclosing prefix
 * plus its own bits.
 */
function intervalsOf(prefixes: readonly Prefix[], family: 4 | 6, rows: Rows): readonly Interval[] {
  const bits = family === 4 ? 32 : 128;
  const byStart = new Map<string, { from: bigint; to: bigint; filters: number[] }>();
  prefixes.forEach(({ words, length }, filter) => {
    const key = `${words.join()}/${length}`;
    const known = byStart.get(key);
    if (known !== undefined) {
      known.filters.push(filter);
      return;
    }
    const from = numberOf(words, family);
    byStart.set(key, { from, to: from + (1n << BigInt(bits - length)), filters: [filter] });
  });
  const whole = { from: 0n, to: 1n << BigInt(bits), filters: [] as number[] };
  const sorted = [whole, ...byStart.values()].sort((a, b) => compare(a.from, b.from) || compare(b.to, a.to));

  const intervals: Interval[] = [];
  const begin = (from: bigint, row: number) => {
    if (intervals.at(-1)?.from === from) intervals.pop();
    intervals.push({ from, row });
  };
  const around: { readonly to: bigint; readonly row: number }[] = [];
  const leave = () => {
    const { to } = around.pop()!;
    const outer = around.at(-1);
    if (outer !== undefined && to < outer.to) begin(to, outer.row);
  };
  for (const { from, to, filters } of sorted) {
    while (around.length > 0 && around.at(-1)!.to <= from) leave();
    const row = rows.add(around.at(-1)?.row);
    for (const filter of filters) rows.set(row, filter);
    begin(from, row);
    around.push({ to, row });
  }
  while (around.length > 0) leave();
  return intervals;
}

function numberOf(words: Uint32Array, family: 4 | 6): bigint {
  if (family === 4) return BigInt(words[3]!);
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function buildWords(intervals: readonly Interval[], rows: Rows, bytes: TableBytes): WordTable {
  const entries = powerAbove(intervals.length);
  // Padding after the last interval: no address is above these bounds.
  const table = new Uint32Array(2 * entries).fill(0xffff_ffff, 0, entries);
  intervals.forEach(({ from, row }, index) => {
    table[index] = Number(BigInt.asUintN(32, from - 1n));
    table[entries + index] = rows.offsetOf(row);
  });
  return {
    kind: "words",
    boundsAt: bytes.add(table),
    entries,
    rowsAt: bytes.add(rows.concat()),
    rows: rows.count,
  };
}

function buildLongs(intervals: readonly Interval[], rows: Rows, bytes: TableBytes): LongTable {
  const upper: { readonly from: bigint; readonly list: Interval[] }[] = [];
  for (const { from, row } of intervals) {
    const high = from >> 64n;
    const low = BigInt.asUintN(64, from);
    const last = upper.at(-1);
    if (last?.from === high) {
      last.list.push({ from: low, row });
      continue;
    }
    const before = last?.list.at(-1)?.row ?? row;
    // A list covers a single upper half; its last row continues after it.
    if (last !== undefined && last.list.length > 1 && last.from + 1n < high) {
      upper.push({ from: last.from + 1n, list: [{ from: 0n, row: before }] });
    }
    upper.push({
      from: high,
      list:
        low === 0n
          ? [{ from: 0n, row }]
          : [
              { from: 0n, row: before },
              { from: low, row },
            ],
    });
  }
  const last = upper.at(-1)!;
  if (last.list.length > 1 && last.from + 1n < 1n << 64n) {
    upper.push({ from: last.from + 1n, list: [{ from: 0n, row: last.list.at(-1)!.row }] });
  }
  const lists = upper.filter(({ list }) => list.length > 1);
  const span = Math.max(0, ...lists.map(({ list }) => list.length));
  const lowerEntries = lists.reduce((sum, { list }) => sum + list.length, 0) + powerAbove(span);
  const lowerTable = new BigUint64Array(2 * lowerEntries);
  const entries = powerAbove(upper.length);
  const table = new BigUint64Array(2 * entries);
  let next = 0;
  let lastList = 0;
  upper.forEach(({ from, list }, index) => {
    table[index] = negated(from);
    if (list.length === 1) {
      table[entries + index] = BigInt(rows.offsetOf(list[0]!.row));
      return;
    }
    lastList = 8 * next;
    table[entries + index] = (BigInt(list.length) << 32n) | BigInt(lastList);
    for (const { from: low, row } of list) {
      lowerTable[next] = negated(low);
      lowerTable[lowerEntries + next] = BigInt(rows.offsetOf(row));
      next++;
    }
  });
  return {
    kind: "longs",
    boundsAt: bytes.add(table),
    entries,
    rowsAt: bytes.add(rows.concat()),
    rows: rows.count,
    ...(lists.length > 0 && {
      lower: { boundsAt: bytes.add(lowerTable), valuesDistance: 8 * lowerEntries, span, lastList },
    }),
  };
}

/**
 * Returns the number whose sum with a 64-bit value carries exactly if the value is not below the bound. The bound must
 * not be 0.
 */
function negated(bound: bigint): bigint {
  return BigInt.asUintN(64, -bound);
}

/** Returns the lowest power of two that is not below `count`; at least 1. */
function powerAbove(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(count, 1)));
}
