/** Strings of more bytes are decoded each time. */
const MAX_LENGTH = 128;

/** What an entry takes: its bytes, a string of as many characters with its header, and the arrays. */
const ENTRY_BYTES = 2 * MAX_LENGTH + 40;

/** The default bound of a cache, in bytes: about 2,000 strings. */
const STRING_CACHE_BYTES = 1024 * 1024;

/** Up to this length, a string of ASCII is made faster than a TextDecoder does it. */
const SHORT = 40;

/**
 * Where messages can be copied before they are decoded: its strings are compared and hashed in words of four bytes, and
 * V8 knows where it is, so that copying pays from a few strings on.
 */
export const ARENA: Uint8Array = new Uint8Array(16 * 1024);
const arenaWords = new DataView(ARENA.buffer);

/** The strings of a cache. Entries 2 × i and 2 × i + 1 are a pair: a string can be in either of them. */
interface Table {
  /** The number of pairs minus 1, a mask; -1 if nothing is stored. */
  readonly mask: number;
  /** By entry: the hash of the string and its length in bytes. */
  readonly keys: Int32Array;
  /** By entry: the bytes. */
  readonly words: DataView;
  readonly texts: string[];
  /** The hashes of strings that were seen, by some of their bits. */
  readonly seen: Int32Array;
}

function createTable(bound: number): Table {
  const pairs = Math.floor(bound / (2 * ENTRY_BYTES));
  const entries = pairs < 1 ? 0 : 2 ** (1 + Math.floor(Math.log2(pairs)));
  return {
    mask: entries / 2 - 1,
    keys: new Int32Array(2 * entries),
    words: new DataView(new ArrayBuffer(entries * MAX_LENGTH)),
    texts: new Array<string>(entries).fill(""),
    seen: new Int32Array(2 * entries),
  };
}

/** A constant, because V8 then knows where its arrays are, which saves a third of the time. */
const SHARED_TABLE = createTable(STRING_CACHE_BYTES);

/**
 * Decodes UTF-8 strings, and remembers those that occur again: equal bytes yield the same string without decoding.
 *
 * A string of at most 128 bytes is stored when it is seen for the second time, so that identifiers that occur once do
 * not replace names that occur often. The cache never takes more memory than its bound; a newer string replaces one of
 * the two that can be at its place.
 */
export class StringCache {
  /** Undefined for the shared one. */
  readonly #own: Table | undefined;

  /** @param bound The maximum memory in bytes; below 592 nothing is stored. By default 1 MiB that all such caches share. */
  constructor(bound?: number) {
    this.#own = bound === undefined ? undefined : createTable(bound);
  }

  /**
   * Decodes the bytes from `at` on.
   *
   * @throws TypeError for invalid UTF-8.
   */
  read(bytes: Uint8Array, at: number, length: number): string {
    if (length === 0) return "";
    if (length > MAX_LENGTH) return decode(bytes, at, length);
    const own = this.#own;
    if (bytes === ARENA && length >= 4) {
      return own === undefined ? readArena(SHARED_TABLE, at, length) : readArena(own, at, length);
    }
    return readBytes(own ?? SHARED_TABLE, bytes, at, length);
  }
}

/** The cache of all decoders and filters that have none of their own. */
export const sharedStrings: StringCache = new StringCache();

function readArena(table: Table, at: number, length: number): string {
  const { mask, keys, texts } = table;
  if (mask < 0) return decode(ARENA, at, length);
  const hash = hashInArena(at, length);
  let entry = (hash & mask) << 1;
  if (keys[2 * entry] !== hash) entry++;
  const isEqual =
    keys[2 * entry] === hash && keys[2 * entry + 1] === length && equalsArena(table, entry, at, length);
  return isEqual ? texts[entry]! : miss(table, hash, ARENA, at, length);
}

/**
 * Compares words, the last of which overlaps the one before it. Does not stop at the first difference, because strings
 * with the same hash are nearly always equal.
 */
function equalsArena({ words }: Table, entry: number, at: number, length: number): boolean {
  const from = entry * MAX_LENGTH - at;
  const end = at + length - 4;
  let difference = words.getInt32(from + end, true) ^ arenaWords.getInt32(end, true);
  let index = at;
  for (; index < end - 4; index += 8) {
    difference |=
      (words.getInt32(from + index, true) ^ arenaWords.getInt32(index, true)) |
      (words.getInt32(from + index + 4, true) ^ arenaWords.getInt32(index + 4, true));
  }
  if (index < end) difference |= words.getInt32(from + index, true) ^ arenaWords.getInt32(index, true);
  return difference === 0;
}

function readBytes(table: Table, bytes: Uint8Array, at: number, length: number): string {
  const { mask, keys, texts } = table;
  if (mask < 0) return decode(bytes, at, length);
  const hash = hashOf(bytes, at, length);
  let entry = (hash & mask) << 1;
  if (keys[2 * entry] !== hash) entry++;
  const isEqual =
    keys[2 * entry] === hash && keys[2 * entry + 1] === length && equals(table, entry, bytes, at, length);
  return isEqual ? texts[entry]! : miss(table, hash, bytes, at, length);
}

function equals({ words }: Table, entry: number, bytes: Uint8Array, at: number, length: number): boolean {
  const from = entry * MAX_LENGTH;
  for (let index = 0; index < length; index++) {
    if (words.getUint8(from + index) !== bytes[at + index]) return false;
  }
  return true;
}

/** Decodes a string that is not stored, and stores it if its hash was seen before. */
function miss(
  { mask, keys, words, texts, seen }: Table,
  hash: number,
  bytes: Uint8Array,
  at: number,
  length: number,
): string {
  const text = decode(bytes, at, length);
  const place = hash & (seen.length - 1);
  if (seen[place] !== hash) {
    seen[place] = hash;
    return text;
  }
  turn ^= 1;
  const entry = ((hash & mask) << 1) + turn;
  keys[2 * entry] = hash;
  keys[2 * entry + 1] = length;
  texts[entry] = text;
  const from = entry * MAX_LENGTH;
  for (let index = 0; index < length; index++) words.setUint8(from + index, bytes[at + index]!);
  return text;
}

/** Which entry of a pair is replaced next. */
let turn = 0;

/** Hashes three words of a string. Names often have the same beginning, so the first word is not one of them. */
function hashOf(bytes: Uint8Array, at: number, length: number): number {
  if (length < 4) return mix(length, bytes[at]!, bytes[at + (length >> 1)]!, bytes[at + length - 1]!);
  const end = at + length;
  const last = wordAt(bytes, end - 4);
  if (length < 8) return mix(length, wordAt(bytes, at), last, 0);
  return mix(length, wordAt(bytes, end - 8), last, wordAt(bytes, at + (length >> 1) - 2));
}

/** {@link hashOf} for a string in the arena of at least four bytes. */
function hashInArena(at: number, length: number): number {
  const end = at + length;
  const last = arenaWords.getInt32(end - 4, true);
  if (length < 8) return mix(length, arenaWords.getInt32(at, true), last, 0);
  return mix(
    length,
    arenaWords.getInt32(end - 8, true),
    last,
    arenaWords.getInt32(at + (length >> 1) - 2, true),
  );
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function mix(length: number, first: number, second: number, third: number): number {
  const sum =
    Math.imul(first, 0x9e3779b1) + Math.imul(second, 0x85ebca6b) + Math.imul(third ^ length, 0xc2b2ae35);
  const hash = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** protobuf-es rejects invalid UTF-8 in strings of proto3, and keeps a byte-order mark. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** By length: an array for the characters of a short string. */
const codes = Array.from({ length: SHORT + 1 }, (_, length) => new Array<number>(length).fill(0));

function decode(bytes: Uint8Array, at: number, length: number): string {
  if (length <= SHORT) {
    const own = codes[length]!;
    for (let index = 0; index < length; index++) {
      const byte = bytes[at + index]!;
      if (byte > 0x7f) return decoder.decode(bytes.subarray(at, at + length));
      own[index] = byte;
    }
    return String.fromCharCode.apply(undefined, own);
  }
  return decoder.decode(bytes.subarray(at, at + length));
}
