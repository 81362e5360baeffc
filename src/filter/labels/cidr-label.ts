import { copyOf } from "../../bytes/copy-string.js";
import { formatNetipPrefix, type NetipPrefix, parseNetipPrefix } from "../../net/index.js";
import { hasPrefixBits } from "../../net/prefix.js";
import { CIDR_SOURCE } from "./label.js";

/**
 * Parses a key such as `10.0.0.0/8` or `2001-db8--0/32`, in which `-` stands for `:`, like cilium's
 * `labels.LabelToPrefix`. That function uses Go's `netip.ParsePrefix` in all versions. Returns undefined if the key is not
 * a prefix.
 */
export function parseCidrKey(key: string): NetipPrefix | undefined {
  if (key.length > LONGEST_KEY) return undefined;
  const prefix = parseNetipPrefix(key.replaceAll("-", ":"));
  return "value" in prefix ? prefix.value : undefined;
}

/** Longer keys cannot be prefixes and are not parsed. */
const LONGEST_KEY = "0000:0000:0000:0000:0000:ffff:255.255.255.255/128".length;

/** Whether `outer` contains all of `inner`. */
export function cidrKeyContains(outer: NetipPrefix, inner: NetipPrefix): boolean {
  return outer.family === inner.family && outer.length <= inner.length && hasPrefixBits(outer, inner.words);
}

/** A canonical string for a prefix: the same for every spelling. */
export function cidrKeyName(prefix: NetipPrefix): string {
  return `IPv${prefix.family} ${formatNetipPrefix(prefix)}`;
}

/**
 * Caches parsed keys because most events carry the same few prefixes. Holds at most `limit` entries, each with a key
 * from a label of at most {@link MEMO_LABEL_LENGTH} characters. It is cleared when full.
 */
export class CidrKeyMemo {
  readonly #limit: number;
  readonly #known = new Map<string, NetipPrefix | undefined>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Returns the prefix in a label between `start` and `end`; undefined if that substring is not a prefix. */
  read(label: string, start: number, end: number): NetipPrefix | undefined {
    const key = label.slice(start, end);
    // Do not cache keys of long labels: a substring keeps the whole string in memory.
    if (label.length > MEMO_LABEL_LENGTH) return parseCidrKey(key);
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known;
    const parsed = parseCidrKey(key);
    if (this.#known.size >= this.#limit) this.#known.clear();
    // Copy the key, as the label may itself be a substring of a longer string.
    this.#known.set(copyOf(key), parsed);
    return parsed;
  }
}

/** The beginning of every label of source `cidr`. */
export const CIDR_START = `${CIDR_SOURCE}:`;

/** Long enough for any prefix and a short value. */
const MEMO_LABEL_LENGTH = 128;
