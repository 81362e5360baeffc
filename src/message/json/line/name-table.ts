import { ARENA_WORDS } from "./arena.js";

const words = ARENA_WORDS;

/** The number of buckets, a power of two. */
const BUCKETS = 512;
const BUCKET_MASK = BUCKETS - 1;

/** Numbers by ASCII names, found by their bytes without creating a string. */
export interface NameTable {
  /** The first entry of each bucket; -1 if it is empty. */
  readonly heads: Int16Array;
  /** The next entry of the same bucket; -1 for the last one. */
  readonly next: Int16Array;
  /** Where the name of each entry starts in `bytes`, and where the last one ends. */
  readonly starts: Int32Array;
  readonly bytes: Uint8Array;
  readonly values: Int32Array;
  /** Where the quoted name of each entry, with a colon, starts in `patterns`, and where the last one ends. */
  readonly patternStarts: Int32Array;
  readonly patterns: DataView;
  /**
   * The entry that followed each entry the last time, and, as the last element, the first one; -1 if unknown. Lines of
   * one program have their members in the same order.
   */
  readonly followers: Int16Array;
}

/** Creates a table. All names are ASCII, as are the names of a proto file. */
export function createNameTable(byName: ReadonlyMap<string, number>): NameTable {
  const names = [...byName.keys()];
  const bytes = new TextEncoder().encode(names.join(""));
  const heads = new Int16Array(BUCKETS).fill(-1);
  const next = new Int16Array(names.length);
  const starts = new Int32Array(names.length + 1);
  names.forEach((name, entry) => {
    const start = starts[entry]!;
    const end = start + name.length;
    starts[entry + 1] = end;
    const bucket = bucketOf(bytes, start, end);
    next[entry] = heads[bucket]!;
    heads[bucket] = entry;
  });
  const patterns = names.map((name) => `"${name}":`);
  let patternEnd = 0;
  const patternEnds = patterns.map((pattern) => (patternEnd += pattern.length));
  return {
    heads,
    next,
    starts,
    bytes,
    values: Int32Array.from(byName.values()),
    patternStarts: Int32Array.of(0, ...patternEnds),
    patterns: new DataView(new TextEncoder().encode(patterns.join("")).slice().buffer),
    followers: new Int16Array(names.length + 1).fill(-1),
  };
}

/**
 * The position in the arena after a quoted name and its colon, if they are those of an entry; otherwise -1. Compares
 * words of four bytes, the last of which overlaps the one before it: the shortest pattern has four bytes.
 */
export function matchPattern(table: NameTable, entry: number, start: number, end: number): number {
  const { patternStarts, patterns } = table;
  const from = patternStarts[entry]!;
  const last = patternStarts[entry + 1]! - 4;
  const after = start + last + 4 - from;
  if (after > end || patterns.getInt32(last, true) !== words.getInt32(after - 4, true)) return -1;
  for (let at = from; at < last; at += 4) {
    if (patterns.getInt32(at, true) !== words.getInt32(start + at - from, true)) return -1;
  }
  return after;
}

/** The entry of a name; -1 if the table does not have it. */
export function findName(table: NameTable, bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  const { heads, next, starts } = table;
  const names = table.bytes;
  const length = end - start;
  let entry = heads[bucketOf(bytes, start, end)]!;
  while (entry >= 0) {
    const nameStart = starts[entry]!;
    if (starts[entry + 1]! - nameStart === length) {
      let at = 0;
      while (at < length && bytes[start + at] === names[nameStart + at]) at++;
      if (at === length) return entry;
    }
    entry = next[entry]!;
  }
  return -1;
}

/** By the length and three bytes, which differ for nearly all names of a message. */
function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  return (
    (length * 67 + bytes[start]! * 31 + bytes[start + (length >> 1)]! * 17 + bytes[end - 1]! * 5) &
    BUCKET_MASK
  );
}
