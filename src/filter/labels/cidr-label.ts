import { type Prefix, parsePrefix } from "../../net/index.js";
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
  if (outer.wide !== inner.wide || outer.length > inner.length) return false;
  const { words, mask } = outer.prefix;
  for (let index = 0; index < 4; index++) {
    if (((words[index]! ^ inner.prefix.words[index]!) & mask[index]!) !== 0) return false;
  }
  return true;
}

/**
 * Remembers the prefixes of labels, because the same few come with most events: at most `limit` of them, each with a text
 * of at most {@link MEMO_LABEL_LENGTH} characters.
 */
export class CidrLabelMemo {
  readonly #limit: number;
  readonly #known = new Map<string, CidrKey | undefined>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#known.size;
  }

  /** The prefix of a label `cidr:key` or `cidr:key=value`, if it is one. */
  read(label: string): CidrKey | undefined {
    // A part of a longer text would keep all of it alive.
    if (label.length > MEMO_LABEL_LENGTH) return parseCidrLabel(label);
    const known = this.#known.get(label);
    if (known !== undefined || this.#known.has(label)) return known;
    const parsed = parseCidrLabel(label);
    if (this.#known.size >= this.#limit) this.#known.clear();
    this.#known.set(label, parsed);
    return parsed;
  }
}

/** What every label of source `cidr` begins with. */
export const CIDR_START = `${CIDR_SOURCE}:`;

/** Room for any prefix and a short value. */
const MEMO_LABEL_LENGTH = 128;

function parseCidrLabel(label: string): CidrKey | undefined {
  const equals = label.indexOf("=", CIDR_START.length);
  return parseCidrKey(label.slice(CIDR_START.length, equals < 0 ? label.length : equals));
}
