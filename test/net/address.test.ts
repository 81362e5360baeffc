import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatAddress,
  formatIpv4,
  formatIpv6,
  isIpv4,
  parseAddress,
  parseAddressInto,
} from "../../src/net/index.js";
import { runs } from "../support/amount.js";
import { addressValue, nearlyAddress, spelledAddress } from "./arbitrary.js";
import { fromWords, naiveFormatAddress, naiveIsIpv4, naiveParseAddress, toBytes, toWords } from "./naive.js";

/** The result of Go's net.ParseIP(text).String(), "" for nil. */
const CASES: readonly { text: string; go: string; name: string }[] = [
  { text: "0.0.0.0", go: "0.0.0.0", name: "the lowest IPv4 address" },
  { text: "255.255.255.255", go: "255.255.255.255", name: "the highest IPv4 address" },
  { text: "1.2.3.4", go: "1.2.3.4", name: "one digit per octet" },
  { text: "10.200.30.99", go: "10.200.30.99", name: "one to three digits per octet" },
  { text: "128.0.0.1", go: "128.0.0.1", name: "the sign bit of a 32-bit word" },
  { text: "", go: "", name: "nothing" },
  { text: " ", go: "", name: "a space" },
  { text: " 1.2.3.4", go: "", name: "a space before" },
  { text: "1.2.3.4 ", go: "", name: "a space after" },
  { text: "1.2. 3.4", go: "", name: "a space inside" },
  { text: "1.2.3.4\n", go: "", name: "a line feed after" },
  { text: "1.2.3.4\0", go: "", name: "a NUL after" },
  { text: "01.2.3.4", go: "", name: "a leading zero in the first octet" },
  { text: "1.2.3.04", go: "", name: "a leading zero in the last octet" },
  { text: "010.1.2.3", go: "", name: "an octal octet" },
  { text: "1.2.3.00", go: "", name: "two zeros" },
  { text: "00.0.0.0", go: "", name: "two zeros in front" },
  { text: "1.2.3.256", go: "", name: "an octet of 256" },
  { text: "256.2.3.4", go: "", name: "a first octet of 256" },
  { text: "1.2.3.1000", go: "", name: "four digits" },
  { text: "1.2.3.4294967297", go: "", name: "an octet that overflows 32 bits to 1" },
  { text: "1.2.3", go: "", name: "three octets" },
  { text: "1.2", go: "", name: "two octets" },
  { text: "16909060", go: "", name: "one number" },
  { text: "1.2.3.4.5", go: "", name: "five octets" },
  { text: "1.2.3.4.", go: "", name: "a dot after" },
  { text: ".1.2.3.4", go: "", name: "a dot before" },
  { text: "1.2.3.", go: "", name: "an empty last octet" },
  { text: ".2.3.4", go: "", name: "an empty first octet" },
  { text: "1..3.4", go: "", name: "an empty octet" },
  { text: "...", go: "", name: "dots only" },
  { text: "0x1.2.3.4", go: "", name: "a hex octet" },
  { text: "a.2.3.4", go: "", name: "a hex digit in an octet" },
  { text: "+1.2.3.4", go: "", name: "a plus sign" },
  { text: "1.2.3.-4", go: "", name: "a minus sign" },
  { text: "1e1.2.3.4", go: "", name: "an exponent" },
  { text: "\u0661.2.3.4", go: "", name: "an Arabic digit" },
  { text: "\uff11.2.3.4", go: "", name: "a full-width digit" },
  { text: "1,2,3,4", go: "", name: "commas" },
  { text: "1.2.3.4:80", go: "", name: "IPv4 with a port" },
  { text: "1.2.3.4/32", go: "", name: "a prefix" },
  { text: "1.2.3.4%eth0", go: "", name: "IPv4 with a zone" },
  { text: "localhost", go: "", name: "a host name" },
  { text: "cafe", go: "", name: "hex digits only" },

  { text: "::", go: "::", name: "the unspecified address" },
  { text: "::1", go: "::1", name: "loopback" },
  { text: "1::", go: "1::", name: "zeros at the end" },
  { text: "0:0:0:0:0:0:0:0", go: "::", name: "eight zero groups" },
  { text: "0:0:0:0:0:0:0:1", go: "::1", name: "loopback in full" },
  { text: "0000:0000:0000:0000:0000:0000:0000:0001", go: "::1", name: "all groups padded" },
  { text: "0::1", go: "::1", name: "a written zero before the gap" },
  { text: "::0", go: "::", name: "a written zero after the gap" },
  { text: "::0001", go: "::1", name: "a padded group" },
  {
    text: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    go: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    name: "highest",
  },
  { text: "FE80::ABCD", go: "fe80::abcd", name: "upper case" },
  { text: "2001:DB8::Ff", go: "2001:db8::ff", name: "mixed case" },
  { text: "2001:0db8:0000:0000:0000:0000:0000:0001", go: "2001:db8::1", name: "RFC 5952: no leading zeros" },
  { text: "2001:db8:0:0:1:0:0:1", go: "2001:db8::1:0:0:1", name: "RFC 5952: the first of equal runs" },
  { text: "2001:0:0:1:0:0:0:1", go: "2001:0:0:1::1", name: "RFC 5952: the longest run" },
  { text: "1:0:0:0:2:0:0:3", go: "1::2:0:0:3", name: "RFC 5952: the longest run comes first" },
  {
    text: "2001:db8:0:1:1:1:1:1",
    go: "2001:db8:0:1:1:1:1:1",
    name: "RFC 5952: a single zero group",
  },
  { text: "2001:db8::1:1:1:1:1", go: "2001:db8:0:1:1:1:1:1", name: "a gap of one group is written out" },
  { text: "::2:3:4:5:6:7:8", go: "0:2:3:4:5:6:7:8", name: "a gap of one group in front" },
  { text: "1:2:3:4:5:6:7::", go: "1:2:3:4:5:6:7:0", name: "a gap of one group at the end" },
  { text: "0:0:3:4:5:6:7:8", go: "::3:4:5:6:7:8", name: "a run of two in front" },
  { text: "1:2:3:4:5:6:0:0", go: "1:2:3:4:5:6::", name: "a run of two at the end" },
  { text: "0:0:1:0:0:1:0:0", go: "::1:0:0:1:0:0", name: "three equal runs" },
  { text: "0:1:0:1:0:1:0:1", go: "0:1:0:1:0:1:0:1", name: "single zeros everywhere" },
  { text: "100:10:1:0:0a:0b0:0c00:d000", go: "100:10:1:0:a:b0:c00:d000", name: "zeros inside groups" },
  { text: "12345::", go: "", name: "five digits" },
  { text: "00000::1", go: "", name: "five zeros" },
  { text: "::00001", go: "", name: "five digits with leading zeros" },
  { text: "::10000", go: "", name: "a group of 2^16" },
  { text: "1:2:3:4:5:6:7", go: "", name: "seven groups" },
  { text: "1:2:3:4:5:6:7:8:9", go: "", name: "nine groups" },
  { text: "1:2:3:4:5:6:7:8:", go: "", name: "a colon after eight groups" },
  { text: "1:2:3:4:5:6:7:8::", go: "", name: "a gap after eight groups" },
  { text: "::1:2:3:4:5:6:7:8", go: "", name: "a gap before eight groups" },
  { text: "1:2:3:4::5:6:7:8", go: "", name: "a gap inside eight groups" },
  { text: "1::2::3", go: "", name: "two gaps" },
  { text: "::1::", go: "", name: "a gap at either end" },
  { text: ":::", go: "", name: "three colons" },
  { text: "1:::2", go: "", name: "three colons inside" },
  { text: "::::", go: "", name: "four colons" },
  { text: ":", go: "", name: "one colon" },
  { text: ":1", go: "", name: "one colon in front" },
  { text: "1:", go: "", name: "one colon at the end" },
  { text: ":1::2", go: "", name: "one colon before a gap" },
  { text: "1::2:", go: "", name: "one colon after a gap" },
  { text: "::g", go: "", name: "a letter after f" },
  { text: "::G", go: "", name: "a capital after F" },
  { text: "::`", go: "", name: "the character before a" },
  { text: "::@", go: "", name: "the character before A" },
  { text: "::/", go: "", name: "the character before 0" },
  { text: "::\u0141", go: "", name: "a letter whose low byte is A" },
  { text: "::-1", go: "", name: "a minus sign in a group" },
  { text: "::0x1", go: "", name: "a hex marker" },
  { text: "[::1]", go: "", name: "brackets" },
  { text: "[::1]:80", go: "", name: "brackets and a port" },
  { text: "::1/128", go: "", name: "an IPv6 prefix" },
  { text: ":: 1", go: "", name: "a space inside IPv6" },
  { text: "::1 ", go: "", name: "a space after IPv6" },
  { text: "fe80::1%eth0", go: "", name: "a zone" },
  { text: "fe80::1%", go: "", name: "an empty zone" },
  { text: "%eth0", go: "", name: "a zone alone" },
  { text: "::%", go: "", name: "an empty zone after the gap" },
  { text: "2001-db8--1", go: "", name: "dashes for colons" },

  { text: "::ffff:1.2.3.4", go: "1.2.3.4", name: "IPv4-mapped is the IPv4 address" },
  { text: "::FFFF:1.2.3.4", go: "1.2.3.4", name: "IPv4-mapped in capitals" },
  { text: "::ffff:102:304", go: "1.2.3.4", name: "IPv4-mapped in hex" },
  { text: "0:0:0:0:0:ffff:1.2.3.4", go: "1.2.3.4", name: "IPv4-mapped in full" },
  { text: "0:0:0:0:0:ffff:102:304", go: "1.2.3.4", name: "IPv4-mapped in full hex" },
  { text: "::ffff:0:0", go: "0.0.0.0", name: "IPv4-mapped zero" },
  { text: "::ffff:0.0.0.0", go: "0.0.0.0", name: "IPv4-mapped dotted zero" },
  { text: "::ffff:255.255.255.255", go: "255.255.255.255", name: "IPv4-mapped broadcast" },
  { text: "::1.2.3.4", go: "::102:304", name: "IPv4-compatible is not IPv4" },
  { text: "::fffe:1.2.3.4", go: "::fffe:102:304", name: "one bit off IPv4-mapped" },
  { text: "::ffff:0:1.2.3.4", go: "::ffff:0:102:304", name: "IPv4-translated is not IPv4" },
  { text: "1::ffff:1.2.3.4", go: "1::ffff:102:304", name: "a high bit set is not IPv4-mapped" },
  {
    text: "0:0:1::ffff:1.2.3.4",
    go: "::1:0:0:ffff:102:304",
    name: "a bit set in the second word",
  },
  { text: "64:ff9b::192.0.2.33", go: "64:ff9b::c000:221", name: "a dotted tail after a gap" },
  { text: "1:2:3:4:5:6:7.8.9.10", go: "1:2:3:4:5:6:708:90a", name: "a dotted tail after six groups" },
  { text: "1:2:3:4:5::6.7.8.9", go: "1:2:3:4:5:0:607:809", name: "a gap of one before a dotted tail" },
  { text: "::2:3:4:5:6:7.8.9.10", go: "0:2:3:4:5:6:708:90a", name: "a gap of one far before a dotted tail" },
  { text: "1:2:3:4:5:6::7.8.9.10", go: "", name: "an empty gap before a dotted tail" },
  { text: "1:2:3:4:5:6:7:1.2.3.4", go: "", name: "a dotted tail after seven groups" },
  { text: "1::3:4:5:6:7:8:1.2.3.4", go: "", name: "a dotted tail, a gap and seven groups" },
  { text: "1:2:3:4:5:1.2.3.4", go: "", name: "a dotted tail after five groups" },
  { text: "1.2.3.4::", go: "", name: "a dotted head" },
  { text: "::1.2.3.4:5", go: "", name: "a dotted middle" },
  { text: "::1.2.3.4::", go: "", name: "a dotted middle before a gap" },
  { text: "1:1.2.3.4", go: "", name: "a dotted tail after one group" },
  { text: "::ffff:1.2.3", go: "", name: "a dotted tail of three octets" },
  { text: "::ffff:1.2.3.4.5", go: "", name: "a dotted tail of five octets" },
  { text: "::ffff:01.2.3.4", go: "", name: "a leading zero in a dotted tail" },
  { text: "::ffff:1.2.3.256", go: "", name: "256 in a dotted tail" },
  { text: "::ffff:a.2.3.4", go: "", name: "a hex digit in a dotted tail" },
  { text: "::ffff:.2.3.4", go: "", name: "an empty octet in a dotted tail" },
  { text: "::ffff:1.2.3.4 ", go: "", name: "a space after a dotted tail" },
  { text: "::ffff:1.2.3.4%eth0", go: "", name: "a zone after a dotted tail" },
  { text: "::1.", go: "", name: "a dot after IPv6" },
];

test.each(CASES)("parseAddress: $name: $text", ({ text, go }) => {
  const address = parseAddress(text);
  expect(address === undefined ? "" : formatAddress(address)).toBe(go);
  expect(parseAddressInto(text, new Uint32Array(4))).toBe(go !== "");
});

test("parseAddress: returns the 16 bytes as big-endian words", () => {
  expect(parseAddress("2001:db8::1:2")).toEqual(Uint32Array.of(0x20010db8, 0, 0, 0x00010002));
  expect(parseAddress("240.1.2.3")).toEqual(Uint32Array.of(0, 0, 0xffff, 0xf0010203));
});

test("parseAddressInto: overwrites the words of a failed parse", () => {
  const words = new Uint32Array(4).fill(0xffffffff);
  expect(parseAddressInto("1:2:3:4:5:6:7:8:9", words)).toBe(false);
  expect(parseAddressInto("::1.2.3.4.5", words)).toBe(false);
  expect(parseAddressInto("::1", words)).toBe(true);
  expect(words).toEqual(Uint32Array.of(0, 0, 0, 1));
});

test("parseAddress: returns new words for each address", () => {
  const first = parseAddress("1::2");
  parseAddress("3.4.5.6");
  expect(first).toEqual(Uint32Array.of(0x10000, 0, 0, 2));
});

test.each([
  { text: "0.0.0.0", ipv4: true },
  { text: "::ffff:0:0", ipv4: true },
  { text: "::ffff:255.255.255.255", ipv4: true },
  { text: "::", ipv4: false },
  { text: "::1.2.3.4", ipv4: false },
  { text: "::fffe:1.2.3.4", ipv4: false },
  { text: "::1:ffff:1.2.3.4", ipv4: false },
  { text: "0:0:1::ffff:1.2.3.4", ipv4: false },
  { text: "1::ffff:1.2.3.4", ipv4: false },
])("isIpv4: returns $ipv4 for $text", ({ text, ipv4 }) => {
  expect(isIpv4(parseAddress(text) ?? new Uint32Array(4))).toBe(ipv4);
});

describe("parseAddress and formatAddress: properties", () => {
  test("parses any string as a naive implementation does", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), nearlyAddress), (text) => {
        const address = parseAddress(text);
        expect(address && fromWords(address)).toBe(naiveParseAddress(text));
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("parses every spelling of an address", () => {
    fc.assert(
      fc.property(spelledAddress, ({ text, value }) => {
        expect(parseAddress(text)).toEqual(toWords(value));
      }),
      { numRuns: runs(5_000) },
    );
  });

  test("parseAddressInto agrees with parseAddress", () => {
    const words = new Uint32Array(4); // reused, so that stale words would be detected
    fc.assert(
      fc.property(nearlyAddress, (text) => {
        const parsed = parseAddressInto(text, words);
        expect(parsed ? words : undefined).toEqual(parseAddress(text));
      }),
      { numRuns: runs(5_000) },
    );
  });

  test("formats as the naive oracle does, and parses the result", () => {
    fc.assert(
      fc.property(addressValue, (value) => {
        const text = formatAddress(toWords(value));
        expect(text).toBe(naiveFormatAddress(value));
        expect(parseAddress(text)).toEqual(toWords(value));
      }),
      { numRuns: runs(5_000) },
    );
  });

  test("formats packet bytes as the address, at any offset", () => {
    fc.assert(
      fc.property(addressValue, fc.uint8Array({ maxLength: 40 }), (value, before) => {
        const bytes = Uint8Array.of(...before, ...toBytes(value, 16), 0xff);
        expect(formatIpv6(bytes, before.length)).toBe(naiveFormatAddress(value));
        const ipv4 = 0xffff_0000_0000n | (value & 0xffff_ffffn);
        expect(formatIpv4(bytes, before.length + 12)).toBe(naiveFormatAddress(ipv4));
        expect(isIpv4(toWords(value))).toBe(naiveIsIpv4(value));
      }),
      { numRuns: runs(3_000) },
    );
  });
});
