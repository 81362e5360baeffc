import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPacket, type Packet } from "../../src/packet/index.js";

const ETHERNET = 1;
const RAW = 101;

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function packet(bytes: Uint8Array, init: Partial<Packet> = {}): Packet {
  return {
    seconds: 1_700_000_000,
    nanoseconds: 123_456_789,
    bytes,
    originalLength: bytes.length,
    comments: [],
    ...init,
  };
}

const TIME = "2023-11-14T22:13:20.123456Z";
const IPV4 = "4500001c0000000040";
const ADDRESSES = "0000 0a000001 0a000002";
const IPV6 = (next: string) => `600000000008${next}40${"fd00".padEnd(30, "0")}01${"fd00".padEnd(30, "0")}02`;

describe("formatPacket", () => {
  test.each([
    {
      name: "TCP with its flags",
      bytes: hex(`${IPV4}06${ADDRESSES} 9c400050 00000000 00000000 5012 0000`),
      line: "10.0.0.1:40000 > 10.0.0.2:80 TCP SYN|ACK, 36 bytes",
    },
    {
      name: "TCP without any flag",
      bytes: hex(`${IPV4}06${ADDRESSES} 9c400050 00000000 00000000 5000 0000`),
      line: "10.0.0.1:40000 > 10.0.0.2:80 TCP no flags, 36 bytes",
    },
    {
      name: "TCP truncated before its flags",
      bytes: hex(`${IPV4}06${ADDRESSES} 9c400050`),
      line: "10.0.0.1:40000 > 10.0.0.2:80 TCP, 24 bytes",
    },
    {
      name: "UDP over IPv6, with brackets",
      bytes: hex(`${IPV6("11")} 00350400 00080000`),
      line: "[fd00::1]:53 > [fd00::2]:1024 UDP, 48 bytes",
    },
    {
      name: "ICMP with type and code",
      bytes: hex(`${IPV4}01${ADDRESSES} 0301 0000`),
      line: "10.0.0.1 > 10.0.0.2 ICMP type 3 code 1, 24 bytes",
    },
    {
      name: "ICMPv6 with type and code",
      bytes: hex(`${IPV6("3a")} 8000 0000`),
      line: "fd00::1 > fd00::2 ICMPv6 type 128 code 0, 44 bytes",
    },
    {
      name: "a later fragment has no ports",
      bytes: hex(`4500001c0000 0001 40 11 ${ADDRESSES} 00350400`),
      line: "10.0.0.1 > 10.0.0.2 UDP fragment, 24 bytes",
    },
    {
      name: "a protocol without a name",
      bytes: hex(`${IPV4}fd${ADDRESSES}`),
      line: "10.0.0.1 > 10.0.0.2 protocol 253, 20 bytes",
    },
    {
      name: "an extension header that is not fully captured",
      bytes: hex(`${IPV6("00")} 06`),
      line: "fd00::1 > fd00::2 IPv6 extension headers, 41 bytes",
    },
  ])("$name", ({ bytes, line }) => {
    expect(formatPacket(packet(bytes), RAW)).toBe(`${TIME} ${line}`);
  });

  test("names the link type of packets that are not IP", () => {
    expect(formatPacket(packet(new Uint8Array(60)), ETHERNET)).toBe(`${TIME} Ethernet, not IP, 60 bytes`);
    expect(formatPacket(packet(new Uint8Array(60)), 147)).toBe(
      `${TIME} LINKTYPE_USER0 (147), not IP, 60 bytes`,
    );
  });

  test("prints the captured length if it is less than the original length", () => {
    const cut = packet(new Uint8Array(20), { originalLength: 1500 });
    expect(formatPacket(cut, ETHERNET)).toBe(`${TIME} Ethernet, not IP, 1500 bytes (20 captured)`);
  });

  test("carries a fraction of a second or more", () => {
    const odd = packet(new Uint8Array(0), { nanoseconds: 1_500_000_000 });
    expect(formatPacket(odd, ETHERNET)).toMatch(/^2023-11-14T22:13:21\.500000Z /);
  });

  test("prints packets without a time, and times beyond the calendar", () => {
    expect(formatPacket(packet(new Uint8Array(0), { seconds: undefined }), ETHERNET)).toMatch(
      /^\(no time\) /,
    );
    expect(formatPacket(packet(new Uint8Array(0), { seconds: 1e15 }), ETHERNET)).toMatch(
      /^1000000000000000s /,
    );
  });

  test("never throws, for any bytes and link type", () => {
    const linkTypes = fc.constantFrom(0, 1, 12, 101, 108, 113, 228, 229, 276, 999);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), linkTypes, (bytes, linkType) => {
        expect(formatPacket(packet(bytes), linkType)).toContain(" bytes");
      }),
    );
  });
});
