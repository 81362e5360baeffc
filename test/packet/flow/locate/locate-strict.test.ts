import { describe, expect, test } from "vitest";
import { locateStrict } from "../../../../src/packet/flow/locate/locate-strict.js";
import { createFlowDecoder, PacketError } from "../../../../src/packet/index.js";
import {
  authentication,
  bytes,
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

const onIpv4 = (fields: Parameters<typeof ipv4>[0], payload?: Uint8Array) =>
  ethernet(IPV4, ipv4(fields, payload));
const onIpv6 = (fields: Parameters<typeof ipv6>[0], payload?: Uint8Array) =>
  ethernet(IPV6, ipv6(fields, payload));

/** A packet with some bytes replaced. */
function patched(packet: Uint8Array, at: number, replacement: string): Uint8Array {
  const copy = packet.slice();
  copy.set(bytes(replacement), at);
  return copy;
}

const IP_LENGTH_AT = 14 + 2;
const IPV6_LENGTH_AT = 14 + 4;

/** Hop-by-hop, eight bytes: next header, length, options. */
const hopByHop = (next: number, text: string, payload: Uint8Array = udp()) =>
  onIpv6({ nextHeader: 0 }, bytes(next, text, payload));
const jumbo = (next: number, text: string, payload: Uint8Array = udp()) =>
  patched(hopByHop(next, text, payload), IPV6_LENGTH_AT, "0000");

describe("locateStrict: decodes as Hubble v1.16.2", () => {
  test.each([
    { name: "an empty packet without layers", packet: bytes(), json: {} },
    {
      name: "an ARP frame as Ethernet",
      packet: ethernet(0x0806, bytes("00010800")),
      json: { ethernet: ETHERNET_JSON, Summary: "Ethernet" },
    },
    {
      name: "a frame that ends with its header as Ethernet",
      packet: ethernet(IPV4, bytes()),
      json: { ethernet: ETHERNET_JSON, Summary: "Ethernet" },
    },
    {
      name: "a VLAN tag as Ethernet",
      packet: ethernet(0x8100, tag(IPV4, ipv4())),
      json: { ethernet: ETHERNET_JSON, Summary: "Ethernet" },
    },
    {
      name: "a length where the type stands (802.3) as Ethernet",
      packet: ethernet(0x05ff, bytes("aaaa0300")),
      json: { ethernet: ETHERNET_JSON, Summary: "Ethernet" },
    },
    {
      name: "a frame bridged in a frame as the inner one",
      packet: ethernet(0x6558, bytes("0a0000000002 0a0000000001 0800", ipv4({}, tcp()))),
      json: {
        ethernet: { source: "0a:00:00:00:00:01", destination: "0a:00:00:00:00:02" },
        IP: IPV4_JSON,
        l4: TCP_JSON,
        Summary: "TCP Flags: SYN",
      },
    },
    {
      name: "TCP over IPv4",
      packet: onIpv4({}, tcp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: TCP_JSON, Summary: "TCP Flags: SYN" },
    },
    {
      name: "the EtherType against the version in the header",
      packet: onIpv4({ version: 6 }, tcp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: TCP_JSON, Summary: "TCP Flags: SYN" },
    },
    {
      name: "IPv4 without a payload",
      packet: onIpv4({}, bytes()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" },
    },
    {
      name: "no total length as that of the data",
      packet: patched(onIpv4({ protocol: 17 }, udp()), IP_LENGTH_AT, "0000"),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    {
      name: "a total length beyond the data",
      packet: patched(onIpv4({ protocol: 17 }, udp()), IP_LENGTH_AT, "ffff"),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    {
      name: "padding, cut off before the transport layer",
      packet: bytes(onIpv4({}, bytes()), "0000000000000000000000000000"),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" },
    },
    {
      name: "IPv4 options that end early, with anything behind the end",
      packet: onIpv4({ options: "0101 0000 07ff0000" }, tcp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: TCP_JSON, Summary: "TCP Flags: SYN" },
    },
    {
      name: "the first IPv4 fragment as IPv4",
      packet: onIpv4({ fragment: 0x2000 }, tcp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" },
    },
    {
      name: "a later IPv4 fragment as IPv4",
      packet: onIpv4({ fragment: 0x0001 }, tcp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" },
    },
    {
      name: "an IPv4 packet with the flag against fragments and the reserved one",
      packet: onIpv4({ fragment: 0xc000, protocol: 17 }, udp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    ...[4, 94].map((protocol) => ({
      name: `IPv4 in IPv4 by protocol ${protocol} as the inner packet`,
      packet: onIpv4({ protocol }, ipv4({ source: "1.2.3.4", destination: "5.6.7.8" }, tcp())),
      json: {
        ethernet: ETHERNET_JSON,
        IP: { source: "1.2.3.4", destination: "5.6.7.8", ipVersion: "IPv4" },
        l4: TCP_JSON,
        Summary: "TCP Flags: SYN",
      },
    })),
    {
      name: "IPv6 in IPv4 as the inner packet",
      packet: onIpv4({ protocol: 41 }, ipv6({ nextHeader: 17 }, udp())),
      json: { ethernet: ETHERNET_JSON, IP: IPV6_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    ...[47, 50, 51, 2, 112, 0, 136].map((protocol) => ({
      name: `protocol ${protocol} over IPv4 as IPv4`,
      packet: onIpv4({ protocol }, tcp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, Summary: "IPv4" },
    })),
    {
      name: "UDP over IPv6",
      packet: onIpv6({ nextHeader: 17 }, udp()),
      json: { ethernet: ETHERNET_JSON, IP: IPV6_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    {
      name: "addresses mapped from IPv4 in dotted form",
      packet: onIpv6(
        { nextHeader: 59, source: "00000000000000000000ffff0a000001", destination: "0".repeat(32) },
        bytes(0),
      ),
      json: {
        ethernet: ETHERNET_JSON,
        IP: { source: "10.0.0.1", destination: "::", ipVersion: "IPv6" },
        Summary: "IPv6",
      },
    },
    {
      name: "what follows a hop-by-hop header",
      packet: ethernet(IPV6, ipv6Chain([options(0)], 17, udp())),
      json: { ethernet: ETHERNET_JSON, IP: IPV6_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    {
      name: "an option that reaches beyond its hop-by-hop header, when the bytes are there",
      packet: hopByHop(17, "00 0508000000 00"),
      json: { ethernet: ETHERNET_JSON, IP: IPV6_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    {
      name: "two hop-by-hop headers as IPv6",
      packet: ethernet(IPV6, ipv6Chain([options(0), options(0)], 17, udp())),
      json: { ethernet: ETHERNET_JSON, IP: IPV6_JSON, Summary: "IPv6" },
    },
    ...[
      { header: "routing", chain: [options(43)] },
      { header: "fragment", chain: [fragment(0)] },
      { header: "destination options", chain: [options(60)] },
      { header: "authentication", chain: [authentication(0)] },
    ].map(({ header, chain }) => ({
      name: `a ${header} header as IPv6`,
      packet: ethernet(IPV6, ipv6Chain(chain, 17, udp())),
      json: { ethernet: ETHERNET_JSON, IP: IPV6_JSON, Summary: "IPv6" },
    })),
    {
      // ICMPv4 reads the hop-by-hop header's first byte, the next header, as its type.
      name: "the hop-by-hop header of a jumbogram for its payload, as gopacket does",
      packet: jumbo(1, "00 c204 00010000", bytes("0800 0000 00000000")),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV6_JSON,
        l4: { ICMPv4: { type: 1 } },
        Summary: "ICMPv4 1(0)",
      },
    },
    {
      name: "TCP with every flag, NS among them",
      packet: onIpv4({}, tcp({ flags: 0x1ff })),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: {
          TCP: {
            sourcePort: 1000,
            destinationPort: 80,
            flags: {
              FIN: true,
              SYN: true,
              RST: true,
              PSH: true,
              ACK: true,
              URG: true,
              ECE: true,
              CWR: true,
              NS: true,
            },
          },
        },
        Summary: "TCP Flags: SYN, ACK, RST, FIN, PSH, URG, ECE, CWR, NS",
      },
    },
    {
      name: "TCP without a flag, and a space at the end of the summary",
      packet: onIpv4({}, tcp({ flags: 0 })),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: { TCP: { sourcePort: 1000, destinationPort: 80, flags: {} } },
        Summary: "TCP Flags: ",
      },
    },
    {
      name: "TCP options that end early, with anything behind the end",
      packet: onIpv4({}, tcp({ options: "0204ffff 01 00 08ff" })),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: TCP_JSON, Summary: "TCP Flags: SYN" },
    },
    {
      name: "UDP whose length is 0 or beyond the data",
      packet: onIpv4({ protocol: 17 }, udp(1000, 53, "", 0)),
      json: { ethernet: ETHERNET_JSON, IP: IPV4_JSON, l4: UDP_JSON, Summary: "UDP" },
    },
    {
      name: "SCTP",
      packet: onIpv4({ protocol: 132 }, bytes(uint16(7), uint16(9), "0000000000000000")),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: { SCTP: { sourcePort: 7, destinationPort: 9 } },
        Summary: "SCTP",
      },
    },
    {
      name: "ICMPv4",
      packet: onIpv4({ protocol: 1 }, bytes("0303 0000 00000000")),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: { ICMPv4: { type: 3, code: 3 } },
        Summary: "ICMPv4 DestinationUnreachable(Port)",
      },
    },
    {
      name: "ICMPv6",
      packet: onIpv6({ nextHeader: 58 }, bytes("8700 0000")),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV6_JSON,
        l4: { ICMPv6: { type: 135 } },
        Summary: "ICMPv6 NeighborSolicitation",
      },
    },
    {
      name: "ICMPv6 over IPv4, as the protocol number says",
      packet: onIpv4({ protocol: 58 }, bytes("8000 0000")),
      json: {
        ethernet: ETHERNET_JSON,
        IP: IPV4_JSON,
        l4: { ICMPv6: { type: 128 } },
        Summary: "ICMPv6 EchoRequest",
      },
    },
  ] as { name: string; packet: Uint8Array; json: object }[])("$name", ({ packet, json }) => {
    expect(layersOf(flowOf(ETHERNET, packet, { strict: true }))).toEqual(json);
  });
});

describe("locateStrict: rejects as Hubble v1.16.2", () => {
  test.each([
    {
      packet: bytes("020000000002 020000000001 08"),
      layer: "Ethernet",
      offset: 0,
      message: "Ethernet packet too small",
    },
    {
      packet: ethernet(0x6558, bytes("0a")),
      layer: "Ethernet",
      offset: 14,
      message: "Ethernet packet too small",
    },
    {
      packet: ethernet(IPV4, bytes("45", new Uint8Array(18))),
      layer: "IPv4",
      offset: 14,
      message: "Invalid ip4 header. Length 19 less than 20",
    },
    {
      packet: patched(onIpv4({}), IP_LENGTH_AT, "0013"),
      layer: "IPv4",
      offset: 14,
      message: "Invalid (too small) IP length (19 < 20)",
    },
    {
      packet: onIpv4({ headerWords: 4 }, tcp()),
      layer: "IPv4",
      offset: 14,
      message: "Invalid (too small) IP header length (4 < 5)",
    },
    {
      packet: patched(onIpv4({ headerWords: 15 }, bytes()), IP_LENGTH_AT, "003b"),
      layer: "IPv4",
      offset: 14,
      message: "Invalid IP header length > IP length (15 > 59)",
    },
    {
      packet: onIpv4({ headerWords: 15 }, bytes()),
      layer: "IPv4",
      offset: 14,
      message: "Not all IP header bytes available",
    },
    {
      packet: onIpv4({ options: "0101 01 07" }, bytes()),
      layer: "IPv4",
      offset: 14,
      message: "Invalid ip4 option length. Length 1 less than 2",
    },
    {
      packet: onIpv4({ options: "0105 0000" }, bytes()),
      layer: "IPv4",
      offset: 14,
      message: "Invalid IP option type 5 length 0. Must be greater than 2",
    },
    {
      packet: onIpv4({ options: "0705 0000" }, bytes()),
      layer: "IPv4",
      offset: 14,
      message: "IP option length exceeds remaining IP header size, option type 7 length 5",
    },
    {
      packet: onIpv4({ protocol: 4 }, bytes("45")),
      layer: "IPv4",
      offset: 34,
      message: "Invalid ip4 header. Length 1 less than 20",
    },
    {
      packet: ethernet(IPV6, bytes("60", new Uint8Array(38))),
      layer: "IPv6",
      offset: 14,
      message: "Invalid ip6 header. Length 39 less than 40",
    },
    ...(
      [
        [6, "TCP"],
        [43, "IPv6Routing"],
        [44, "IPv6Fragment"],
        [58, "ICMPv6"],
        [60, "IPv6Destination"],
        [253, "UnknownIPProtocol"],
      ] as const
    ).map(([nextHeader, header]) => ({
      packet: patched(onIpv6({ nextHeader }), IPV6_LENGTH_AT, "0000"),
      layer: "IPv6",
      offset: 14,
      message: `IPv6 length 0, but next header is ${header}, not HopByHop`,
    })),
    {
      packet: onIpv6({ nextHeader: 0 }, bytes("11")),
      layer: "IPv6",
      offset: 14,
      message: "Invalid ip6-extension header. Length 1 less than 2",
    },
    {
      packet: onIpv6({ nextHeader: 0 }, bytes("11 01 000000000000")),
      layer: "IPv6",
      offset: 14,
      message: "Invalid ip6-extension header. Length 8 less than specified length 16",
    },
    {
      packet: onIpv6({ nextHeader: 0 }, bytes("11 00 0000000000 00")),
      layer: "IPv6",
      offset: 14,
      // gopacket requires two bytes also of padding that is one byte long.
      message: "IPv6 header option too small",
    },
    {
      packet: onIpv6({ nextHeader: 0 }, bytes("11 00 0105 00000000")),
      layer: "IPv6",
      offset: 14,
      message: "IPv6 header TLV option too small",
    },
    {
      packet: hopByHop(17, "00 c203 000100 00"),
      layer: "IPv6",
      offset: 14,
      message: "Jumbo length TLV data must have length 4",
    },
    {
      packet: jumbo(17, "00 c204 0000ffff"),
      layer: "IPv6",
      offset: 14,
      message: "Jumbo length cannot be less than 65536",
    },
    {
      packet: hopByHop(17, "00 c204 00010000"),
      layer: "IPv6",
      offset: 14,
      message: "IPv6 has jumbo length and IPv6 length is not 0",
    },
    {
      packet: jumbo(17, "00 0104 00000000"),
      layer: "IPv6",
      offset: 14,
      message: "IPv6 length 0, but HopByHop header does not have jumbogram option",
    },
    {
      packet: onIpv4({}, tcp().slice(0, 19)),
      layer: "TCP",
      offset: 34,
      message: "Invalid TCP header. Length 19 less than 20",
    },
    {
      packet: onIpv4({}, tcp({ dataOffset: 4 })),
      layer: "TCP",
      offset: 34,
      message: "Invalid TCP data offset 4 < 5",
    },
    {
      packet: onIpv4({}, tcp({ dataOffset: 6 })),
      layer: "TCP",
      offset: 34,
      message: "TCP data offset greater than packet length",
    },
    {
      packet: onIpv4({}, tcp({ options: "010101 02" })),
      layer: "TCP",
      offset: 34,
      message: "Invalid TCP option length. Length 1 less than 2",
    },
    {
      packet: onIpv4({}, tcp({ options: "0201 0000" })),
      layer: "TCP",
      offset: 34,
      message: "Invalid TCP option length 1 < 2",
    },
    {
      packet: onIpv4({}, tcp({ options: "01 02 04 00" })),
      layer: "TCP",
      offset: 34,
      message: "Invalid TCP option length 4 exceeds remaining 3 bytes",
    },
    {
      packet: onIpv4({ protocol: 17 }, udp().slice(0, 7)),
      layer: "UDP",
      offset: 34,
      message: "Invalid UDP header. Length 7 less than 8",
    },
    {
      packet: onIpv4({ protocol: 17 }, udp(1, 2, "", 7)),
      layer: "UDP",
      offset: 34,
      message: "UDP packet too small: 7 bytes",
    },
    {
      packet: onIpv4({ protocol: 132 }, new Uint8Array(11)),
      layer: "SCTP",
      offset: 34,
      message: "Invalid SCTP common header length",
    },
    {
      packet: onIpv4({ protocol: 1 }, new Uint8Array(7)),
      layer: "ICMPv4",
      offset: 34,
      message: "ICMP layer less then 8 bytes for ICMPv4 packet",
    },
    {
      packet: onIpv6({ nextHeader: 58 }, new Uint8Array(3)),
      layer: "ICMPv6",
      offset: 54,
      message: "ICMP layer less then 4 bytes for ICMPv6 packet",
    },
  ])("$layer: $message", ({ packet, layer, offset, message }) => {
    const [result] = createFlowDecoder({ strict: true }).decodeEach(batchOf(ETHERNET, packet));
    expect(result).toEqual(new PacketError(message, layer as PacketError["layer"], 0, offset));
  });

  test("every packet of another link type than Ethernet", () => {
    const [result] = createFlowDecoder({ strict: true }).decodeEach(batchOf(113, bytes()));
    expect(String(result)).toBe("packet 0, Ethernet at byte 0: Linux cooked v1 is not Ethernet");
  });
});

test("locateStrict: overwrites the layers of the previous packet", () => {
  const layers = dirtyLayers();
  expect(locateStrict(bytes(), 0, 0, ETHERNET, layers)).toBe(true);
  expect(layers).toMatchObject({ ethernet: -1, version: 0, transport: undefined, interfaceIndex: 0 });
});

test("locateStrict: a total length of 65,536 bytes wraps in gopacket's 16 bits", () => {
  const packet = patched(onIpv4({}, new Uint8Array(65_516)), IP_LENGTH_AT, "0000");
  const [result] = createFlowDecoder({ strict: true }).decodeEach(batchOf(ETHERNET, packet));
  expect(String(result)).toBe("packet 0, IPv4 at byte 14: Invalid (too small) IP length (0 < 20)");
});
