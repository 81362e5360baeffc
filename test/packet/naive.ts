// A second implementation of the packet filter's specification, written to be obviously right and to share no code with
// src/packet: every layer is a slice of its own, addresses are BigInts, nothing is reused.

import { type NaivePrefix, naiveParsePrefix } from "../net/naive.js";

/** The properties of a packet that a filter compares. */
export interface NaivePacket {
  readonly family: 4 | 6;
  readonly source: bigint;
  readonly destination: bigint;
  /** Undefined if the packet does not contain it. */
  readonly protocol: number | undefined;
  readonly ports: { readonly source: number; readonly destination: number } | undefined;
  /** Things that only some tests want to know. */
  readonly vlanTags: number;
  readonly extensions: number;
}

/** A filter as an init object without nested messages. */
export interface NaiveFilter {
  readonly sourceCidr: string;
  readonly destinationCidr: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
}

export type NaivePredicate = (packet: NaivePacket | undefined) => boolean;

interface Network {
  readonly family: 4 | 6 | "by version";
  readonly bytes: Uint8Array;
  readonly vlanTags: number;
}

const TAGS = ["8100", "88a8", "9100", "9200", "9300"];
const WALKED = [0, 43, 44, 51, 60, 135];
const WITH_PORTS = [6, 17, 132];

/** Reads the captured bytes of a packet; undefined when it is not IP as the specification has it. */
export function naiveParse(packet: Uint8Array, linkType: number): NaivePacket | undefined {
  const network = naiveNetwork(packet, linkType);
  if (network === undefined) return undefined;
  const { bytes, vlanTags } = network;
  const version = Number.parseInt(hex(bytes.slice(0, 1)).charAt(0), 16);
  if (version !== 4 && version !== 6) return undefined;
  if (network.family !== "by version" && network.family !== version) return undefined;
  return version === 4 ? naiveIpv4(bytes, vlanTags) : naiveIpv6(bytes, vlanTags);
}

export function naivePredicate(filters: readonly NaiveFilter[]): NaivePredicate {
  const predicates = filters.map(naiveOne);
  return (packet) => packet !== undefined && predicates.some((predicate) => predicate(packet));
}

function naiveOne(filter: NaiveFilter): (packet: NaivePacket) => boolean {
  const inSource = naiveContains(filter.sourceCidr);
  const inDestination = naiveContains(filter.destinationCidr);
  return ({ family, source, destination, protocol, ports }) => {
    if (!inSource(family, source) || !inDestination(family, destination)) return false;
    if (filter.protocol !== 0 && filter.protocol !== protocol) return false;
    if (filter.sourcePort !== 0 && filter.sourcePort !== ports?.source) return false;
    if (filter.destinationPort !== 0 && filter.destinationPort !== ports?.destination) return false;
    return true;
  };
}

function naiveContains(cidr: string): (family: 4 | 6, address: bigint) => boolean {
  const prefix = naiveParsePrefix(cidr);
  if (prefix === undefined) throw new Error(`not a prefix: ${cidr}`);
  const { number, mask } = toNumbers(prefix);
  const own = prefix.number.length === 4 ? 4 : 6;
  return (family, address) => family === own && (address & mask) === number;
}

function toNumbers({ number, mask }: NaivePrefix): { number: bigint; mask: bigint } {
  return { number: toBigInt(Uint8Array.from(number)), mask: toBigInt(Uint8Array.from(mask)) };
}

/** Rule 1: where the network header is. */
function naiveNetwork(packet: Uint8Array, linkType: number): Network | undefined {
  switch (linkType) {
    case 1:
      return packet.length < 14 ? undefined : behindType(hex(packet.slice(12, 14)), packet.slice(14));
    case 113:
      return packet.length < 16 ? undefined : behindType(hex(packet.slice(14, 16)), packet.slice(16));
    case 276:
      return packet.length < 20 ? undefined : behindType(hex(packet.slice(0, 2)), packet.slice(20));
    case 0:
    case 108: {
      const families: { [family: string]: 4 | 6 } = {};
      for (const [number, family] of [
        ["02", 4],
        ["0a", 6],
        ["18", 6],
        ["1c", 6],
        ["1e", 6],
      ] as const) {
        families[`000000${number}`] = family;
        if (linkType === 0) families[`${number}000000`] = family;
      }
      const family = families[hex(packet.slice(0, 4))];
      return family && { family, bytes: packet.slice(4), vlanTags: 0 };
    }
    case 12:
    case 14:
    case 101:
      return { family: "by version", bytes: packet, vlanTags: 0 };
    case 9: {
      const rest = hex(packet).startsWith("ff03") ? packet.slice(2) : packet;
      if (rest.length === 0) return undefined;
      // A shortened protocol is odd in its first byte.
      if (toNumber(rest.slice(0, 1)) % 2 === 1) {
        return behindPpp(`00${hex(rest.slice(0, 1))}`, rest.slice(1), 0);
      }
      return rest.length < 2 ? undefined : behindPpp(hex(rest.slice(0, 2)), rest.slice(2), 0);
    }
    case 104:
      return packet.length < 4 ? undefined : behindType(hex(packet.slice(2, 4)), packet.slice(4));
    case 105:
      return inWirelessFrame(packet, false);
    case 127: {
      const length = littleEndian(packet.slice(2, 4));
      if (packet.length < 8 || packet[0] !== 0 || length < 8 || length > packet.length) return undefined;
      return inWirelessFrame(packet.slice(length), radiotapFlags(packet.slice(0, length)).charAt(2) === "1");
    }
    case 192: {
      const length = littleEndian(packet.slice(2, 4));
      const inner = littleEndian(packet.slice(4, 8));
      if (packet.length < 8 || packet[0] !== 0 || length < 8 || length > packet.length || inner === 192) {
        return undefined;
      }
      return naiveNetwork(packet.slice(length), inner);
    }
    case 239: {
      const family = ({ "02": 4, "0a": 6, "18": 6, "1c": 6, "1e": 6 } as const)[hex(packet.slice(0, 1))];
      let rest = packet.slice(4);
      while (rest.length >= 4) {
        const length = littleEndian(rest.slice(0, 2));
        if (length < 4) return undefined;
        if (littleEndian(rest.slice(2, 4)) === 9) {
          return family && { family, bytes: rest.slice(4, length), vlanTags: 0 };
        }
        rest = rest.slice(4 * Math.ceil(length / 4));
      }
      return undefined;
    }
    case 228:
      return { family: 4, bytes: packet, vlanTags: 0 };
    case 229:
      return { family: 6, bytes: packet, vlanTags: 0 };
    default:
      return undefined;
  }
}

/** The bits of a byte, the highest first. */
function bits(byte: number): string {
  return byte.toString(2).padStart(8, "0");
}

function littleEndian(field: Uint8Array): number {
  return toNumber(field.slice().reverse());
}

/** The flags of a radiotap header as bits; all 0 if it has none. */
function radiotapFlags(header: Uint8Array): string {
  let words = 1;
  while (bits(header[4 * words + 3] ?? 0).startsWith("1") && 4 * words + 8 <= header.length) words++;
  const present = bits(header[4] ?? 0);
  if (present.charAt(6) === "0") return bits(0);
  const after = 4 + 4 * words;
  return bits(header[present.endsWith("1") ? 8 * Math.ceil(after / 8) + 8 : after] ?? 0);
}

/** A data frame that is neither encrypted, nor a fragment, nor several frames in one. */
function inWirelessFrame(frame: Uint8Array, isPadded: boolean): Network | undefined {
  if (frame.length < 24) return undefined;
  const [qos, isEmpty] = [...bits(frame[0] as number)].map((bit) => bit === "1");
  // The lower half: type, of which "10" is data, and version.
  if (isEmpty || !bits(frame[0] as number).endsWith("1000")) return undefined;
  const [order, isProtected, , , , moreFragments, fromDs, toDs] = [...bits(frame[1] as number)].map(
    (bit) => bit === "1",
  );
  if (isProtected || moreFragments || (frame[22] as number) % 16 !== 0) return undefined;
  let length = 24;
  if (fromDs && toDs) length += 6;
  if (qos) {
    const control = frame[length];
    if (control === undefined || control >= 128) return undefined;
    length += order ? 6 : 2;
  }
  if (isPadded) length = 4 * Math.ceil(length / 4);
  return frame.length < length + 8 ? undefined : behindType("0000", frame.slice(length));
}

interface Seen {
  readonly tags: number;
  readonly snaps: number;
}

/** What an EtherType announces. */
function behindType(
  etherType: string,
  payload: Uint8Array,
  seen: Seen = { tags: 0, snaps: 0 },
): Network | undefined {
  const vlanTags = seen.tags;
  if (etherType === "0800") return { family: 4, bytes: payload, vlanTags };
  if (etherType === "86dd") return { family: 6, bytes: payload, vlanTags };
  if (TAGS.includes(etherType)) {
    if (seen.tags === 2 || payload.length < 4) return undefined;
    return behindType(hex(payload.slice(2, 4)), payload.slice(4), { ...seen, tags: seen.tags + 1 });
  }
  if (Number.parseInt(etherType, 16) <= 1500) {
    if (seen.snaps === 1 || payload.length < 8 || !hex(payload).startsWith("aaaa03000000")) return undefined;
    return behindType(hex(payload.slice(6, 8)), payload.slice(8), { ...seen, snaps: 1 });
  }
  if (etherType === "8864") {
    if (payload.length < 8 || !hex(payload).startsWith("1100")) return undefined;
    return behindPpp(hex(payload.slice(6, 8)), payload.slice(8), vlanTags);
  }
  return ["8847", "8848"].includes(etherType) ? behindLabels(payload, vlanTags) : undefined;
}

function behindPpp(protocol: string, payload: Uint8Array, vlanTags: number): Network | undefined {
  if (protocol === "0021") return { family: 4, bytes: payload, vlanTags };
  if (protocol === "0057") return { family: 6, bytes: payload, vlanTags };
  return ["0281", "0283"].includes(protocol) ? behindLabels(payload, vlanTags) : undefined;
}

function behindLabels(payload: Uint8Array, vlanTags: number, labels = 1): Network | undefined {
  if (labels > 8 || payload.length < 4) return undefined;
  const rest = payload.slice(4);
  if (toNumber(payload.slice(2, 3)) % 2 === 0) return behindLabels(rest, vlanTags, labels + 1);
  return { family: "by version", bytes: rest, vlanTags };
}

/** Rule 2, IPv4. */
function naiveIpv4(packet: Uint8Array, vlanTags: number): NaivePacket | undefined {
  if (packet.length < 20) return undefined;
  const headerLength = 4 * Number.parseInt(hex(packet.slice(0, 1)).charAt(1), 16);
  if (headerLength < 20 || headerLength > packet.length) return undefined;
  const fragmentOffset = toNumber(packet.slice(6, 8)) % 8192;
  let protocol: number | undefined = toNumber(packet.slice(9, 10));
  let rest = packet.slice(headerLength);
  let extensions = 0;
  while (protocol === 51 && fragmentOffset === 0) {
    const length = naiveExtensionLength(51, rest);
    if (extensions === 8 || length === undefined || length > rest.length) {
      protocol = undefined;
    } else {
      protocol = toNumber(rest.slice(0, 1));
      rest = rest.slice(length);
    }
    extensions++;
  }
  return {
    family: 4,
    source: toBigInt(packet.slice(12, 16)),
    destination: toBigInt(packet.slice(16, 20)),
    protocol,
    ports: naivePorts(protocol, fragmentOffset > 0, rest),
    vlanTags,
    extensions,
  };
}

/** Rule 2, IPv6, and rule 4. */
function naiveIpv6(packet: Uint8Array, vlanTags: number): NaivePacket | undefined {
  if (packet.length < 40) return undefined;
  let header: number | undefined = toNumber(packet.slice(6, 7));
  let rest = packet.slice(40);
  let extensions = 0;
  let laterFragment = false;
  while (header !== undefined && WALKED.includes(header)) {
    const length = naiveExtensionLength(header, rest);
    // Our reading of "leaves the captured bytes": a header counts as walked when all of it is captured.
    if (extensions === 8 || length === undefined || length > rest.length) {
      header = undefined;
    } else {
      if (header === 44 && Math.floor(toNumber(rest.slice(2, 4)) / 8) > 0) laterFragment = true;
      header = toNumber(rest.slice(0, 1));
      rest = rest.slice(length);
    }
    extensions++;
  }
  return {
    family: 6,
    source: toBigInt(packet.slice(8, 24)),
    destination: toBigInt(packet.slice(24, 40)),
    protocol: header,
    ports: naivePorts(header, laterFragment, rest),
    vlanTags,
    extensions,
  };
}

function naiveExtensionLength(header: number, rest: Uint8Array): number | undefined {
  if (header === 44) return 8;
  if (rest.length < 2) return undefined;
  const units = toNumber(rest.slice(1, 2));
  return header === 51 ? 8 + 4 * units : 8 + 8 * units;
}

/** Rule 5. */
function naivePorts(
  protocol: number | undefined,
  laterFragment: boolean,
  transport: Uint8Array,
): NaivePacket["ports"] {
  if (protocol === undefined || !WITH_PORTS.includes(protocol)) return undefined;
  if (laterFragment || transport.length < 4) return undefined;
  return { source: toNumber(transport.slice(0, 2)), destination: toNumber(transport.slice(2, 4)) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function toNumber(bytes: Uint8Array): number {
  return Number(toBigInt(bytes));
}

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${hex(bytes)}`);
}
