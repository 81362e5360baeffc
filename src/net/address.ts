import { checkArgument } from "../errors/check-argument.js";
import { aString, aUint8Array, type ValueCheck, valueCheck } from "../errors/value-checks.js";

/**
 * An IP address as four 32-bit words, the most significant first, of its 16-byte form. An IPv4 address is represented
 * as the IPv4-mapped IPv6 address `::ffff:a.b.c.d`, as in Go's `net.IP`: both notations give the same value.
 */
export type Address = Uint32Array;

const anAddress: ValueCheck<Address> = valueCheck(
  "an address as parseAddress returns it",
  (value) => value instanceof Uint32Array,
);

/**
 * Parses an address like Go's `net.ParseIP`: dotted decimal without leading zeros, or an RFC 4291 string with at most
 * four hex digits per group and an optional dotted decimal tail. Zones, spaces, brackets, and shortened or octal IPv4
 * are invalid. Returns undefined for an invalid address.
 */
export function parseAddress(text: string): Address | undefined {
  const words = new Uint32Array(4);
  return parseAddressInto(text, words) ? words : undefined;
}

/**
 * Like {@link parseAddress}, but writes to `words` (four elements) and allocates nothing. Returns false for an invalid
 * address; the content of `words` is then undefined.
 */
export function parseAddressInto(text: string, words: Uint32Array): boolean {
  if (typeof text !== "string") checkArgument("parseAddress", "text", text, aString);
  // No string is valid in both notations, and each parser rejects the other at the first characters.
  return parseDotted(text, 0, words) || parseGroups(text, words);
}

/** Whether an address is IPv4, as in Go's `To4()`: true for `1.2.3.4` and for `::ffff:1.2.3.4`. */
export function isIpv4(address: Address): boolean {
  if (!(address instanceof Uint32Array)) checkArgument("isIpv4", "address", address, anAddress);
  return address[2] === MAPPED && address[1] === 0 && address[0] === 0;
}

/**
 * Formats an address like Go's `net.IP.String`: IPv4 and IPv4-mapped addresses in dotted decimal, others as in RFC
 * 5952, with the first of the longest runs of two or more zero groups as `::`.
 */
export function formatAddress(address: Address): string {
  if (!(address instanceof Uint32Array)) checkArgument("formatAddress", "address", address, anAddress);
  if (isIpv4(address)) return formatWord(address[3]!);
  for (let index = 0; index < 4; index++) {
    groups[2 * index] = address[index]! >>> 16;
    groups[2 * index + 1] = address[index]!;
  }
  return formatGroups();
}

/** Formats the four bytes at `start` in dotted decimal. The caller checks the bounds. */
export function formatIpv4(bytes: Uint8Array, start: number): string {
  if (!(bytes instanceof Uint8Array)) checkArgument("formatIpv4", "bytes", bytes, aUint8Array);
  return (
    DOTTED[bytes[start]!]! +
    DOTTED[bytes[start + 1]!]! +
    (DOTTED[bytes[start + 2]!]! + DECIMAL[bytes[start + 3]!]!)
  );
}

/**
 * Formats the 16 bytes at `start` like {@link formatAddress}: an IPv4-mapped address in dotted decimal. The caller
 * checks the bounds.
 */
export function formatIpv6(bytes: Uint8Array, start: number): string {
  if (!(bytes instanceof Uint8Array)) checkArgument("formatIpv6", "bytes", bytes, aUint8Array);
  for (let index = 0; index < 8; index++) {
    groups[index] = (bytes[start + 2 * index]! << 8) | bytes[start + 2 * index + 1]!;
  }
  const mapped =
    groups[5] === MAPPED && (groups[0]! | groups[1]! | groups[2]! | groups[3]! | groups[4]!) === 0;
  return mapped ? formatIpv4(bytes, start + 12) : formatGroups();
}

/** The third word of every IPv4 address. */
const MAPPED = 0xffff;

const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const LOWER_A_LESS_TEN = 0x57;

const DECIMAL: readonly string[] = Array.from({ length: 256 }, (_, octet) => `${octet}`);
const DOTTED: readonly string[] = DECIMAL.map((octet) => `${octet}.`);
const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16));
const PADDED_HEX: readonly string[] = HEX.map((octet) => octet.padStart(2, "0"));

// Scratch memory, safe to share because no function here calls back.
const groups = new Uint16Array(8);

/** Parses a dotted decimal address from `start` to the end of the string. */
export function parseDotted(text: string, start: number, words: Uint32Array): boolean {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (octet < 0) return false;
      value = (value << 8) | octet;
      octet = -1;
      dots++;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || octet === 0) return false;
    octet = octet < 0 ? digit : 10 * octet + digit;
    if (octet > 255) return false;
  }
  if (octet < 0 || dots !== 3) return false;
  words[0] = 0;
  words[1] = 0;
  words[2] = MAPPED;
  words[3] = (value << 8) | octet;
  return true;
}

/** Parses an IPv6 address without a zone, see RFC 4291 section 2.2. */
export function parseGroups(text: string, words: Uint32Array): boolean {
  const end = text.length;
  let index = 0;
  let count = 0;
  let gap = -1; // the number of groups before "::"
  if (end >= 2 && text.charCodeAt(0) === COLON && text.charCodeAt(1) === COLON) {
    gap = 0;
    index = 2;
  }
  while (index < end) {
    if (count === 8) return false;
    const start = index;
    let group = 0;
    let code = 0;
    for (; index < end; index++) {
      code = text.charCodeAt(index);
      let digit = code - ZERO;
      if (digit < 0) break;
      if (digit > 9) {
        digit = (code | 0x20) - LOWER_A_LESS_TEN;
        if (digit < 10 || digit > 15) break;
      }
      if (index - start === 4) return false;
      group = (group << 4) | digit;
    }
    if (index === start) return false;
    if (index < end && code === DOT) {
      if (count > 6 || !parseDotted(text, start, words)) return false;
      groups[count] = words[3]! >>> 16;
      groups[count + 1] = words[3]!;
      count += 2;
      break;
    }
    groups[count++] = group;
    if (index === end) break;
    if (code !== COLON || ++index === end) return false;
    if (text.charCodeAt(index) === COLON) {
      if (gap >= 0) return false;
      gap = count;
      index++;
    }
  }
  if (gap < 0 ? count !== 8 : count === 8) return false;
  if (gap >= 0) {
    groups.copyWithin(gap + 8 - count, gap, count);
    groups.fill(0, gap, gap + 8 - count);
  }
  for (let word = 0; word < 4; word++) words[word] = (groups[2 * word]! << 16) | groups[2 * word + 1]!;
  return true;
}

function formatWord(word: number): string {
  return (
    DOTTED[word >>> 24]! + DOTTED[(word >>> 16) & 255]! + (DOTTED[(word >>> 8) & 255]! + DECIMAL[word & 255]!)
  );
}

/** Formats `groups` as in RFC 5952, section 4. */
function formatGroups(): string {
  let gap = 8;
  let gapEnd = 8;
  let longest = 1; // a single zero group is not shortened
  for (let index = 0; index < 8; index++) {
    if (groups[index] !== 0) continue;
    const first = index;
    while (index < 8 && groups[index] === 0) index++;
    if (index - first > longest) {
      gap = first;
      gapEnd = index;
      longest = index - first;
    }
  }
  let text = "";
  for (let index = 0; index < gap; index++) text += index === 0 ? hex(groups[0]!) : `:${hex(groups[index]!)}`;
  if (gap === 8) return text;
  text += "::";
  for (let index = gapEnd; index < 8; index++)
    text += index === gapEnd ? hex(groups[index]!) : `:${hex(groups[index]!)}`;
  return text;
}

function hex(group: number): string {
  return group < 256 ? HEX[group]! : HEX[group >>> 8]! + PADDED_HEX[group & 255]!;
}
