/** Strings of more bytes are decoded each time. */
const MAX_LENGTH = 128;

/** What an entry takes: its bytes, a string of as many characters with its header, and the arrays. */
const ENTRY_BYTES = 2 * MAX_LENGTH + 40;

/** The default bound of a cache, in bytes: about 3,500 strings. */
export const STRING_CACHE_BYTES = 1024 * 1024;

/** Up to this length, a string of ASCII is made faster than a TextDecoder does it. */
const SHORT = 48;

/**
 * Decodes UTF-8 strings, and remembers those that occur again: equal bytes yield the same string without decoding.
 *
 * A string of at most 128 bytes is stored when it is seen for the second time, so that identifiers that occur once do
 * not replace names that occur often. The cache never takes more memory than its bound; a newer string replaces one of
 * the two that can be at its place.
 */
export class StringCache {
  /** The number of pairs of entries minus 1, a mask; -1 if nothing is stored. */
  readonly #mask: number;
  /** By entry: the hash of its bytes and their length. Entries 2 × i and 2 × i + 1 are a pair. */
  readonly #hashes: Int32Array;
  readonly #lengths: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #texts: string[];
  /** The hashes of strings that were seen, by some of their bits. */
  readonly #seen: Int32Array;
  /** Which entry of a pair is replaced next. */
  #turn = 0;

  /** @param bound The maximum memory in bytes; below 592 nothing is stored. */
  constructor(bound: number = STRING_CACHE_BYTES) {
    const pairs = Math.floor(bound / (2 * ENTRY_BYTES));
    const count = pairs < 1 ? 0 : 2 ** Math.min(20, Math.floor(Math.log2(pairs)));
    this.#mask = count - 1;
    this.#hashes = new Int32Array(2 * count);
    this.#lengths = new Uint8Array(2 * count);
    this.#bytes = new Uint8Array(2 * count * MAX_LENGTH);
    this.#texts = new Array<string>(2 * count).fill("");
    this.#seen = new Int32Array(4 * count);
  }

  /**
   * Decodes the bytes from `at` on.
   *
   * @throws TypeError for invalid UTF-8.
   */
  read(bytes: Uint8Array, at: number, length: number): string {
    if (length === 0) return "";
    if (length > MAX_LENGTH || this.#mask < 0) return decode(bytes, at, length);
    const hash = hashOf(bytes, at, length);
    const entry = (hash & this.#mask) << 1;
    if (this.#hashes[entry] === hash && this.#holds(entry, bytes, at, length)) return this.#texts[entry]!;
    if (this.#hashes[entry + 1] === hash && this.#holds(entry + 1, bytes, at, length)) {
      return this.#texts[entry + 1]!;
    }
    return this.#miss(entry, hash, bytes, at, length);
  }

  #holds(entry: number, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#lengths[entry] !== length) return false;
    const stored = this.#bytes;
    let from = entry * MAX_LENGTH;
    let index = at;
    const end = at + length;
    for (const last = end - 4; index <= last; index += 4, from += 4) {
      if (
        stored[from] !== bytes[index] ||
        stored[from + 1] !== bytes[index + 1] ||
        stored[from + 2] !== bytes[index + 2] ||
        stored[from + 3] !== bytes[index + 3]
      ) {
        return false;
      }
    }
    for (; index < end; index++, from++) if (stored[from] !== bytes[index]) return false;
    return true;
  }

  #miss(entry: number, hash: number, bytes: Uint8Array, at: number, length: number): string {
    const text = decode(bytes, at, length);
    const place = hash & (this.#seen.length - 1);
    if (this.#seen[place] !== hash) {
      this.#seen[place] = hash;
      return text;
    }
    this.#turn ^= 1;
    const replaced = entry + this.#turn;
    this.#hashes[replaced] = hash;
    this.#lengths[replaced] = length;
    this.#texts[replaced] = text;
    const from = replaced * MAX_LENGTH;
    for (let index = 0; index < length; index++) this.#bytes[from + index] = bytes[at + index]!;
    return text;
  }
}

/** Hashes a few words of the bytes. Names often have the same beginning, so most are from the end. */
function hashOf(bytes: Uint8Array, at: number, length: number): number {
  let hash = length;
  if (length < 16) {
    for (let index = at; index < at + length; index++) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  } else {
    const middle = at + (length >> 1);
    const end = at + length;
    hash = Math.imul(hash ^ wordAt(bytes, end - 4), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ wordAt(bytes, end - 8), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ wordAt(bytes, end - 12), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ wordAt(bytes, middle), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ wordAt(bytes, at + (length >> 2)), 0x9e3779b1);
  }
  hash ^= hash >>> 15;
  return hash;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
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

/** The cache of all decoders and filters that have none of their own. Created when it is first used. */
let shared: StringCache | undefined;

export function sharedStrings(): StringCache {
  shared ??= new StringCache();
  return shared;
}
