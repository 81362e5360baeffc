import { ARENA, ARENA_WORDS } from "./arena.js";

const arena = ARENA;
const words = ARENA_WORDS;

/** The number of strings that are kept, a power of two. */
const ENTRIES = 4096;
const ENTRY_MASK = ENTRIES - 1;
/** Longer strings, which rarely repeat, are not kept. */
const MAX_KEPT_BYTES = 96;
/** Up to this length, a string is made faster than a TextDecoder does it. */
const SHORT_LENGTH = 40;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Strings by a hash of their bytes, and these bytes: labels, names and addresses repeat from flow to flow. A string is
 * kept when it occurs for the second time, so that identifiers that occur once cost little.
 */
interface KeptStrings {
  /** The hash of the last string of each entry. */
  readonly seen: Int32Array;
  readonly texts: string[];
  readonly bytes: Uint8Array;
  readonly words: DataView;
}

let kept: KeptStrings | undefined;

function createKept(): KeptStrings {
  const bytes = new Uint8Array(ENTRIES * MAX_KEPT_BYTES);
  const seen = new Int32Array(ENTRIES);
  kept = { seen, texts: new Array<string>(ENTRIES).fill(""), bytes, words: new DataView(bytes.buffer) };
  return kept;
}

/** Decodes bytes that are all ASCII. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length < 4 || length > MAX_KEPT_BYTES || bytes !== arena) return decode(bytes, start, end);
  const strings = kept ?? createKept();
  const hash =
    Math.imul(words.getInt32(start, true), 0x9e3779b1) ^
    Math.imul(words.getInt32(end - 4, true), 0x85ebca6b) ^
    Math.imul(words.getInt32(start + (length >> 1) - 2, true) ^ length, 0xc2b2ae35);
  const entry = (hash ^ (hash >>> 15)) & ENTRY_MASK;
  const known = strings.texts[entry]!;
  const from = entry * MAX_KEPT_BYTES;
  if (known.length === length && isEqual(strings.words, from, start, length)) return known;
  const text = decode(bytes, start, end);
  if (strings.seen[entry] !== hash) {
    strings.seen[entry] = hash;
    return text;
  }
  strings.texts[entry] = text;
  strings.bytes.set(bytes.subarray(start, end), from);
  return text;
}

/** Compares words of at least four bytes, the last of which overlaps the one before it. */
function isEqual(stored: DataView, from: number, start: number, length: number): boolean {
  const last = length - 4;
  for (let at = 0; at < last; at += 4) {
    if (stored.getInt32(from + at, true) !== words.getInt32(start + at, true)) return false;
  }
  return stored.getInt32(from + last, true) === words.getInt32(start + last, true);
}

/** By length: an array for the characters of a short string. */
const codes = Array.from({ length: SHORT_LENGTH + 1 }, (_, length) => new Array<number>(length).fill(0));

function decode(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > SHORT_LENGTH) return decoder.decode(bytes.subarray(start, end));
  const own = codes[length]!;
  for (let index = 0; index < length; index++) own[index] = bytes[start + index]!;
  return String.fromCharCode.apply(undefined, own);
}
