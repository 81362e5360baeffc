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
  /** The same by string, for names with escapes. */
  readonly byName: ReadonlyMap<string, number>;
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
  return { heads, next, starts, bytes, values: Int32Array.from(byName.values()), byName };
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
