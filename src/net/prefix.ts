import { checkArgument } from "../errors/check-argument.js";
import { aString, isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import { type Address, formatAddress, isIpv4, parseAddressInto } from "./address.js";
import { readWord } from "./word.js";

/** The bits of a prefix and their number. */
export interface PrefixBits {
  /** Prefix length in bits of the family: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
  /** The network address with host bits cleared, as an {@link Address}. */
  readonly words: Uint32Array;
  /** The network mask in the same form: for IPv4 the first three words are all ones. */
  readonly mask: Uint32Array;
}

/**
 * A network prefix, with the meaning of Go's `net.IPNet.Contains`. An IPv4-mapped IPv6 prefix of length 96 or more is
 * an IPv4 prefix (`::ffff:10.0.0.0/104` is `10.0.0.0/8`). Other IPv6 prefixes, including `::/0`, contain no IPv4
 * addresses.
 *
 * `words` is the lowest address of the prefix and `words | ~mask` the highest; both families share one range of 128-bit
 * numbers.
 */
export interface Prefix extends PrefixBits {
  readonly family: 4 | 6;
  /**
   * Whether the prefix was written as IPv4-mapped IPv6. If the family is 6, its length is below 96, most likely by
   * mistake: it contains neither IPv4 nor IPv4-mapped addresses.
   */
  readonly mapped: boolean;
}

export const aPrefix: ValueCheck<Prefix> = valueCheck(
  "a prefix as parsePrefix returns it",
  (value) => isObject(value) && "words" in value && value.words instanceof Uint32Array,
);

/**
 * Parses a prefix like Go's `net.ParseCIDR`: an address as in {@link parseAddress}, a slash, and a decimal length,
 * which may have leading zeros but no sign. Host bits are cleared. Returns undefined for an invalid prefix.
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
  const mask = maskAddress(words, wideBits);
  return {
    family: narrow ? 4 : 6,
    length: narrow ? wideBits - 96 : wideBits,
    words,
    mask,
    mapped: ipv4 && wide,
  };
}

/** Formats a prefix like Go's `IPNet.String`: `10.0.0.0/8` also for a prefix parsed from `::ffff:10.1.2.3/104`. */
export function formatPrefix(prefix: Prefix): string {
  checkArgument("formatPrefix", "prefix", prefix, aPrefix);
  return `${formatAddress(prefix.words)}/${prefix.length}`;
}

/** Whether a prefix contains an address, as Go's `IPNet.Contains`: IPv4 addresses are only in IPv4 prefixes. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix?.words === undefined) checkArgument("prefixContains", "prefix", prefix, aPrefix);
  return hasPrefixBits(prefix, address) && (prefix.family === 4 || !isIpv4(address));
}

/** Clears all but the first `bits` of 128 bits, and returns the mask. */
export function maskAddress(words: Address, bits: number): Uint32Array {
  const mask = new Uint32Array(4);
  for (let index = 0; index < 4; index++) {
    mask[index] = leadingOnes(bits - 32 * index);
    words[index]! &= mask[index]!;
  }
  return mask;
}

/** Whether an address starts with the bits of a prefix, regardless of families. */
export function hasPrefixBits({ words, mask }: PrefixBits, address: Address): boolean {
  return (
    ((address[3]! ^ words[3]!) & mask[3]!) === 0 &&
    ((address[2]! ^ words[2]!) & mask[2]!) === 0 &&
    ((address[1]! ^ words[1]!) & mask[1]!) === 0 &&
    ((address[0]! ^ words[0]!) & mask[0]!) === 0
  );
}

/**
 * Whether a prefix contains an address in a packet, by its bytes: IPv4 prefixes contain addresses of IPv4 packets, IPv6
 * prefixes those of IPv6 packets. Unlike in {@link prefixContains}, an IPv4-mapped address in an IPv6 packet is an IPv6
 * address: in `::/0`, not in `0.0.0.0/0`.
 *
 * @param start Offset of the address; the caller checks that its 4 or 16 bytes are in bounds.
 * @param family IP version of the packet.
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

/** Parses a decimal integer from `start` to the end of the string; -1 if it is invalid. */
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

/** A 32-bit word with `count` leading ones, clamped to 0 to 32. */
function leadingOnes(count: number): number {
  // JavaScript shifts modulo 32.
  if (count <= 0) return 0;
  return count >= 32 ? 0xffffffff : (-1 << (32 - count)) >>> 0;
}

function wordMatches(prefix: Prefix, index: number, bytes: Uint8Array, start: number): boolean {
  return ((readWord(bytes, start) ^ prefix.words[index]!) & prefix.mask[index]!) === 0;
}
