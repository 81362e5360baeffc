// Packets for every row of the tables in src/packet/headers. The builders are exhaustive by type: a new row does not
// compile until it has one.

import type { ENCAPSULATIONS } from "../../../src/packet/headers/encapsulations.js";
import type { LINK_TYPES } from "../../../src/packet/headers/link-types.js";
import {
  authentication,
  bytes,
  cookedV1,
  cookedV2,
  ethernet,
  fragment,
  ipv4,
  ipv6,
  ipv6Chain,
  options,
  ports,
  tag,
  uint16,
} from "../build.js";

export type EncapsulationKey = keyof typeof ENCAPSULATIONS;
export type LinkTypeKey = keyof typeof LINK_TYPES;

/** A header with all that follows it, and the numbers that announce it. */
export interface Layer {
  readonly etherTypes: readonly number[];
  readonly pppProtocols: readonly number[];
  /** Set if it is an IP header. */
  readonly version?: 4 | 6;
  /** Set if it is a stack of headers of which only the last one is marked. */
  readonly isStack?: true;
  readonly bytes: Uint8Array;
}

/** One of several equivalent numbers, a different one for each `variant`. */
function pick<T>(values: readonly T[], variant: number): T | undefined {
  return values[variant % values.length];
}

type Encapsulate = (inner: Layer, variant: number) => Layer | undefined;

/** Wraps a layer in an encapsulation; undefined if it cannot contain such a layer. */
export const ENCAPSULATE: { readonly [K in EncapsulationKey]: Encapsulate } = {
  vlan: (inner, variant) => {
    const type = pick(inner.etherTypes, variant);
    return type === undefined
      ? undefined
      : {
          etherTypes: [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300],
          pppProtocols: [],
          bytes: tag(type, inner.bytes),
        };
  },
  snap: (inner, variant) => {
    const type = pick(inner.etherTypes, variant);
    if (type === undefined) return undefined;
    const payload = bytes("aaaa03000000", uint16(type), inner.bytes);
    return { etherTypes: [payload.length], pppProtocols: [], bytes: payload };
  },
  pppoe: (inner, variant) => {
    const protocol = pick(inner.pppProtocols, variant);
    if (protocol === undefined) return undefined;
    const payload = bytes("1100 0042", uint16(2 + inner.bytes.length), uint16(protocol), inner.bytes);
    return { etherTypes: [0x8864], pppProtocols: [], bytes: payload };
  },
  mpls: (inner, variant) => {
    const isBottom = inner.version !== undefined;
    // Another entry is announced by the missing mark.
    if (!isBottom && !inner.isStack) return undefined;
    return {
      etherTypes: [0x8847, 0x8848],
      pppProtocols: [0x0281, 0x0283],
      isStack: true,
      bytes: bytes("0006", isBottom ? 0x41 : 0x40, 64 + variant, inner.bytes),
    };
  },
  bridged: (inner, variant) => {
    const type = pick(inner.etherTypes, variant);
    return type === undefined
      ? undefined
      : { etherTypes: [0x6558], pppProtocols: [], bytes: ethernet(type, inner.bytes) };
  },
};

type Frame = (inner: Layer, variant: number) => readonly Uint8Array[];

function byEtherType(build: (etherType: number, payload: Uint8Array) => Uint8Array): Frame {
  return (inner, variant) => {
    const type = pick(inner.etherTypes, variant);
    return type === undefined ? [] : [build(type, inner.bytes)];
  };
}

function byFamily(families: Readonly<Record<4 | 6, readonly string[]>>): Frame {
  return ({ version, bytes: packet }) =>
    version === undefined ? [] : families[version].map((family) => bytes(family, packet));
}

function ipOnly(...versions: readonly (4 | 6)[]): Frame {
  return ({ version, bytes: packet }) =>
    version !== undefined && versions.includes(version) ? [packet] : [];
}

const FAMILIES = { 4: ["00000002"], 6: ["0000000a", "00000018", "0000001c", "0000001e"] } as const;

/** Puts a layer into frames of a link type; an empty list if the link type cannot contain it. */
export const FRAME: { readonly [K in LinkTypeKey]: Frame } = {
  ethernet: byEtherType(ethernet),
  linuxCooked1: byEtherType(cookedV1),
  linuxCooked2: byEtherType(cookedV2),
  bsdLoopback: byFamily({
    4: [...FAMILIES[4], "02000000"],
    6: [...FAMILIES[6], "0a000000", "18000000", "1c000000", "1e000000"],
  }),
  openBsdLoopback: byFamily(FAMILIES),
  rawIp: ipOnly(4, 6),
  rawIpv4: ipOnly(4),
  rawIpv6: ipOnly(6),
  ppp: (inner, variant) => {
    const protocol = pick(inner.pppProtocols, variant);
    if (protocol === undefined) return [];
    const shortened =
      protocol < 0x100 ? [bytes("ff03", protocol, inner.bytes), bytes(protocol, inner.bytes)] : [];
    return [bytes("ff03", uint16(protocol), inner.bytes), bytes(uint16(protocol), inner.bytes), ...shortened];
  },
  ciscoHdlc: byEtherType((etherType, payload) => bytes("0f00", uint16(etherType), payload)),
  ieee80211: wirelessFrames,
  radiotap: (inner, variant) =>
    wirelessFrames(inner, variant).flatMap((frame) => [
      bytes("0000 0800 00000000", frame),
      // A timestamp, flags, a rate; two words of present fields.
      bytes("0000 1a00 070000a0 00000000 00000000 1122334455667788 10 0c", frame),
      bytes("0000 0900 02000000 10", frame),
    ]),
  ppi: (inner, variant) => [
    ...wirelessFrames(inner, variant).map((frame) => bytes("0000 0c00 69000000 02000000", frame)),
    ...byEtherType(ethernet)(inner, variant).map((frame) => bytes("0000 0800 01000000", frame)),
  ],
  nflog: ({ version, bytes: packet }) =>
    version === undefined
      ? []
      : [
          bytes(
            version === 4 ? "02" : "0a",
            "00 0001 0800 0100 08000300 0600 0a00 61000000",
            [(packet.length + 4) & 255, (packet.length + 4) >> 8],
            "0900",
            packet,
            new Uint8Array((4 - (packet.length % 4)) % 4),
            "0800 0500 00000001",
          ),
        ],
};

/** Data frames with the header's optional fields, and one that is padded by the flags of radiotap only. */
function wirelessFrames(inner: Layer, variant: number): readonly Uint8Array[] {
  const llc = ENCAPSULATE.snap(inner, variant);
  if (llc === undefined) return [];
  const addresses = "0000 020000000001 020000000002 020000000003 1000";
  return [
    bytes("0800", addresses, llc.bytes),
    bytes("0801", addresses, llc.bytes),
    bytes("0803", addresses, "020000000004", llc.bytes),
    bytes("8802", addresses, "0000", llc.bytes),
    bytes("8883", addresses, "020000000004", "0700 00000000", llc.bytes),
  ];
}

/** IP packets that filters distinguish. */
export const IP_LAYERS: readonly (Layer & { readonly name: string; readonly hasExtensions: boolean })[] = [
  { name: "IPv4", version: 4, bytes: ipv4(), hasExtensions: false },
  {
    name: "IPv4 with options",
    version: 4,
    bytes: ipv4({ options: "01010101", protocol: 17 }),
    hasExtensions: false,
  },
  { name: "a later IPv4 fragment", version: 4, bytes: ipv4({ fragment: 2 }), hasExtensions: false },
  {
    name: "IPv4 with AH",
    version: 4,
    bytes: ipv4({ protocol: 51 }, bytes("060100000000000100000001", ports())),
    hasExtensions: true,
  },
  {
    name: "IPv4 with AH twice",
    version: 4,
    bytes: ipv4({ protocol: 51 }, bytes("330000000000 0001 060000000000 0001", ports())),
    hasExtensions: true,
  },
  {
    name: "a later IPv4 fragment of AH",
    version: 4,
    bytes: ipv4({ protocol: 51, fragment: 1 }),
    hasExtensions: true,
  },
  { name: "IPv6", version: 6, bytes: ipv6(), hasExtensions: false },
  {
    name: "IPv6 with extension headers",
    version: 6,
    bytes: ipv6Chain([options(0), authentication(1), fragment(1)]),
    hasExtensions: true,
  },
].map((layer) => ({
  ...layer,
  version: layer.version === 4 ? 4 : 6,
  etherTypes: [layer.version === 4 ? 0x0800 : 0x86dd],
  pppProtocols: [layer.version === 4 ? 0x0021 : 0x0057],
}));

/** A packet, and the encapsulations in it from the outermost on. */
export interface BuiltPacket {
  readonly linkType: LinkTypeKey;
  readonly keys: readonly EncapsulationKey[];
  readonly ip: string;
  readonly hasExtensions: boolean;
  readonly bytes: Uint8Array;
}

/** Packets of a link type with every sequence of encapsulations up to a length. */
export function buildPackets(linkType: LinkTypeKey, depth: number): readonly BuiltPacket[] {
  const packets: BuiltPacket[] = [];
  for (const keys of sequences(depth)) {
    IP_LAYERS.forEach((ip, index) => {
      let layer: Layer | undefined = ip;
      for (const [position, key] of [...keys].reverse().entries()) {
        layer = layer && ENCAPSULATE[key](layer, index + position + keys.length);
      }
      if (layer === undefined) return;
      for (const frame of FRAME[linkType](layer, index + keys.length)) {
        packets.push({ linkType, keys, ip: ip.name, hasExtensions: ip.hasExtensions, bytes: frame });
      }
    });
  }
  return packets;
}

function sequences(depth: number): readonly (readonly EncapsulationKey[])[] {
  // The keys of the table are its rows.
  const all = Object.keys(ENCAPSULATE) as EncapsulationKey[];
  let last: readonly (readonly EncapsulationKey[])[] = [[]];
  const found: (readonly EncapsulationKey[])[] = [[]];
  for (let length = 1; length <= depth; length++) {
    last = last.flatMap((keys) => all.map((key) => [...keys, key]));
    found.push(...last);
  }
  return found;
}
