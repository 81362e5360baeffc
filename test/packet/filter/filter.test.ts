import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterSchema } from "../../../src/gen/recorder/recorder_pb.js";
import { compilePacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { runs } from "../../support/amount.js";
import { anyFilter, packetWithLinkType } from "../arbitrary.js";
import {
  authentication,
  bytes,
  cookedV1,
  ethernet,
  fragment,
  IPV4,
  IPV6,
  ipv4,
  ipv6,
  ipv6Chain,
  options,
  ports,
  SOURCE_V6,
  tag,
} from "../build.js";
import { ANY_V4, ANY_V6, ETHERNET, matches, RAW } from "./matches.js";

const SLL = 113;

interface Row {
  readonly name: string;
  readonly filter: PacketFilterInit;
  readonly packet: Uint8Array;
  readonly linkType?: number;
  readonly matches: boolean;
}

function row(
  name: string,
  matching: boolean,
  filter: PacketFilterInit,
  packet: Uint8Array,
  linkType = RAW,
): Row {
  return { name, filter, packet, linkType, matches: matching };
}

describe("compilePacketFilter: network header (rule 1)", () => {
  test.each([
    row("matches in Ethernet", true, ANY_V4, ethernet(IPV4, ipv4()), ETHERNET),
    row("skips one VLAN tag", true, ANY_V4, ethernet(0x8100, tag(IPV4, ipv4())), ETHERNET),
    row("skips two VLAN tags", true, ANY_V6, ethernet(0x88a8, tag(0x9100, tag(IPV6, ipv6()))), ETHERNET),
    row(
      "does not skip a third VLAN tag",
      false,
      ANY_V4,
      ethernet(0x8100, tag(0x8100, tag(0x8100, tag(IPV4, ipv4())))),
      ETHERNET,
    ),
    row("skips a VLAN tag after a cooked header", true, ANY_V4, cookedV1(0x8100, tag(IPV4, ipv4())), SLL),
    row("never matches ARP", false, ANY_V4, ethernet(0x0806, ipv4()), ETHERNET),
    row("never matches an empty packet", false, ANY_V4, bytes(), ETHERNET),
    row("never matches an unknown link type", false, ANY_V4, ipv4(), 147),
  ])("$name", ({ filter, packet, linkType, matches: expected }) => {
    expect(matches([filter], packet, linkType)).toBe(expected);
  });
});

describe("compilePacketFilter: IP header (rule 2)", () => {
  test.each([
    row(
      "never matches IPv4 truncated inside its options",
      false,
      ANY_V4,
      ipv4({ options: "01010101" }).slice(0, 23),
    ),
    row("never matches IPv4 with a header of 16 bytes", false, ANY_V4, ipv4({ headerWords: 4 })),
    row("never matches IPv6 of 39 bytes", false, ANY_V6, ipv6().slice(0, 39)),
    row("matches IPv6 of 40 bytes", true, ANY_V6, ipv6().slice(0, 40)),
    row("never matches IP version 5", false, ANY_V4, ipv4({ version: 5 })),
    row("never matches IPv6 under the IPv4 EtherType", false, ANY_V6, ethernet(IPV4, ipv6()), ETHERNET),
    row("never matches IPv4 under the IPv6 EtherType", false, ANY_V4, ethernet(IPV6, ipv4()), ETHERNET),
  ])("$name", ({ filter, packet, linkType, matches: expected }) => {
    expect(matches([filter], packet, linkType)).toBe(expected);
  });
});

describe("compilePacketFilter: addresses (rule 3)", () => {
  const packet = ipv4({ source: "10.1.2.3", destination: "192.168.255.1" });
  const packetV6 = ipv6({ source: SOURCE_V6, destination: "fe80000000000000000000ff00000001" });
  const mapped = ipv6({
    source: "00000000000000000000ffff0a010203",
    destination: "00000000000000000000ffffc0a8ff01",
  });
  const tunnel = ipv4({ protocol: 4, source: "172.16.0.1", destination: "172.16.0.2" }, packet);
  const any = "0.0.0.0/0";
  test.each([
    row("the source itself", true, { sourceCidr: "10.1.2.3/32", destinationCidr: any }, packet),
    row("not another source", false, { sourceCidr: "10.1.2.4/32", destinationCidr: any }, packet),
    row("not the source as destination", false, { sourceCidr: any, destinationCidr: "10.1.2.3/32" }, packet),
    row("the destination itself", true, { sourceCidr: any, destinationCidr: "192.168.255.1/32" }, packet),
    row("not another destination", false, { sourceCidr: any, destinationCidr: "192.168.255.0/32" }, packet),
    row("a prefix of each", true, { sourceCidr: "10.0.0.0/8", destinationCidr: "192.168.0.0/16" }, packet),
    row(
      "a prefix that ends at the compared bit",
      true,
      { sourceCidr: any, destinationCidr: "192.168.128.0/17" },
      packet,
    ),
    row("a prefix one bit too long", false, { sourceCidr: any, destinationCidr: "192.168.0.0/17" }, packet),
    row("a prefix of one bit", true, { sourceCidr: any, destinationCidr: "128.0.0.0/1" }, packet),
    row("masks host bits", true, { sourceCidr: "10.255.255.255/8", destinationCidr: any }, packet),
    row("does not match IPv6 by an IPv4 filter", false, ANY_V4, packetV6),
    row("does not match IPv4 by an IPv6 filter", false, ANY_V6, packet),
    row("an IPv6 source", true, { sourceCidr: "2001:db8::1/128", destinationCidr: "::/0" }, packetV6),
    row(
      "does not match another IPv6 source",
      false,
      { sourceCidr: "2001:db8::2/128", destinationCidr: "::/0" },
      packetV6,
    ),
    row("an IPv6 prefix", true, { sourceCidr: "2001:db8::/32", destinationCidr: "fe80::/10" }, packetV6),
    row(
      "matches an IPv6 prefix that ends inside a 32-bit word",
      true,
      { sourceCidr: "::/0", destinationCidr: "fe80::f0:0:0/88" },
      packetV6,
    ),
    row(
      "not an IPv6 prefix that differs in one bit",
      false,
      { sourceCidr: "::/0", destinationCidr: "fe80::7f:0:0/89" },
      packetV6,
    ),
    row(
      "masks host bits of IPv6",
      true,
      { sourceCidr: "2001:db8::ffff/64", destinationCidr: "::/0" },
      packetV6,
    ),
    row(
      "reads an IPv4-mapped prefix as the IPv4 prefix",
      true,
      { sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: "::ffff:192.168.0.0/112" },
      packet,
    ),
    row(
      "reads an IPv4-mapped /96 as all of IPv4",
      true,
      { sourceCidr: "::ffff:0:0/96", destinationCidr: any },
      packet,
    ),
    row(
      "does not match mapped addresses in IPv6 by an IPv4-mapped prefix",
      false,
      { sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: any },
      mapped,
    ),
    row("matches mapped addresses in IPv6 by ::/0", true, ANY_V6, mapped),
    row("does not decode tunnels", false, { sourceCidr: "10.0.0.0/8", destinationCidr: any }, tunnel),
    row(
      "compares the outer header of a tunnel",
      true,
      { sourceCidr: "172.16.0.0/16", destinationCidr: any },
      tunnel,
    ),
  ])("$name", ({ filter, packet: given, matches: expected }) => {
    expect(matches([filter], given)).toBe(expected);
  });
});

describe("compilePacketFilter: protocol (rule 4)", () => {
  const chain = ipv6Chain([
    options(0),
    options(43),
    fragment(1),
    authentication(1),
    options(60),
    options(135),
  ]);
  const eight = ipv6Chain(Array.from({ length: 8 }, () => options(60)));
  const nine = ipv6Chain(Array.from({ length: 9 }, () => options(60)));
  const cut = ipv6Chain([options(0)]).slice(0, 47);
  const later = ipv6Chain([fragment(8)], 17);
  const authenticated = ipv4({ protocol: 51 }, bytes("0601 0000 00000001 00000001", ports()));
  test.each([
    row("0 is any", true, { ...ANY_V4, protocol: 0 }, ipv4({ protocol: 200 })),
    row("of IPv4, from the header", true, { ...ANY_V4, protocol: 200 }, ipv4({ protocol: 200 })),
    row("not another", false, { ...ANY_V4, protocol: 17 }, ipv4({ protocol: 6 })),
    row("ICMP", true, { ...ANY_V4, protocol: 1 }, ipv4({ protocol: 1 })),
    row("255", true, { ...ANY_V4, protocol: 255 }, ipv4({ protocol: 255 })),
    row("not AH, which is skipped", false, { ...ANY_V4, protocol: 51 }, authenticated),
    row("after AH in IPv4", true, { ...ANY_V4, protocol: 6, destinationPort: 80 }, authenticated),
    row("of a later fragment of AH", true, { ...ANY_V4, protocol: 51 }, ipv4({ protocol: 51, fragment: 1 })),
    row("of IPv6, from the header", true, { ...ANY_V6, protocol: 17 }, ipv6({ nextHeader: 17 })),
    row("after one of each extension header", true, { ...ANY_V6, protocol: 6 }, chain),
    row("not the first extension header", false, { ...ANY_V6, protocol: 43 }, chain),
    row("after eight extension headers", true, { ...ANY_V6, protocol: 6 }, eight),
    row("unknown after nine extension headers", false, { ...ANY_V6, protocol: 6 }, nine),
    row("the ninth header is not the protocol", false, { ...ANY_V6, protocol: 60 }, nine),
    row("any matches an unknown protocol", true, ANY_V6, nine),
    row("unknown if the header is truncated", false, { ...ANY_V6, protocol: 6 }, cut),
    row("any matches if the header is truncated", true, ANY_V6, cut),
    row("a port never matches an unknown protocol", false, { ...ANY_V6, sourcePort: 1000 }, nine),
    row("ESP", true, { ...ANY_V6, protocol: 50 }, ipv6Chain([options(60)], 50)),
    row("no next header", true, { ...ANY_V6, protocol: 59 }, ipv6Chain([options(60)], 59)),
    row("of a later fragment", true, { ...ANY_V6, protocol: 17 }, later),
  ])("$name", ({ filter, packet, matches: expected }) => {
    expect(matches([filter], packet)).toBe(expected);
  });
});

describe("compilePacketFilter: ports (rule 5)", () => {
  const tcp = ipv4({ protocol: 6 }, ports(1000, 80));
  const both = { sourcePort: 1000, destinationPort: 80 };
  test.each([
    row("a source port", true, { ...ANY_V4, sourcePort: 1000 }, tcp),
    row("not another source port", false, { ...ANY_V4, sourcePort: 1001 }, tcp),
    row("a destination port", true, { ...ANY_V4, destinationPort: 80 }, tcp),
    row("not another destination port", false, { ...ANY_V4, destinationPort: 81 }, tcp),
    row("both", true, { ...ANY_V4, ...both }, tcp),
    row("not the source port alone", false, { ...ANY_V4, ...both, destinationPort: 81 }, tcp),
    row("not the destination port alone", false, { ...ANY_V4, ...both, sourcePort: 1 }, tcp),
    row("not the reverse direction", false, { ...ANY_V4, sourcePort: 80, destinationPort: 1000 }, tcp),
    row("all 16 bits", true, { ...ANY_V4, sourcePort: 65_535 }, ipv4({}, ports(65_535))),
    row("compares the high byte", false, { ...ANY_V4, sourcePort: 1000 }, ipv4({}, ports(1000 & 255))),
    row("compares the low byte", false, { ...ANY_V4, sourcePort: 1000 }, ipv4({}, ports(1000 & ~255))),
    row("of UDP", true, { ...ANY_V4, ...both }, ipv4({ protocol: 17 })),
    row("of SCTP", true, { ...ANY_V4, ...both }, ipv4({ protocol: 132 })),
    row("with the protocol", true, { ...ANY_V4, ...both, protocol: 132 }, ipv4({ protocol: 132 })),
    row("not with another protocol", false, { ...ANY_V4, ...both, protocol: 6 }, ipv4({ protocol: 132 })),
    row("ICMP has no ports", false, { ...ANY_V4, sourcePort: 1000 }, ipv4({ protocol: 1 })),
    row(
      "never matches ICMP by a port",
      false,
      { ...ANY_V4, sourcePort: 1000, protocol: 1 },
      ipv4({ protocol: 1 }),
    ),
    row("a port of 0 matches any port", true, { ...ANY_V4, sourcePort: 0 }, tcp),
    row("a port filter does not match port 0", false, { ...ANY_V4, sourcePort: 1 }, ipv4({}, ports(0, 0))),
    row("a later fragment has no ports", false, { ...ANY_V4, ...both }, ipv4({ fragment: 1 })),
    row("a first fragment has ports", true, { ...ANY_V4, ...both }, ipv4({ fragment: 0x2000 })),
    row("a later IPv6 fragment has no ports", false, { ...ANY_V6, ...both }, ipv6Chain([fragment(8)])),
    row("a first IPv6 fragment has ports", true, { ...ANY_V6, ...both }, ipv6Chain([fragment(1)])),
    row("after IPv4 options", true, { ...ANY_V4, ...both }, ipv4({ options: "01010101" })),
    row("unknown if truncated to 3 bytes", false, { ...ANY_V4, sourcePort: 1000 }, tcp.slice(0, 23)),
    row("known if truncated to 4 bytes", true, { ...ANY_V4, ...both }, tcp.slice(0, 24)),
    row(
      "without ports in the filter, ports are not required",
      true,
      { ...ANY_V4, protocol: 6 },
      tcp.slice(0, 20),
    ),
  ])("$name", ({ filter, packet, matches: expected }) => {
    expect(matches([filter], packet)).toBe(expected);
  });
});

describe("compilePacketFilter: lists of filters (rule 6)", () => {
  const toWeb = { ...ANY_V4, destinationPort: 80, protocol: 6 };
  const dns = { ...ANY_V4, destinationPort: 53, protocol: 17 };
  test("matches if any filter of the list matches", () => {
    expect(matches([dns, toWeb], ipv4())).toBe(true);
    expect(matches([toWeb, dns], ipv4({ protocol: 17 }, ports(1, 53)))).toBe(true);
    expect(matches([toWeb, dns], ipv4({ protocol: 17 }))).toBe(false);
  });

  test("accepts IPv4 and IPv6 filters in one list", () => {
    const include = [ANY_V6, toWeb];
    expect(matches(include, ipv6())).toBe(true);
    expect(matches(include, ipv4())).toBe(true);
    expect(matches(include, ipv4({}, ports(1, 2)))).toBe(false);
  });

  test("matches alike for a message and its init object", () => {
    expect(matches([create(FilterSchema, toWeb)], ipv4())).toBe(true);
    expect(matches([create(FilterSchema, toWeb)], ipv4({ protocol: 17 }))).toBe(false);
  });
});

describe("compilePacketFilter: the predicate", () => {
  test("never throws, changes no bytes, and reads only from start to end", () => {
    fc.assert(
      fc.property(
        fc.array(anyFilter(), { minLength: 1, maxLength: 8 }),
        packetWithLinkType(),
        fc.uint8Array({ maxLength: 50 }),
        fc.uint8Array({ maxLength: 50 }),
        (filters, { packet, linkType }, before, after) => {
          const predicate = compilePacketFilter(filters);
          const around = bytes(before, packet, after);
          const copy = around.slice();
          const expected = predicate(packet, 0, packet.length, linkType);
          expect(predicate(around, before.length, before.length + packet.length, linkType)).toBe(expected);
          expect(around).toEqual(copy);
        },
      ),
      { numRuns: runs(3000) },
    );
  });

  test("has no state from another packet or another filter", () => {
    const web = compilePacketFilter([{ ...ANY_V4, destinationPort: 80 }]);
    const all = compilePacketFilter([ANY_V6]);
    const later = ipv4({ fragment: 1 });
    const plain = ipv4();
    const plainV6 = ipv6();
    expect(web(plain, 0, plain.length, RAW)).toBe(true);
    expect(web(later, 0, later.length, RAW)).toBe(false);
    expect(all(plainV6, 0, plainV6.length, RAW)).toBe(true);
    expect(web(plainV6, 0, plainV6.length, RAW)).toBe(false);
    expect(web(plain, 0, 10, RAW)).toBe(false);
    expect(web(plain, 0, plain.length, RAW)).toBe(true);
  });

  test("ignores later changes of its filters", () => {
    const filter = { ...ANY_V4, destinationPort: 80 };
    const include = [filter];
    const predicate = compilePacketFilter(include);
    filter.destinationPort = 81;
    include.length = 0;
    const packet = ipv4();
    expect(predicate(packet, 0, packet.length, RAW)).toBe(true);
  });
});
