import { copyOf } from "../../bytes/copy-string.js";
import { formatPrefix, type Prefix, parsePrefix } from "../../net/index.js";
import { hasPrefixBits } from "../../net/prefix.js";
import { CIDR_SOURCE } from "./label.js";

/** The prefix in the key of a label of source `cidr`. */
export interface CidrKey {
  readonly prefix: Prefix;
  /** Whether the prefix was written as IPv6. In Go's `net/netip`, an IPv4-mapped address is not an IPv4 address. */
  readonly wide: boolean;
  /** The prefix length in the notation of the key: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
}

/**
 * Parses a key such as `10.0.0.0/8` or `2001-db8--0/32`, in which `-` stands for `:`, like cilium's
 * `labels.LabelToPrefix`. That function uses Go's `netip.ParsePrefix`, which rejects lengths with leading zeros, unlike
 * `net.ParseCIDR`. Returns undefined if the key is not a prefix.
 */
export function parseCidrKey(key: string): CidrKey | undefined {
  if (key.length > LONGEST_KEY || LEADING_ZERO.test(key)) return undefined;
  const prefix = parsePrefix(key.replaceAll("-", ":"));
  if (prefix === undefined) return undefined;
  const wide = prefix.family === 6 || prefix.mapped;
  return { prefix, wide, length: wide && prefix.family === 4 ? prefix.length + 96 : prefix.length };
}

const LEADING_ZERO = /\/0[0-9]/;
/** Longer keys cannot be prefixes and are not parsed. */
const LONGEST_KEY = "0000:0000:0000:0000:0000:ffff:255.255.255.255/128".length;

/** Whether `outer` contains all of `inner`. */
export function cidrKeyContains(outer: CidrKey, inner: CidrKey): boolean {
  return (
    outer.wide === inner.wide &&
    outer.length <= inner.length &&
    hasPrefixBits(outer.prefix, inner.prefix.words)
  );
}

/** A canonical string for a prefix: the same for every spelling. */
export function cidrKeyName({ prefix, wide }: CidrKey): string {
  return `${wide ? "IPv6" : "IPv4"} ${formatPrefix(prefix)}`;
}

/**
 * Caches parsed keys because most events carry the same few prefixes. Holds at most `limit` entries, each with a key
 * from a label of at most {@link MEMO_LABEL_LENGTH} characters. It is cleared when full.
 */
export class CidrKeyMemo {
  readonly #limit: number;
  readonly #known = new Map<string, CidrKey | undefined>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Returns the prefix in a label between `start` and `end`; undefined if that substring is not a prefix. */
  read(label: string, start: number, end: number): CidrKey | undefined {
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
