import fc from "fast-check";
import {
  authentication,
  bytes,
  cookedV1,
  cookedV2,
  ethernet,
  fragment,
  ipv4,
  ipv6Chain,
  options,
  tag,
  uint16,
} from "./build.js";
import type { NaiveFilter } from "./naive.js";

/** Every link type that the layers are found in. */
export const LINK_TYPES = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276];

/** Few addresses and ports, so that filters drawn from the same few match. */
export const ADDRESSES_V4 = [
  "10.0.0.1",
  "10.0.0.2",
  "10.128.0.1",
  "192.168.7.9",
  "255.255.255.255",
  "0.0.0.0",
];
export const ADDRESSES_V6 = [
  "20010db8000000000000000000000001",
  "20010db8000000000000000080000001",
  "fe800000000000000000000000000001",
  "00000000000000000000ffff0a000001",
  "ffffffffffffffffffffffffffffffff",
];
export const PORTS = [1, 53, 80, 443, 32_768, 65_535];
export const PROTOCOLS = [1, 6, 17, 132, 58, 50, 59, 4, 255, 0, 44, 51];

const port = () => fc.constantFrom(...PORTS);

function payload(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(port(), port(), fc.uint8Array({ maxLength: 12 })).map(([source, destination, rest]) => {
    return bytes(uint16(source), uint16(destination), rest);
  });
}

function ipv4Packet(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.record({
        protocol: fc.constantFrom(...PROTOCOLS),
        fragment: fc.constantFrom(0, 0, 0, 0x4000, 0x2000, 0x2001, 0x1000),
        options: fc.constantFrom("", "", "01010101", "0101010101010101"),
        source: fc.constantFrom(...ADDRESSES_V4),
        destination: fc.constantFrom(...ADDRESSES_V4),
      }),
      payload(),
    )
    .map(([fields, rest]) => ipv4(fields, rest));
}

function ipv6Packet(): fc.Arbitrary<Uint8Array> {
  const extension = fc.oneof(
    fc
      .tuple(fc.constantFrom(0, 43, 60, 135), fc.constantFrom(0, 0, 1, 3))
      .map(([number, units]) => options(number, units)),
    fc.constantFrom(0, 1, 8, 0x100).map((flags) => fragment(flags)),
    fc.constantFrom(0, 1, 4).map(authentication),
  );
  return fc
    .tuple(
      fc.array(extension, { maxLength: 10, size: "small" }),
      fc.constantFrom(...PROTOCOLS),
      payload(),
      fc.constantFrom(...ADDRESSES_V6),
      fc.constantFrom(...ADDRESSES_V6),
    )
    .map(([chain, protocol, rest, source, destination]) =>
      ipv6Chain(chain, protocol, rest, { source, destination }),
    );
}

/** What an EtherType announces. */
interface Announced {
  readonly etherType: number;
  readonly payload: Uint8Array;
}

/** An IP packet in one of the encapsulations other than VLAN tags. */
function encapsulated(): fc.Arbitrary<Announced> {
  return fc
    .tuple(fc.oneof(ipv4Packet(), ipv6Packet()), fc.constantFrom("snap", "pppoe", "mpls", "mpls in pppoe"))
    .map(([packet, kind]) => {
      const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
      const labels = bytes("00064040 00064140", packet);
      switch (kind) {
        case "snap":
          return { etherType: 200, payload: bytes("aaaa03000000", isIpv4 ? "0800" : "86dd", packet) };
        case "pppoe":
          return { etherType: 0x8864, payload: bytes("110000420000", isIpv4 ? "0021" : "0057", packet) };
        case "mpls":
          return { etherType: 0x8847, payload: labels };
        default:
          return { etherType: 0x8864, payload: bytes("110000420000 0281", labels) };
      }
    });
}

function tagged(): fc.Arbitrary<Announced> {
  const untagged = fc.oneof(
    { weight: 3, arbitrary: ipv4Packet().map((packet) => ({ etherType: 0x0800, payload: packet })) },
    { weight: 3, arbitrary: ipv6Packet().map((packet) => ({ etherType: 0x86dd, payload: packet })) },
    { weight: 1, arbitrary: encapsulated() },
  );
  const tpids = fc.array(fc.constantFrom(0x8100, 0x88a8, 0x9100, 0x9300), { maxLength: 3, size: "xsmall" });
  return fc
    .tuple(untagged, tpids)
    .map(([inner, outer]) =>
      outer.reduce(
        (inside, tpid) => ({ etherType: tpid, payload: tag(inside.etherType, inside.payload) }),
        inner,
      ),
    );
}

/** A packet of a link type: well-formed, the same cut or with a byte changed, or random bytes. */
export function anyPacketOf(linkType: number): fc.Arbitrary<Uint8Array> {
  const wellFormed = wellFormedPacket(linkType);
  const cut = fc.tuple(wellFormed, fc.nat(130)).map(([packet, length]) => packet.slice(0, length));
  const changed = fc.tuple(wellFormed, fc.nat(), fc.nat(255)).map(([packet, at, byte]) => {
    const copy = packet.slice();
    copy[at % copy.length] = byte;
    return copy;
  });
  return fc.oneof(
    { weight: 4, arbitrary: wellFormed },
    { weight: 3, arbitrary: cut },
    { weight: 2, arbitrary: changed },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  );
}

function wellFormedPacket(linkType: number): fc.Arbitrary<Uint8Array> {
  switch (linkType) {
    case 113:
      return tagged().map(({ etherType, payload: inside }) => cookedV1(etherType, inside));
    case 276:
      return tagged().map(({ etherType, payload: inside }) => cookedV2(etherType, inside));
    case 0:
    case 108: {
      const families = [
        "02000000",
        "00000002",
        "0a000000",
        "0000000a",
        "00000018",
        "18000000",
        "1c000000",
        "0000001e",
      ];
      return fc
        .tuple(fc.constantFrom(...families), fc.oneof(ipv4Packet(), ipv6Packet()))
        .map(([family, packet]) => bytes(family, packet));
    }
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return fc.oneof(ipv4Packet(), ipv6Packet());
    default:
      return tagged().map(({ etherType, payload: inside }) => ethernet(etherType, inside));
  }
}

/** A packet and the link type it is read with, which is mostly its own. */
export function packetWithLinkType(): fc.Arbitrary<{ packet: Uint8Array; linkType: number }> {
  const matching = fc
    .constantFrom(...LINK_TYPES)
    .chain((linkType) => anyPacketOf(linkType).map((packet) => ({ packet, linkType })));
  const mixed = fc.record({
    packet: fc.constantFrom(...LINK_TYPES).chain(anyPacketOf),
    linkType: fc.oneof(fc.constantFrom(...LINK_TYPES), fc.integer({ min: -2, max: 0xffff })),
  });
  return fc.oneof({ weight: 5, arbitrary: matching }, { weight: 1, arbitrary: mixed });
}

/** A filter over the same few addresses, protocols and ports. */
export function anyFilter(): fc.Arbitrary<NaiveFilter> {
  const sides = fc.oneof(
    sidesOf(ADDRESSES_V4, [0, 0, 1, 8, 9, 31, 32]),
    sidesOf(
      [
        "2001:db8::1",
        "2001:db8::8000:1",
        "fe80::1",
        "::a:ffff:a00:1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      ],
      [0, 0, 1, 32, 33, 64, 96, 97, 127, 128],
    ),
  );
  const maybe = (values: readonly number[]) =>
    fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(...values) });
  return fc
    .tuple(sides, maybe(PORTS), maybe(PORTS), maybe(PROTOCOLS))
    .map(([side, sourcePort, destinationPort, protocol]) => ({
      ...side,
      sourcePort,
      destinationPort,
      protocol,
    }));
}

function sidesOf(
  addresses: readonly string[],
  lengths: readonly number[],
): fc.Arbitrary<{ sourceCidr: string; destinationCidr: string }> {
  const cidr = fc
    .tuple(fc.constantFrom(...addresses), fc.constantFrom(...lengths))
    .map(([address, length]) => `${address}/${length}`);
  return fc.record({ sourceCidr: cidr, destinationCidr: cidr });
}
