import { copyOf } from "../../bytes/copy-string.js";
import { formatPrefix, type Prefix, parsePrefix } from "../../net/index.js";
import { hasPrefixBits } from "../../net/prefix.js";
import { CIDR_SOURCE } from "./label.js";

/** The prefix in the key of a label of source `cidr`. */
export interface CidrKey {
  readonly prefix: Prefix;
  /** Whether it was written as IPv6: to Go's `net/netip`, an IPv4-mapped address is never an IPv4 one. */
  readonly wide: boolean;
  /** Of the address as it was written: 0 to 32, or 0 to 128. */
  readonly length: number;
}

/**
 * Reads a key such as `10.0.0.0/8` or `2001-db8--0/32`, in which `-` stands for `:`, as cilium's `labels.LabelToPrefix`
 * does. It uses Go's `netip.ParsePrefix`, which other than `net.ParseCIDR` takes no length with leading zeros.
 */
export function parseCidrKey(key: string): CidrKey | undefined {
  if (key.length > LONGEST_KEY || LEADING_ZERO.test(key)) return undefined;
  const prefix = parsePrefix(key.replaceAll("-", ":"));
  if (prefix === undefined) return undefined;
  const wide = prefix.family === 6 || prefix.mapped;
  return { prefix, wide, length: wide && prefix.family === 4 ? prefix.length + 96 : prefix.length };
}

const LEADING_ZERO = /\/0[0-9]/;
/** No prefix is longer; what is, need not be looked at. */
const LONGEST_KEY = "0000:0000:0000:0000:0000:ffff:255.255.255.255/128".length;

/** Whether the first prefix holds all of the second. */
export function cidrKeyContains(outer: CidrKey, inner: CidrKey): boolean {
  return (
    outer.wide === inner.wide &&
    outer.length <= inner.length &&
    hasPrefixBits(outer.prefix, inner.prefix.words)
  );
}

/** The same text for the same prefix, however it was written. */
export function cidrKeyName({ prefix, wide }: CidrKey): string {
  return `${wide ? "IPv6" : "IPv4"} ${formatPrefix(prefix)}`;
}

/**
 * Remembers the prefixes of keys, because the same few come with most events: at most `limit` of them, each with a text
 * that keeps at most {@link MEMO_LABEL_LENGTH} characters alive.
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

  /** The prefix that stands in a label from `start` to `end`, if it is one. */
  read(label: string, start: number, end: number): CidrKey | undefined {
    const key = label.slice(start, end);
    // A part of a text keeps all of it alive.
    if (label.length > MEMO_LABEL_LENGTH) return parseCidrKey(key);
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known;
    const parsed = parseCidrKey(key);
    if (this.#known.size >= this.#limit) this.#known.clear();
    // The label may itself be a part of a longer text.
    this.#known.set(copyOf(key), parsed);
    return parsed;
  }
}

/** What every label of source `cidr` begins with. */
export const CIDR_START = `${CIDR_SOURCE}:`;

/** Room for any prefix and a short value. */
const MEMO_LABEL_LENGTH = 128;
