import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixContainsBytes,
} from "../../src/net/index.js";
import { runs } from "../support/amount.js";
import { addressValue, nearlyAddress } from "./arbitrary.js";
import {
  fromWords,
  naiveContains,
  naiveContainsBytes,
  naiveFormatAddress,
  naiveFormatPrefix,
  naiveParsePrefix,
  toBytes,
  toWords,
} from "./naive.js";

/** The network that Go's net.ParseCIDR(text) returns, "" for an error. */
const CASES: readonly { text: string; go: string; name: string }[] = [
  { text: "10.0.0.0/8", go: "10.0.0.0/8", name: "a plain prefix" },
  { text: "10.1.2.3/8", go: "10.0.0.0/8", name: "host bits are dropped" },
  { text: "1.1.1.130/26", go: "1.1.1.128/26", name: "host bits are dropped inside an octet" },
  { text: "255.255.255.255/0", go: "0.0.0.0/0", name: "length 0" },
  { text: "255.255.255.255/1", go: "128.0.0.0/1", name: "length 1" },
  { text: "255.255.255.255/31", go: "255.255.255.254/31", name: "length 31" },
  { text: "255.255.255.255/32", go: "255.255.255.255/32", name: "length 32" },
  { text: "10.0.0.0/08", go: "10.0.0.0/8", name: "a leading zero in the length" },
  { text: "10.0.0.0/008", go: "10.0.0.0/8", name: "two leading zeros in the length" },
  {
    text: "10.0.0.0/00000000000000000000000000000008",
    go: "10.0.0.0/8",
    name: "many leading zeros in the length",
  },
  { text: "10.0.0.0/000", go: "0.0.0.0/0", name: "a length of zeros" },
  { text: "2001:DB8::1/32", go: "2001:db8::/32", name: "IPv6, host bits and capitals" },
  { text: "2001:db8::/032", go: "2001:db8::/32", name: "IPv6 with a leading zero in the length" },
  { text: "ffff::/0", go: "::/0", name: "IPv6 length 0" },
  { text: "ffff::/1", go: "8000::/1", name: "IPv6 length 1" },
  { text: "::1/127", go: "::/127", name: "IPv6 length 127" },
  { text: "::1/128", go: "::1/128", name: "IPv6 length 128" },
  { text: "1:2:3:4:5:6:7:8/32", go: "1:2::/32", name: "a length of one word" },
  { text: "1:2:3:4:5:6:7:8/33", go: "1:2::/33", name: "a length of one word and a bit" },
  { text: "1:2:3:4:5:6:7:8/64", go: "1:2:3:4::/64", name: "a length of two words" },
  { text: "1:2:3:4:5:6:7:8/96", go: "1:2:3:4:5:6::/96", name: "a length of three words" },
  { text: "::ffff:10.1.2.3/104", go: "10.0.0.0/8", name: "IPv4-mapped is the IPv4 prefix" },
  { text: "::ffff:1.1.1.1/128", go: "1.1.1.1/32", name: "IPv4-mapped host" },
  { text: "::ffff:102:300/120", go: "1.2.3.0/24", name: "IPv4-mapped in hex" },
  { text: "::ffff:1.2.3.4/96", go: "0.0.0.0/0", name: "IPv4-mapped, length 96, is all of IPv4" },
  { text: "::ffff:0:0/96", go: "0.0.0.0/0", name: "the IPv4-mapped network" },
  { text: "::ffff:10.0.0.0/95", go: "::fffe:0:0/95", name: "IPv4-mapped below 96 is IPv6" },
  { text: "::ffff:1.1.1.1/90", go: "::ffc0:0:0/90", name: "IPv4-mapped of length 90" },
  { text: "::ffff:1.1.1.1/80", go: "::/80", name: "IPv4-mapped of length 80" },
  { text: "::ffff:1.1.1.1/33", go: "::/33", name: "a length that is too long for IPv4" },
  { text: "::ffff:1.1.1.1/24", go: "::/24", name: "an IPv4 length, an IPv4-mapped address" },
  { text: "::1.2.3.4/120", go: "::102:300/120", name: "IPv4-compatible remains IPv6" },
  { text: "", go: "", name: "nothing" },
  { text: "/", go: "", name: "a slash" },
  { text: "/8", go: "", name: "a missing address" },
  { text: "10.0.0.0", go: "", name: "a missing slash" },
  { text: "10.0.0.0/", go: "", name: "a missing length" },
  { text: "10.0.0.0/33", go: "", name: "33 for IPv4" },
  { text: "10.0.0.0/128", go: "", name: "an IPv6 length for IPv4" },
  { text: "::/129", go: "", name: "129 for IPv6" },
  { text: "::ffff:1.2.3.4/129", go: "", name: "129 for IPv4-mapped" },
  { text: "10.0.0.0/16777216", go: "", name: "Go's limit for numbers" },
  { text: "10.0.0.0/4294967304", go: "", name: "a length that overflows 32 bits to 8" },
  { text: "10.0.0.0/99999999999999999999", go: "", name: "a length beyond 64 bits" },
  { text: "10.0.0.0/-1", go: "", name: "a minus sign" },
  { text: "10.0.0.0/+8", go: "", name: "a plus sign" },
  { text: "10.0.0.0/0x8", go: "", name: "a hex length" },
  { text: "10.0.0.0/8.0", go: "", name: "a fraction" },
  { text: "10.0.0.0/1e1", go: "", name: "an exponent" },
  { text: "10.0.0.0/a", go: "", name: "a letter" },
  { text: "10.0.0.0/8a", go: "", name: "a letter after the length" },
  { text: "10.0.0.0/ 8", go: "", name: "a space before the length" },
  { text: "10.0.0.0/8 ", go: "", name: "a space after the length" },
  { text: " 10.0.0.0/8", go: "", name: "a space before" },
  { text: "10.0.0.0 /8", go: "", name: "a space before the slash" },
  { text: "10.0.0.0/8/8", go: "", name: "two slashes" },
  { text: "10.0.0.0//8", go: "", name: "a doubled slash" },
  { text: "10.0.0.0/\u0668", go: "", name: "an Arabic digit" },
  { text: "10.0.0.0/255.0.0.0", go: "", name: "a dotted mask" },
  { text: "1.2.3/8", go: "", name: "three octets" },
  { text: "10/8", go: "", name: "one octet" },
  { text: "010.0.0.0/8", go: "", name: "a leading zero in the address" },
  { text: "10.0.0.256/8", go: "", name: "an octet of 256" },
  { text: "fe80::1%eth0/64", go: "", name: "a zone" },
  { text: "fe80::/64%eth0", go: "", name: "a zone after the length" },
  { text: "[::]/0", go: "", name: "brackets" },
  { text: "1::2::3/64", go: "", name: "two gaps" },
];

test.each(CASES)("parsePrefix: $name: $text", ({ text, go }) => {
  const prefix = parsePrefix(text);
  expect(prefix === undefined ? "" : formatPrefix(prefix)).toBe(go);
});

test.each<{ text: string } & Omit<Prefix, "words" | "mask"> & { words: number[]; mask: number[] }>([
  {
    text: "10.1.2.3/9",
    family: 4,
    length: 9,
    words: [0, 0, 0xffff, 0x0a000000],
    mask: [0xffffffff, 0xffffffff, 0xffffffff, 0xff800000],
    mapped: false,
  },
  {
    text: "::ffff:10.1.2.3/104",
    family: 4,
    length: 8,
    words: [0, 0, 0xffff, 0x0a000000],
    mask: [0xffffffff, 0xffffffff, 0xffffffff, 0xff000000],
    mapped: true,
  },
  {
    text: "::ffff:10.1.2.3/95",
    family: 6,
    length: 95,
    words: [0, 0, 0xfffe, 0],
    mask: [0xffffffff, 0xffffffff, 0xfffffffe, 0],
    mapped: true,
  },
  {
    text: "0.0.0.0/0",
    family: 4,
    length: 0,
    words: [0, 0, 0xffff, 0],
    mask: [0xffffffff, 0xffffffff, 0xffffffff, 0],
    mapped: false,
  },
  { text: "::/0", family: 6, length: 0, words: [0, 0, 0, 0], mask: [0, 0, 0, 0], mapped: false },
  {
    text: "2001:db8:ffff::/33",
    family: 6,
    length: 33,
    words: [0x20010db8, 0x80000000, 0, 0],
    mask: [0xffffffff, 0x80000000, 0, 0],
    mapped: false,
  },
])("parsePrefix: parses $text with family $family and length $length", ({ text, words, mask, ...rest }) => {
  expect(parsePrefix(text)).toEqual({
    words: Uint32Array.from(words),
    mask: Uint32Array.from(mask),
    ...rest,
  });
});

test.each([
  { prefix: "10.0.0.0/8", address: "10.255.255.255", contains: true },
  { prefix: "10.0.0.0/8", address: "11.0.0.0", contains: false },
  { prefix: "10.0.0.0/8", address: "9.255.255.255", contains: false },
  { prefix: "10.0.0.0/8", address: "::ffff:10.0.0.1", contains: true },
  { prefix: "10.0.0.0/8", address: "::ffff:a00:1", contains: true },
  { prefix: "10.0.0.0/8", address: "::10.0.0.1", contains: false },
  { prefix: "10.0.0.0/8", address: "1::ffff:10.0.0.1", contains: false },
  { prefix: "10.0.0.0/8", address: "0:0:1::ffff:10.0.0.1", contains: false },
  { prefix: "1.1.1.1/32", address: "1.1.1.1", contains: true },
  { prefix: "1.1.1.1/32", address: "1.1.1.0", contains: false },
  { prefix: "1.1.1.7/24", address: "1.1.1.200", contains: true },
  { prefix: "0.0.0.0/0", address: "255.255.255.255", contains: true },
  { prefix: "0.0.0.0/0", address: "::ffff:1.2.3.4", contains: true },
  { prefix: "0.0.0.0/0", address: "::1", contains: false },
  { prefix: "0.0.0.0/0", address: "::", contains: false },
  { prefix: "128.0.0.0/1", address: "255.0.0.1", contains: true },
  { prefix: "128.0.0.0/1", address: "127.0.0.1", contains: false },
  { prefix: "::/0", address: "1.2.3.4", contains: false },
  { prefix: "::/0", address: "::ffff:1.2.3.4", contains: false },
  { prefix: "::/0", address: "::1.2.3.4", contains: true },
  { prefix: "::/0", address: "ffff::", contains: true },
  { prefix: "::/1", address: "7fff::", contains: true },
  { prefix: "::/1", address: "8000::", contains: false },
  { prefix: "::/96", address: "::1.2.3.4", contains: true },
  { prefix: "::/96", address: "1.2.3.4", contains: false },
  { prefix: "::ffff:0:0/96", address: "1.2.3.4", contains: true },
  { prefix: "::ffff:0:0/96", address: "::ffff:1.2.3.4", contains: true },
  { prefix: "::ffff:0:0/96", address: "::fffe:0:1", contains: false },
  { prefix: "::ffff:0:0/95", address: "1.2.3.4", contains: false },
  { prefix: "::ffff:0:0/95", address: "::ffff:1.2.3.4", contains: false },
  { prefix: "::ffff:0:0/95", address: "::fffe:0:1", contains: true },
  { prefix: "::ffff:1.2.3.0/120", address: "1.2.3.4", contains: true },
  { prefix: "::ffff:1.2.3.0/120", address: "1.2.4.4", contains: false },
  { prefix: "2001:db8::/32", address: "2001:db8:ffff::1", contains: true },
  { prefix: "2001:db8::/32", address: "2001:db9::", contains: false },
  { prefix: "2001:db8::/33", address: "2001:db8:8000::", contains: false },
  { prefix: "2001:db8::/127", address: "2001:db8::1", contains: true },
  { prefix: "2001:db8::/127", address: "2001:db8::2", contains: false },
])("prefixContains: returns $contains for $address in $prefix", ({ prefix, address, contains }) => {
  expect(prefixContains(mustPrefix(prefix), parseAddress(address) ?? new Uint32Array())).toBe(contains);
});

test.each([
  {
    prefix: "10.0.0.0/8",
    packet: [10, 1, 2, 3],
    contains: true,
    name: "an IPv4 prefix matches IPv4 packets",
  },
  {
    prefix: "10.0.0.0/8",
    packet: [11, 1, 2, 3],
    contains: false,
    name: "an IPv4 prefix rejects other addresses",
  },
  {
    prefix: "0.0.0.0/0",
    packet: mapped(1, 2, 3, 4),
    contains: false,
    name: "a mapped IPv6 address is not IPv4",
  },
  {
    prefix: "1.2.3.4/32",
    packet: mapped(1, 2, 3, 4),
    contains: false,
    name: "a mapped address is not the IPv4 one",
  },
  {
    prefix: "::/0",
    packet: mapped(1, 2, 3, 4),
    contains: true,
    name: "a mapped address is an IPv6 address",
  },
  {
    prefix: "::/0",
    packet: [1, 2, 3, 4],
    contains: false,
    name: "an IPv6 prefix rejects IPv4 packets",
  },
  {
    prefix: "::ffff:0:0/96",
    packet: [1, 2, 3, 4],
    contains: true,
    name: "a mapped prefix is an IPv4 prefix",
  },
  {
    prefix: "::ffff:0:0/96",
    packet: mapped(1, 2, 3, 4),
    contains: false,
    name: "a mapped prefix is not IPv6",
  },
  {
    prefix: "::fffe:0:0/95",
    packet: mapped(1, 2, 3, 4),
    contains: true,
    name: "only the bytes are compared",
  },
  {
    prefix: "::/96",
    packet: mapped(1, 2, 3, 4),
    contains: false,
    name: "all bits of the prefix are compared",
  },
])("prefixContainsBytes: $name", ({ prefix, packet, contains }) => {
  const bytes = Uint8Array.of(0xff, ...packet, 0xff);
  expect(prefixContainsBytes(mustPrefix(prefix), bytes, 1, packet.length === 4 ? 4 : 6)).toBe(contains);
});

describe("parsePrefix and prefixContains: properties", () => {
  const prefixText = fc
    .tuple(addressValue, fc.nat(128), fc.nat(2), fc.boolean())
    .map(([value, bits, zeros, hex]) => {
      const text = hex ? naiveFormatAddress(value | (1n << 127n)) : naiveFormatAddress(value);
      const written = !hex && text.includes(".") && bits % 2 === 0 ? `::ffff:${text}` : text;
      const length = written.includes(":") ? bits : bits % 33;
      return `${written}/${"0".repeat(zeros)}${length}`;
    });
  // Addresses share leading bits with the prefix, so that the deciding bit is reached.
  const pair = fc.tuple(prefixText, addressValue, fc.nat(128)).map(([text, other, kept]) => {
    const network = fromWords(mustPrefix(text).words);
    const high = ((1n << 128n) - 1n) ^ ((1n << BigInt(128 - kept)) - 1n);
    return { text, value: (network & high) | (other & ~high) };
  });

  test("parses any string as a naive implementation does", () => {
    const length = fc.oneof(
      fc.nat(140).map(String),
      fc.constantFrom("", "008", "-1", "+8", "0x8", " 8", "8/", "1e1"),
    );
    const nearly = fc.oneof(
      fc.string({ unit: "binary" }),
      nearlyAddress,
      fc.tuple(nearlyAddress, length).map((parts) => parts.join("/")),
    );
    fc.assert(
      fc.property(nearly, (text) => {
        const prefix = parsePrefix(text);
        const naive = naiveParsePrefix(text);
        expect(prefix && formatPrefix(prefix)).toBe(naive && naiveFormatPrefix(naive));
        expect(prefix?.family).toBe(naive && (naive.number.length === 4 ? 4 : 6));
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("parses formatted prefixes", () => {
    fc.assert(
      fc.property(prefixText, (text) => {
        const prefix = mustPrefix(text);
        const again = mustPrefix(formatPrefix(prefix));
        expect(again).toEqual({ ...prefix, mapped: false });
        expect(formatPrefix(again)).toBe(formatPrefix(prefix));
      }),
      { numRuns: runs(5_000) },
    );
  });

  test("prefixContains agrees with Go's IPNet, for any address", () => {
    const seen = { inside: 0, outside: 0 };
    fc.assert(
      fc.property(pair, ({ text, value }) => {
        const naive = naiveContains(naiveParsePrefix(text) ?? { number: [], mask: [] }, value);
        expect(prefixContains(mustPrefix(text), toWords(value))).toBe(naive);
        seen[naive ? "inside" : "outside"]++;
      }),
      { numRuns: runs(10_000) },
    );
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(runs(10_000) / 10);
  });

  test("prefixContains: true exactly between the lowest and the highest address of the same family", () => {
    fc.assert(
      fc.property(pair, ({ text, value }) => {
        const prefix = mustPrefix(text);
        const low = fromWords(prefix.words);
        const high = low | fromWords(prefix.mask.map((word) => ~word));
        const ipv4 = value >> 32n === 0xffffn;
        expect(prefixContains(prefix, toWords(value))).toBe(
          low <= value && value <= high && ipv4 === (prefix.family === 4),
        );
      }),
      { numRuns: runs(5_000) },
    );
  });

  test("prefixContainsBytes depends only on the bytes", () => {
    fc.assert(
      fc.property(pair, fc.boolean(), fc.nat(20), ({ text, value }, narrow, start) => {
        const packet = toBytes(value, narrow ? 4 : 16);
        const bytes = Uint8Array.of(...Array<number>(start).fill(0xff), ...packet, 0xff);
        const naive = naiveContainsBytes(naiveParsePrefix(text) ?? { number: [], mask: [] }, packet);
        expect(prefixContainsBytes(mustPrefix(text), bytes, start, narrow ? 4 : 6)).toBe(naive);
      }),
      { numRuns: runs(5_000) },
    );
  });
});

function mustPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`not a prefix: ${text}`);
  return prefix;
}

function mapped(...octets: number[]): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...octets];
}
