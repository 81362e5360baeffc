import { describe, expect, test } from "vitest";
import { locateLenient } from "../../../../src/packet/flow/locate/locate-lenient.js";
import { createFlowDecoder } from "../../../../src/packet/index.js";
import {
  authentication,
  bytes,
  cookedV1,
  cookedV2,
  ethernet,
  fragment,
  IPV4,
  IPV6,
  ipv4,
  ipv6,
  ipv6Chain,
  options,
  tag,
  uint16,
} from "../../build.js";
import {
  batchOf,
  dirtyLayers,
  ETHERNET,
  ETHERNET_JSON,
  flowOf,
  IPV4_JSON,
  IPV6_JSON,
  layersOf,
  TCP_JSON,
  tcp,
  UDP_JSON,
  udp,
} from "../frames.js";

const ON_IPV4 = { IP: IPV4_JSON, l4: TCP_JSON, Summary: "TCP Flags: SYN" };
const ON_IPV6 = { IP: IPV6_JSON, l4: UDP_JSON, Summary: "UDP" };

const overIpv4 = ipv4({}, tcp());
const overIpv6 = ipv6({ nextHeader: 17 }, udp());

describe("decodeFlows: link types", () => {
  test.each([
    { name: "Ethernet", linkType: 1, packet: ethernet(IPV4, overIpv4) },
    {
      name: "a VLAN tag (802.1Q)",
      linkType: 1,
      packet: ethernet(0x8100, tag(IPV4, overIpv4)),
    },
    {
      name: "a service tag (802.1ad) around another",
      linkType: 1,
      packet: ethernet(0x88a8, tag(0x8100, tag(IPV4, overIpv4))),
    },
    {
      name: "three tags, the outermost from before the standard",
      linkType: 1,
      packet: ethernet(0x9100, tag(0x8100, tag(0x8100, tag(IPV4, overIpv4)))),
    },
    { name: "Linux cooked v1", linkType: 113, packet: cookedV1(IPV4, overIpv4) },
    { name: "a tag after Linux cooked v1", linkType: 113, packet: cookedV1(0x8100, tag(IPV4, overIpv4)) },
    { name: "Linux cooked v2", linkType: 276, packet: cookedV2(IPV4, overIpv4) },
    { name: "BSD loopback, little endian", linkType: 0, packet: bytes("02000000", overIpv4) },
    { name: "BSD loopback, big endian", linkType: 0, packet: bytes("00000002", overIpv4) },
    { name: "OpenBSD loopback", linkType: 108, packet: bytes("00000002", overIpv4) },
    ...[12, 14, 101].map((linkType) => ({ name: `raw IP (${linkType})`, linkType, packet: overIpv4 })),
    { name: "raw IPv4", linkType: 228, packet: overIpv4 },
    {
      name: "raw IPv4 against the version in the header",
      linkType: 228,
      packet: ipv4({ version: 6 }, tcp()),
    },
  ])("IPv4 in $name", ({ linkType, packet }) => {
    expect(layersOf(flowOf(linkType, packet))).toEqual({
      ...ON_IPV4,
      ...(linkType === ETHERNET && { ethernet: ETHERNET_JSON }),
    });
  });

  test.each([
    { linkType: 1, packet: ethernet(IPV6, overIpv6) },
    { linkType: 113, packet: cookedV1(IPV6, overIpv6) },
    { linkType: 276, packet: cookedV2(IPV6, overIpv6) },
    ...["0a000000", "18000000", "1c000000", "1e000000", "0000001e"].map((family) => ({
      linkType: 0,
      packet: bytes(family, overIpv6),
    })),
    { linkType: 101, packet: overIpv6 },
    { linkType: 229, packet: overIpv6 },
  ])("IPv6 in link type $linkType", ({ linkType, packet }) => {
    expect(layersOf(flowOf(linkType, packet))).toEqual({
      ...ON_IPV6,
      ...(linkType === ETHERNET && { ethernet: ETHERNET_JSON }),
    });
  });

  test.each([
    { name: "an unknown link type", linkType: 147, packet: overIpv4 },
    { name: "raw IP of another version", linkType: 101, packet: ipv4({ version: 5 }) },
    { name: "another address family", linkType: 0, packet: bytes("10000000", overIpv4) },
    { name: "Linux cooked v1 without IP", linkType: 113, packet: cookedV1(0x0806, bytes("0001")) },
    ...[0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 65_535].map((linkType) => ({
      name: `an empty packet of link type ${linkType}`,
      linkType,
      packet: bytes(),
    })),
  ])("$name: no layers and no summary", ({ linkType, packet }) => {
    expect(layersOf(flowOf(linkType, packet))).toEqual({});
  });

  test("sets the interface of Linux cooked v2", () => {
    const flow = flowOf(276, cookedV2(IPV4, overIpv4));
    expect(flow.interface).toMatchObject({ index: 2, name: "" });
    expect(flowOf(276, bytes(cookedV2(IPV4, overIpv4).slice(0, 19))).interface).toBeUndefined();
  });
});

describe("decodeFlows: more than Hubble v1.16.2 decodes", () => {
  test.each([
    { name: "hop-by-hop", chain: [options(0)] },
    { name: "two hop-by-hop headers", chain: [options(0), options(0, 1)] },
    { name: "routing", chain: [options(43, 3)] },
    { name: "destination options", chain: [options(60)] },
    { name: "authentication", chain: [authentication(4)] },
    { name: "mobility", chain: [options(135)] },
    { name: "the only fragment of a packet", chain: [fragment(0, 0xff)] },
    { name: "all of them", chain: [options(0), options(60), options(43), fragment(0), authentication(1)] },
    { name: "a hundred of them", chain: Array.from({ length: 100 }, () => options(60)) },
  ])("IPv6 extension headers are skipped: $name", ({ chain }) => {
    const packet = ipv6Chain(chain, 17, udp());
    expect(layersOf(flowOf(101, packet))).toEqual(ON_IPV6);
  });

  // IPv4: reserved bit, "don't fragment", "more fragments", 13 bits of offset. IPv6: offset, two reserved bits, "more".
  test.each([
    { name: "the first IPv4 fragment", packet: ipv4({ fragment: 0x2000 }, tcp()), expected: ON_IPV4 },
    { name: "one with reserved bit and DF", packet: ipv4({ fragment: 0xe000 }, tcp()), expected: ON_IPV4 },
    { name: "the first IPv6 fragment", packet: ipv6Chain([fragment(1)], 17, udp()), expected: ON_IPV6 },
    { name: "one with reserved bits", packet: ipv6Chain([fragment(7)], 17, udp()), expected: ON_IPV6 },
    {
      name: "one with destination options",
      packet: ipv6Chain([options(60), fragment(1)], 17, udp()),
      expected: ON_IPV6,
    },
  ])("finds the transport header of a first fragment: $name", ({ packet, expected }) => {
    expect(layersOf(flowOf(101, packet))).toEqual(expected);
  });

  test.each([
    { name: "IPv4, middle", packet: ipv4({ fragment: 0x2001 }, tcp()), ip: IPV4_JSON },
    { name: "IPv4, last", packet: ipv4({ fragment: 0x0001 }, tcp()), ip: IPV4_JSON },
    { name: "IPv4, highest bit of the offset", packet: ipv4({ fragment: 0x1000 }, tcp()), ip: IPV4_JSON },
    { name: "IPv6, middle", packet: ipv6Chain([fragment(9)], 17, udp()), ip: IPV6_JSON },
    { name: "IPv6, last", packet: ipv6Chain([fragment(8)], 17, udp()), ip: IPV6_JSON },
    {
      name: "IPv6, highest bit of the offset",
      packet: ipv6Chain([fragment(0x8000)], 17, udp()),
      ip: IPV6_JSON,
    },
  ])("finds no ports in a later fragment: $name", ({ packet, ip }) => {
    expect(layersOf(flowOf(101, packet))).toEqual({ IP: ip, Summary: ip.ipVersion });
  });

  test("summarizes an IGMP report", () => {
    const packet = ipv4({ protocol: 2 }, bytes("16 00 0000 e0000009"));
    expect(layersOf(flowOf(101, packet))).toEqual({
      IP: IPV4_JSON,
      l4: { IGMP: { type: 0x16, groupAddress: "224.0.0.9" } },
      Summary: "IGMP IGMPv2 Membership Report",
    });
  });

  test("summarizes a truncated IGMP message of an unknown type", () => {
    expect(layersOf(flowOf(101, ipv4({ protocol: 2 }, bytes("99 000000 e00000"))))).toEqual({
      IP: IPV4_JSON,
      l4: { IGMP: { type: 0x99 } },
      Summary: "IGMP ",
    });
  });

  test.each([
    { first: "21", type: 1, Summary: "VRRP VRRPv2 Advertisement" },
    { first: "3f", type: 15, Summary: "VRRP " },
  ])("VRRP beginning with $first", ({ first, type, Summary }) => {
    expect(layersOf(flowOf(101, ipv4({ protocol: 112 }, bytes(first, "0a 64 01"))))).toEqual({
      IP: IPV4_JSON,
      l4: { VRRP: { type, vrid: 10, priority: 100 } },
      Summary,
    });
  });
});

describe("decodeFlows: truncated and malformed packets", () => {
  const frame = ethernet(IPV4, overIpv4);
  test.each([
    { length: 13, json: {} },
    { length: 14, json: { ethernet: ETHERNET_JSON, Summary: "Ethernet" } },
    { length: 33, json: { ethernet: ETHERNET_JSON, Summary: "Ethernet" } },
    { length: 34, json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" } },
    { length: 37, json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" } },
    {
      length: 38,
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: { TCP: { sourcePort: 1000, destinationPort: 80 } },
        Summary: "TCP",
      },
    },
    {
      length: 47,
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: { TCP: { sourcePort: 1000, destinationPort: 80 } },
        Summary: "TCP",
      },
    },
    { length: 48, json: { ethernet: ETHERNET_JSON, ...ON_IPV4 } },
  ])("a TCP frame truncated to $length bytes", ({ length, json }) => {
    expect(layersOf(flowOf(ETHERNET, frame.slice(0, length)))).toEqual(json);
  });

  test.each([
    { protocol: 17, length: 3, l4: undefined, Summary: "IPv4" },
    { protocol: 17, length: 4, l4: { UDP: { sourcePort: 257, destinationPort: 257 } }, Summary: "UDP" },
    { protocol: 132, length: 3, l4: undefined, Summary: "IPv4" },
    { protocol: 132, length: 4, l4: { SCTP: { sourcePort: 257, destinationPort: 257 } }, Summary: "SCTP" },
    { protocol: 1, length: 1, l4: undefined, Summary: "IPv4" },
    { protocol: 1, length: 2, l4: { ICMPv4: { type: 1, code: 1 } }, Summary: "ICMPv4 1(1)" },
    { protocol: 58, length: 1, l4: undefined, Summary: "IPv4" },
    {
      protocol: 58,
      length: 2,
      l4: { ICMPv6: { type: 1, code: 1 } },
      Summary: "ICMPv6 DestinationUnreachable(AdminProhibited)",
    },
    { protocol: 2, length: 0, l4: undefined, Summary: "IPv4" },
    { protocol: 2, length: 7, l4: { IGMP: { type: 1 } }, Summary: "IGMP " },
    { protocol: 112, length: 2, l4: undefined, Summary: "IPv4" },
    {
      protocol: 112,
      length: 3,
      l4: { VRRP: { type: 1, vrid: 1, priority: 1 } },
      Summary: "VRRP VRRPv2 Advertisement",
    },
  ])("$length bytes of protocol $protocol: $Summary", ({ protocol, length, l4, Summary }) => {
    const packet = ipv4({ protocol }, new Uint8Array(length).fill(1));
    expect(layersOf(flowOf(101, packet))).toEqual({ IP: IPV4_JSON, ...(l4 && { l4 }), Summary });
  });

  test.each([
    { name: "IPv4 options", packet: ipv4({ options: "0705 0000" }, tcp()) },
    { name: "a TCP data offset", packet: ipv4({}, tcp({ dataOffset: 1 })) },
    { name: "TCP options", packet: ipv4({}, tcp({ options: "0201 0000" })) },
  ])("invalid $name do not hide the ports", ({ packet }) => {
    expect(layersOf(flowOf(101, packet))).toEqual(ON_IPV4);
  });

  test("an invalid length of UDP does not hide the ports", () => {
    expect(layersOf(flowOf(101, ipv4({ protocol: 17 }, udp(1000, 53, "", 7))))).toEqual({
      IP: IPV4_JSON,
      l4: UDP_JSON,
      Summary: "UDP",
    });
  });

  test.each([
    { name: "an IPv4 header length of 16 bytes", packet: ipv4({ headerWords: 4 }, tcp()) },
    { name: "a header longer than the packet", packet: ipv4({ headerWords: 15 }, bytes()) },
    { name: "a total length below the header's", packet: totalLength(overIpv4, 19) },
    { name: "a total length that leaves 3 bytes for TCP", packet: totalLength(overIpv4, 23) },
  ])("$name: addresses only", ({ packet }) => {
    expect(layersOf(flowOf(101, packet))).toEqual({ IP: IPV4_JSON, Summary: "IPv4" });
  });

  test("IPv6 without a length extends to the end of the capture", () => {
    const packet = overIpv6.slice();
    packet.set([0, 0], 4);
    expect(layersOf(flowOf(101, packet))).toEqual(ON_IPV6);
  });

  test("decodes what follows the hop-by-hop header of a jumbogram", () => {
    const packet = ipv6({ nextHeader: 0 }, bytes("11 00 c204 00010000", udp()));
    packet.set([0, 0], 4);
    expect(layersOf(flowOf(101, packet))).toEqual(ON_IPV6);
  });

  test.each([4, 94, 41])("a truncated inner packet of protocol %d: the outer packet", (protocol) => {
    expect(layersOf(flowOf(101, ipv4({ protocol }, overIpv4.slice(0, 19))))).toEqual({
      IP: IPV4_JSON,
      Summary: "IPv4",
    });
  });

  test("a truncated extension header: addresses only", () => {
    const packet = ipv6Chain([options(0), options(60, 3)], 17, udp());
    for (let length = 40; length < packet.length - 8; length++) {
      expect(layersOf(flowOf(101, packet.slice(0, length)))).toEqual({ IP: IPV6_JSON, Summary: "IPv6" });
    }
  });

  test("tens of thousands of headers in one packet do not overflow the stack", () => {
    const tags = new Uint8Array(262_140);
    for (let at = 0; at < tags.length; at += 4) tags.set([0, 1, 0x81, 0x00], at);
    const nested = new Uint8Array(262_140);
    for (let at = 0; at + 20 <= nested.length; at += 20) {
      nested.set(bytes("45000000 00000000 4004 0000 0a000001 0a000002"), at);
    }
    const extensions = ipv6({ nextHeader: 60 }, new Uint8Array(262_136).fill(60));
    const bridged = new Uint8Array(262_136);
    for (let at = 0; at + 14 <= bridged.length; at += 14) bridged.set([0x65, 0x58], at + 12);
    for (const strict of [false, true]) {
      for (const [linkType, packet] of [
        [1, ethernet(0x8100, tags)],
        [1, ethernet(IPV4, nested)],
        [1, ethernet(IPV6, extensions)],
        [1, bridged],
      ] as const) {
        expect([...createFlowDecoder({ strict }).decodeEach(batchOf(linkType, packet))]).toHaveLength(1);
      }
    }
  });
});

test("locateLenient: overwrites the layers of the previous packet", () => {
  const layers = dirtyLayers();
  expect(locateLenient(bytes(), 0, 0, ETHERNET, layers)).toBe(true);
  expect(layers).toMatchObject({ ethernet: -1, version: 0, transport: undefined, interfaceIndex: 0 });
});

function totalLength(packet: Uint8Array, length: number): Uint8Array {
  const copy = packet.slice();
  copy.set(uint16(length), 2);
  return copy;
}
