import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_EXTENSION_HEADERS } from "../../src/packet/headers/ipv6.js";
import { createLayers, locateLayers, type PacketLayers } from "../../src/packet/index.js";
import { UNKNOWN } from "../../src/packet/layers.js";
import { runs } from "../support/amount.js";
import { packetWithLinkType } from "./arbitrary.js";
import {
  authentication,
  bytes,
  cookedV1,
  cookedV2,
  type Extension,
  ethernet,
  fragment,
  IPV4,
  IPV6,
  ipv4,
  ipv6,
  ipv6Chain,
  options,
  ports,
  tag,
} from "./build.js";

const ETHERNET = 1;
const NULL = 0;
const LOOP = 108;
const RAW = 101;
const SLL = 113;
const SLL2 = 276;

/** The layers of a packet, undefined when it is not IP. */
function locate(packet: Uint8Array, linkType: number): PacketLayers | undefined {
  const layers = createLayers();
  const found = locateLayers(packet, 0, packet.length, linkType, layers);
  expect(found).toBe(layers.version !== 0);
  return found ? layers : undefined;
}

const ARP = 0x0806;
const TPIDS = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];

describe("locateLayers: the network header", () => {
  test.each([
    { name: "Ethernet, IPv4", linkType: ETHERNET, packet: ethernet(IPV4, ipv4()), network: 14, version: 4 },
    { name: "Ethernet, IPv6", linkType: ETHERNET, packet: ethernet(IPV6, ipv6()), network: 14, version: 6 },
    ...TPIDS.map((tpid) => ({
      name: `one VLAN tag 0x${tpid.toString(16)}`,
      linkType: ETHERNET,
      packet: ethernet(tpid, tag(IPV4, ipv4())),
      network: 18,
      version: 4,
    })),
    ...TPIDS.flatMap((outer) =>
      TPIDS.map((inner) => ({
        name: `two VLAN tags 0x${outer.toString(16)}, 0x${inner.toString(16)}`,
        linkType: ETHERNET,
        packet: ethernet(outer, tag(inner, tag(IPV6, ipv6()))),
        network: 22,
        version: 6,
      })),
    ),
    { name: "Linux cooked v1, IPv4", linkType: SLL, packet: cookedV1(IPV4, ipv4()), network: 16, version: 4 },
    { name: "Linux cooked v1, IPv6", linkType: SLL, packet: cookedV1(IPV6, ipv6()), network: 16, version: 6 },
    {
      name: "Linux cooked v1, one tag",
      linkType: SLL,
      packet: cookedV1(0x8100, tag(IPV4, ipv4())),
      network: 20,
      version: 4,
    },
    {
      name: "Linux cooked v1, two tags",
      linkType: SLL,
      packet: cookedV1(0x88a8, tag(0x8100, tag(IPV6, ipv6()))),
      network: 24,
      version: 6,
    },
    {
      name: "Linux cooked v2, IPv4",
      linkType: SLL2,
      packet: cookedV2(IPV4, ipv4()),
      network: 20,
      version: 4,
    },
    {
      name: "Linux cooked v2, IPv6",
      linkType: SLL2,
      packet: cookedV2(IPV6, ipv6()),
      network: 20,
      version: 6,
    },
    {
      name: "Linux cooked v2, one tag",
      linkType: SLL2,
      packet: cookedV2(0x9100, tag(IPV4, ipv4())),
      network: 24,
      version: 4,
    },
    {
      name: "Linux cooked v2, two tags",
      linkType: SLL2,
      packet: cookedV2(0x8100, tag(0x8100, tag(IPV4, ipv4()))),
      network: 28,
      version: 4,
    },
    {
      name: "BSD loopback, IPv4, little endian",
      linkType: NULL,
      packet: bytes("02000000", ipv4()),
      network: 4,
      version: 4,
    },
    {
      name: "BSD loopback, IPv4, big endian",
      linkType: NULL,
      packet: bytes("00000002", ipv4()),
      network: 4,
      version: 4,
    },
    ...[10, 24, 28, 30].flatMap((family) => [
      {
        name: `BSD loopback, AF_INET6 ${family}, little endian`,
        linkType: NULL,
        packet: bytes(family, "000000", ipv6()),
        network: 4,
        version: 6,
      },
      {
        name: `BSD loopback, AF_INET6 ${family}, big endian`,
        linkType: NULL,
        packet: bytes("000000", family, ipv6()),
        network: 4,
        version: 6,
      },
      {
        name: `LOOP, AF_INET6 ${family}`,
        linkType: LOOP,
        packet: bytes("000000", family, ipv6()),
        network: 4,
        version: 6,
      },
    ]),
    { name: "LOOP, IPv4", linkType: LOOP, packet: bytes("00000002", ipv4()), network: 4, version: 4 },
    ...[RAW, 12, 14].flatMap((linkType) => [
      { name: `raw IP ${linkType}, IPv4`, linkType, packet: ipv4(), network: 0, version: 4 },
      { name: `raw IP ${linkType}, IPv6`, linkType, packet: ipv6(), network: 0, version: 6 },
    ]),
    { name: "raw IPv4", linkType: 228, packet: ipv4(), network: 0, version: 4 },
    { name: "raw IPv6", linkType: 229, packet: ipv6(), network: 0, version: 6 },
  ])("is found: $name", ({ linkType, packet, network, version }) => {
    expect(locate(packet, linkType)).toMatchObject({ network, version, protocol: 6 });
    // And not in a frame that ends inside the link header.
    for (let length = 0; length <= network; length++) {
      expect(locate(packet.slice(0, length), linkType)).toBeUndefined();
    }
  });

  test.each([
    { name: "an empty packet", linkType: ETHERNET, packet: bytes() },
    {
      name: "three VLAN tags",
      linkType: ETHERNET,
      packet: ethernet(0x8100, tag(0x8100, tag(0x8100, tag(IPV4, ipv4())))),
    },
    {
      name: "three VLAN tags after Linux cooked v1",
      linkType: SLL,
      packet: cookedV1(0x88a8, tag(0x8100, tag(0x9100, tag(IPV4, ipv4())))),
    },
    { name: "ARP", linkType: ETHERNET, packet: ethernet(ARP, ipv4()) },
    { name: "ARP after a tag", linkType: ETHERNET, packet: ethernet(0x8100, tag(ARP, ipv4())) },
    { name: "an 802.3 length", linkType: ETHERNET, packet: ethernet(46, ipv4()) },
    { name: "IPv6 under the IPv4 EtherType", linkType: ETHERNET, packet: ethernet(IPV4, ipv6()) },
    { name: "IPv4 under the IPv6 EtherType", linkType: ETHERNET, packet: ethernet(IPV6, ipv4()) },
    {
      name: "IPv4 under the IPv6 EtherType, long enough",
      linkType: ETHERNET,
      packet: ethernet(IPV6, ipv4({}, new Uint8Array(60))),
    },
    {
      name: "IPv6 under a tagged IPv4 EtherType",
      linkType: ETHERNET,
      packet: ethernet(0x8100, tag(IPV4, ipv6())),
    },
    {
      name: "version 5 under the IPv4 EtherType",
      linkType: ETHERNET,
      packet: ethernet(IPV4, ipv4({ version: 5 })),
    },
    {
      name: "version 7 under the IPv6 EtherType",
      linkType: ETHERNET,
      packet: ethernet(IPV6, ipv6({ version: 7 })),
    },
    { name: "BSD loopback, AF_INET, but IPv6", linkType: NULL, packet: bytes("02000000", ipv6()) },
    {
      name: "BSD loopback, AF_INET6, but IPv4",
      linkType: NULL,
      packet: bytes("1e000000", ipv4({}, new Uint8Array(60))),
    },
    { name: "BSD loopback, family 7", linkType: NULL, packet: bytes("07000000", ipv4()) },
    { name: "BSD loopback, family 0", linkType: NULL, packet: bytes("00000000", ipv4()) },
    { name: "BSD loopback, AF_INET in the middle bytes", linkType: NULL, packet: bytes("00020000", ipv4()) },
    { name: "BSD loopback, both halves set", linkType: NULL, packet: bytes("02000002", ipv4()) },
    { name: "LOOP in little endian", linkType: LOOP, packet: bytes("02000000", ipv4()) },
    { name: "raw IP of version 5", linkType: RAW, packet: ipv4({ version: 5 }, new Uint8Array(60)) },
    { name: "raw IPv4 that is IPv6", linkType: 228, packet: ipv6() },
    { name: "raw IPv6 that is IPv4", linkType: 229, packet: ipv4({}, new Uint8Array(60)) },
    { name: "802.11", linkType: 105, packet: ethernet(IPV4, ipv4()) },
    { name: "an unknown link type", linkType: 65_535, packet: ethernet(IPV4, ipv4()) },
    { name: "a link type below 0", linkType: -1, packet: ethernet(IPV4, ipv4()) },
  ])("is not found: $name", ({ linkType, packet }) => {
    expect(locate(packet, linkType)).toBeUndefined();
  });
});

describe("locateLayers: an IPv4 header", () => {
  test.each([
    { name: "of 20 bytes", packet: ipv4(), transport: 20 },
    { name: "with 4 bytes of options", packet: ipv4({ options: "01010101" }), transport: 24 },
    { name: "with 40 bytes of options", packet: ipv4({ options: "01".repeat(40) }), transport: 60 },
    { name: "without a payload", packet: ipv4({}, bytes()), transport: 20, portsAt: UNKNOWN },
    {
      name: "with options and without a payload",
      packet: ipv4({ options: "00000000" }, bytes()),
      transport: 24,
      portsAt: UNKNOWN,
    },
  ])("$name", ({ packet, transport, portsAt = transport }) => {
    expect(locate(packet, RAW)).toEqual({
      network: 0,
      version: 4,
      protocol: 6,
      transport,
      laterFragment: false,
      ports: portsAt,
    });
  });

  test.each([
    { name: "with a length of 16 bytes", packet: ipv4({ headerWords: 4 }) },
    { name: "with a length of 0 bytes", packet: ipv4({ headerWords: 0 }) },
    { name: "truncated to 19 bytes", packet: ipv4().slice(0, 19) },
    { name: "of one byte", packet: ipv4().slice(0, 1) },
    { name: "without its last option byte", packet: ipv4({ options: "01010101" }).slice(0, 23) },
    { name: "longer than the packet", packet: ipv4({ headerWords: 15 }) },
  ])("$name is invalid", ({ packet }) => {
    expect(locate(packet, RAW)).toBeUndefined();
    expect(locate(ethernet(IPV4, packet), ETHERNET)).toBeUndefined();
  });

  test.each([
    { name: "the only fragment", fragment: 0, later: false },
    { name: "Don't Fragment", fragment: 0x4000, later: false },
    { name: "the reserved flag", fragment: 0x8000, later: false },
    { name: "the first fragment", fragment: 0x2000, later: false },
    { name: "the second fragment", fragment: 0x2001, later: true },
    { name: "the last fragment", fragment: 0x0001, later: true },
    { name: "an offset in the high byte only", fragment: 0x0100, later: true },
    { name: "the highest offset bit", fragment: 0x1000, later: true },
  ])("of $name: later fragment $later", ({ fragment, later }) => {
    expect(locate(ipv4({ fragment }), RAW)).toMatchObject({
      protocol: 6,
      laterFragment: later,
      ports: later ? UNKNOWN : 20,
    });
  });
});

const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;

function repeat(count: number, extension: Extension): Extension[] {
  return Array.from({ length: count }, () => extension);
}

describe("locateLayers: IPv6 extension headers", () => {
  test.each<{ name: string; chain: readonly Extension[]; transport: number; later?: boolean }>([
    { name: "no header", chain: [], transport: 40 },
    ...[HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS, MOBILITY].flatMap((number) => [
      { name: `${number} of 8 bytes`, chain: [options(number)], transport: 48 },
      { name: `${number} of 24 bytes`, chain: [options(number, 2)], transport: 64 },
    ]),
    { name: "of 2048 bytes", chain: [options(DESTINATION_OPTIONS, 255)], transport: 2088 },
    { name: "AH of 8 bytes", chain: [authentication(0)], transport: 48 },
    { name: "AH of 12 bytes", chain: [authentication(1)], transport: 52 },
    { name: "AH of 24 bytes", chain: [authentication(4)], transport: 64 },
    { name: "AH of 1028 bytes", chain: [authentication(255)], transport: 1068 },
    { name: "an atomic fragment", chain: [fragment(0)], transport: 48 },
    { name: "the first fragment", chain: [fragment(1)], transport: 48 },
    { name: "a fragment's reserved bits", chain: [fragment(0b110)], transport: 48 },
    { name: "a fragment's reserved byte, which is not a length", chain: [fragment(0, 9)], transport: 48 },
    { name: "a later fragment", chain: [fragment(8)], transport: 48, later: true },
    { name: "a later fragment by its high byte", chain: [fragment(0x0100)], transport: 48, later: true },
    {
      name: "a later fragment, whose bytes are walked literally",
      chain: [fragment(8), options(DESTINATION_OPTIONS)],
      transport: 56,
      later: true,
    },
    {
      name: "a first fragment inside a later one, which stays a later one",
      chain: [fragment(8), fragment(1)],
      transport: 56,
      later: true,
    },
    {
      name: "one of each kind",
      chain: [
        options(HOP_BY_HOP),
        options(DESTINATION_OPTIONS, 1),
        options(ROUTING, 2),
        fragment(1),
        authentication(4),
        options(MOBILITY),
      ],
      transport: 40 + 8 + 16 + 24 + 8 + 24 + 8,
    },
    { name: "hop-by-hop twice and out of place", chain: repeat(3, options(HOP_BY_HOP)), transport: 64 },
    { name: "eight headers", chain: repeat(MAX_EXTENSION_HEADERS, options(MOBILITY)), transport: 104 },
  ])("are skipped: $name", ({ chain, transport, later = false }) => {
    expect(locate(ipv6Chain(chain), RAW)).toEqual({
      network: 0,
      version: 6,
      protocol: 6,
      transport,
      laterFragment: later,
      ports: later ? UNKNOWN : transport,
    });
  });

  test.each([
    { name: "nine headers", packet: ipv6Chain(repeat(9, options(DESTINATION_OPTIONS))) },
    { name: "twenty headers", packet: ipv6Chain(repeat(20, options(HOP_BY_HOP))) },
    { name: "no byte of the first header captured", packet: ipv6Chain([options(HOP_BY_HOP)]).slice(0, 40) },
    { name: "one byte of the first header captured", packet: ipv6Chain([options(HOP_BY_HOP)]).slice(0, 41) },
    {
      name: "all but the last byte of the first header captured",
      packet: ipv6Chain([options(HOP_BY_HOP)]).slice(0, 47),
    },
    {
      name: "all but the last byte of a fragment header captured",
      packet: ipv6Chain([fragment(8)]).slice(0, 47),
    },
    { name: "all but the last byte of AH captured", packet: ipv6Chain([authentication(1)]).slice(0, 51) },
    {
      name: "a length beyond the end of the packet",
      packet: ipv6({ nextHeader: ROUTING }, bytes(6, 2, "000000000000", ports())),
    },
    {
      name: "a truncated second header",
      packet: ipv6Chain([options(HOP_BY_HOP), options(ROUTING, 1)]).slice(0, 63),
    },
  ])("leave the protocol unknown: $name", ({ packet }) => {
    expect(locate(packet, RAW)).toMatchObject({ version: 6, protocol: UNKNOWN, ports: UNKNOWN });
  });

  test.each([
    { name: "ESP", protocol: 50 },
    { name: "no next header", protocol: 59 },
    { name: "ICMPv6", protocol: 58 },
    { name: "IPv4 inside", protocol: 4 },
    { name: "HIP, which is not skipped", protocol: 139 },
    { name: "Shim6, which is not skipped", protocol: 140 },
    { name: "the reserved number", protocol: 255 },
  ])("end at $name", ({ protocol }) => {
    const expected = { protocol, ports: UNKNOWN };
    expect(locate(ipv6Chain([], protocol), RAW)).toMatchObject({ ...expected, transport: 40 });
    expect(locate(ipv6Chain([options(HOP_BY_HOP)], protocol), RAW)).toMatchObject({
      ...expected,
      transport: 48,
    });
  });

  test("a header that ends with the packet is skipped", () => {
    expect(locate(ipv6Chain([options(HOP_BY_HOP)], 6, bytes()), RAW)).toMatchObject({
      protocol: 6,
      transport: 48,
      ports: UNKNOWN,
    });
  });

  test("a header of 39 bytes is invalid, one of 40 is valid", () => {
    expect(locate(ipv6().slice(0, 39), RAW)).toBeUndefined();
    expect(locate(ipv6().slice(0, 40), RAW)).toMatchObject({ version: 6, protocol: 6, ports: UNKNOWN });
  });

  test("overwrite the layers of the previous packet", () => {
    const layers = createLayers();
    const later = ipv6Chain([fragment(8)]);
    const plain = ipv6();
    locateLayers(later, 0, later.length, RAW, layers);
    locateLayers(plain, 0, plain.length, RAW, layers);
    expect(layers).toEqual(locate(plain, RAW));
  });
});

describe("locateLayers: ports", () => {
  const stacks = [
    { family: "IPv4", build: (protocol: number, payload: Uint8Array) => ipv4({ protocol }, payload), at: 20 },
    {
      family: "IPv6",
      build: (protocol: number, payload: Uint8Array) => ipv6Chain([options(MOBILITY)], protocol, payload),
      at: 48,
    },
  ];

  describe.each(stacks)("in $family", ({ build, at }) => {
    test.each([
      { name: "TCP", protocol: 6 },
      { name: "UDP", protocol: 17 },
      { name: "SCTP", protocol: 132 },
    ])("of $name, when all four bytes are captured", ({ protocol }) => {
      for (const length of [4, 5, 8]) {
        expect(locate(build(protocol, ports().slice(0, length)), RAW)).toMatchObject({ ports: at });
      }
      for (const length of [0, 1, 2, 3]) {
        expect(locate(build(protocol, ports().slice(0, length)), RAW)).toMatchObject({
          protocol,
          ports: UNKNOWN,
        });
      }
    });

    test("not of other protocols", () => {
      const having = Array.from({ length: 256 }, (_, protocol) => protocol).filter(
        (protocol) => locate(build(protocol, ports()), RAW)?.ports !== UNKNOWN,
      );
      expect(having).toEqual([6, 17, 132]);
    });
  });

  test.each([
    { name: "is skipped", next: 6, length: 0, protocol: 6, ports: 28 },
    { name: "with an integrity value is skipped", next: 17, length: 4, protocol: 17, ports: 44 },
    {
      name: "that is truncated leaves the protocol unknown",
      next: 6,
      length: 9,
      protocol: UNKNOWN,
      ports: UNKNOWN,
    },
  ])("after AH in IPv4: $name", ({ next, length, protocol, ports: portsAt }) => {
    const packet = ipv4({ protocol: 51 }, bytes(next, length, new Uint8Array(6 + 4 * (length % 9)), ports()));
    expect(locate(packet, RAW)).toMatchObject({ protocol, ports: portsAt });
  });

  test("of IPv4: extension header numbers other than AH are plain protocols", () => {
    for (const protocol of [0, 43, 44, 60, 135]) {
      expect(locate(ipv4({ protocol }, bytes("0600000000000000", ports())), RAW)).toMatchObject({
        protocol,
        ports: UNKNOWN,
      });
    }
  });
});

describe("locateLayers: any bytes", () => {
  test("never throws; the result does not depend on the bytes around the packet", () => {
    fc.assert(
      fc.property(
        packetWithLinkType(),
        fc.uint8Array({ maxLength: 80 }),
        fc.uint8Array({ maxLength: 80 }),
        ({ packet, linkType }, before, after) => {
          const alone = createLayers();
          const within = createLayers();
          const around = bytes(before, packet, after);
          const start = before.length;
          const found = locateLayers(packet, 0, packet.length, linkType, alone);
          expect(locateLayers(around, start, start + packet.length, linkType, within)).toBe(found);
          if (found) expect(moved(within, -start)).toEqual(alone);
        },
      ),
      { numRuns: runs(20_000) },
    );
  });

  test("reads only the bytes from start to end", () => {
    fc.assert(
      fc.property(packetWithLinkType(), ({ packet, linkType }) => {
        const start = 3;
        const end = start + packet.length;
        const touched: number[] = [];
        const watched = new Proxy(bytes("ffffff", packet, "ffffff"), {
          get: (target, key) => {
            const index = Number(String(key));
            if (Number.isInteger(index) && (index < start || index >= end)) touched.push(index);
            return Reflect.get(target, key, target);
          },
        });
        locateLayers(watched, start, end, linkType, createLayers());
        expect(touched).toEqual([]);
      }),
      { numRuns: runs(3000) },
    );
  });

  test("returns offsets inside the packet", () => {
    fc.assert(
      fc.property(packetWithLinkType(), ({ packet, linkType }) => {
        const layers = locate(packet, linkType);
        if (layers === undefined) return;
        const { network, version, protocol, transport, ports: portsAt } = layers;
        expect(network + (version === 4 ? 20 : 40)).toBeLessThanOrEqual(packet.length);
        if (protocol !== UNKNOWN) expect(transport).toBeLessThanOrEqual(packet.length);
        if (portsAt !== UNKNOWN) expect(portsAt + 4).toBeLessThanOrEqual(packet.length);
      }),
      { numRuns: runs(3000) },
    );
  });
});

/** The same layers with every offset moved. */
function moved(layers: PacketLayers, by: number): PacketLayers {
  const { network, protocol, transport, ports: portsAt } = layers;
  return {
    ...layers,
    network: network + by,
    transport: protocol === UNKNOWN ? 0 : transport + by,
    ports: portsAt === UNKNOWN ? UNKNOWN : portsAt + by,
  };
}
