import { checkArgument } from "../errors/check-argument.js";
import { aString, isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import { type Address, formatAddress, isIpv4, parseAddressInto } from "./address.js";
import { readWord } from "./word.js";

/**
 * A set of addresses that begin alike: what Go's `net.IPNet` means to `Contains`. Written as IPv4-mapped IPv6 with a
 * length of 96 or more it *is* the IPv4 prefix (`::ffff:10.0.0.0/104` is `10.0.0.0/8`). Any other IPv6 prefix, `::/0`
 * included, holds no IPv4 address.
 *
 * `words` is the lowest address of the prefix and `words | ~mask` the highest; both families lie on one line of
 * 128-bit numbers.
 */
export interface Prefix {
  readonly family: 4 | 6;
  /** In bits of the family's own: 0 to 32, or 0 to 128. */
  readonly length: number;
  /** The network address, host bits off, in the 16-byte form of {@link Address}. */
  readonly words: Uint32Array;
  /** The bits that count, in the 16-byte form: for IPv4 the first three words are all ones. */
  readonly mask: Uint32Array;
  /**
   * Whether the text was IPv4-mapped IPv6. With family 6 its length was below 96, which is hardly what its author
   * meant: it holds neither IPv4 nor IPv4-mapped addresses.
   */
  readonly mapped: boolean;
}

export const aPrefix: ValueCheck<Prefix> = valueCheck(
  "a prefix as parsePrefix returns it",
  (value) => isObject(value) && "words" in value && value.words instanceof Uint32Array,
);

/**
 * Reads what Go's `net.ParseCIDR` reads: an address as {@link parseAddress} has it, a slash, and a decimal length that may
 * have leading zeros but no sign. Host bits may be set; they are dropped.
 */
export function parsePrefix(text: string): Prefix | undefined {
  checkArgument("parsePrefix", "text", text, aString);
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = text.slice(0, slash);
  const words = new Uint32Array(4);
  if (!parseAddressInto(address, words)) return undefined;
  const wide = address.includes(":");
  const bits = parseLength(text, slash + 1);
  if (bits < 0 || bits > (wide ? 128 : 32)) return undefined;

  const wideBits = wide ? bits : bits + 96;
  const ipv4 = isIpv4(words);
  const narrow = ipv4 && wideBits >= 96;
  const mask = new Uint32Array(4);
  for (let index = 0; index < 4; index++) {
    mask[index] = leadingOnes(wideBits - 32 * index);
    words[index]! &= mask[index]!;
  }
  return {
    family: narrow ? 4 : 6,
    length: narrow ? wideBits - 96 : wideBits,
    words,
    mask,
    mapped: ipv4 && wide,
  };
}

/** Writes what Go's `IPNet.String` writes: `10.0.0.0/8` also for a prefix read from `::ffff:10.1.2.3/104`. */
export function formatPrefix(prefix: Prefix): string {
  checkArgument("formatPrefix", "prefix", prefix, aPrefix);
  return `${formatAddress(prefix.words)}/${prefix.length}`;
}

/** Go's `IPNet.Contains`: an IPv4 address, however it was written, is in IPv4 prefixes only. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix?.words === undefined) checkArgument("prefixContains", "prefix", prefix, aPrefix);
  return hasPrefixBits(prefix, address) && (prefix.family === 4 || !isIpv4(address));
}

/** Whether an address begins with the bits of a prefix, be it of one family or the other. */
export function hasPrefixBits({ words, mask }: Prefix, address: Address): boolean {
  return (
    ((address[3]! ^ words[3]!) & mask[3]!) === 0 &&
    ((address[2]! ^ words[2]!) & mask[2]!) === 0 &&
    ((address[1]! ^ words[1]!) & mask[1]!) === 0 &&
    ((address[0]! ^ words[0]!) & mask[0]!) === 0
  );
}

/**
 * Whether an address in a packet is in the prefix, by its bytes alone: an IPv4 prefix holds addresses of IPv4 packets,
 * an IPv6 prefix those of IPv6 packets. Other than in {@link prefixContains}, an IPv4-mapped address in an IPv6 packet
 * is the 16 bytes it is: in `::/0`, not in `0.0.0.0/0`. `family` is the packet's; the caller knows that the 4 or 16
 * bytes at `start` are there.
 */
export function prefixContainsBytes(
  prefix: Prefix,
  bytes: Uint8Array,
  start: number,
  family: 4 | 6,
): boolean {
  if (prefix?.words === undefined) checkArgument("prefixContainsBytes", "prefix", prefix, aPrefix);
  if (prefix.family !== family) return false;
  if (family === 4) return wordMatches(prefix, 3, bytes, start);
  return (
    wordMatches(prefix, 0, bytes, start) &&
    wordMatches(prefix, 1, bytes, start + 4) &&
    wordMatches(prefix, 2, bytes, start + 8) &&
    wordMatches(prefix, 3, bytes, start + 12)
  );
}

/** The decimal number from `start` to the end of the text, or -1 if it is none. */
function parseLength(text: string, start: number): number {
  if (start === text.length) return -1;
  let length = 0;
  for (let index = start; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = 10 * length + digit;
  }
  return length;
}

/** A 32-bit word that begins with `count` ones; below 0 counts as 0, above 32 as 32. */
function leadingOnes(count: number): number {
  // A shift by 32 would be one by 0.
  if (count <= 0) return 0;
  return count >= 32 ? 0xffffffff : (-1 << (32 - count)) >>> 0;
}

function wordMatches(prefix: Prefix, index: number, bytes: Uint8Array, start: number): boolean {
  return ((readWord(bytes, start) ^ prefix.words[index]!) & prefix.mask[index]!) === 0;
}
