import { checkArgument } from "../errors/check-argument.js";
import { aUint8Array, isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import { ETHERNET_LENGTH, ETHERTYPE, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "./headers/ethernet.js";
import { IPV4_FLAGS_OFFSET, IPV4_HEADER_WORDS, IPV4_MIN_LENGTH, IPV4_PROTOCOL } from "./headers/ipv4.js";
import {
  AUTHENTICATION,
  extensionLength,
  FRAGMENT,
  FRAGMENT_FLAGS_OFFSET,
  IPV6_FRAGMENT_OFFSET,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  isExtension,
  MAX_EXTENSION_HEADERS,
} from "./headers/ipv6.js";
import { hasPorts, PORTS_LENGTH } from "./headers/transport.js";
import { LINKTYPE_ETHERNET } from "./link-type-numbers.js";
import { isEncapsulation, link, walkEtherType } from "./walk/encapsulations.js";
import { rowOfLinkType, walkLink } from "./walk/walk-link.js";
import { readUint16 } from "./word.js";

/** Value of {@link PacketLayers.protocol} and {@link PacketLayers.ports} if they cannot be determined. */
export const UNKNOWN = -1;

/**
 * Offsets of the layers of one packet. Create it once and reuse it for every packet, so that locating layers allocates
 * nothing.
 */
export interface PacketLayers {
  /** Offset of the network header. */
  network: number;
  /** IP version; 0 if the packet is not IP. */
  version: 0 | 4 | 6;
  /**
   * Transport protocol, after IPv6 extension headers or AH; {@link UNKNOWN} if those are not captured completely or
   * there are more than eight.
   */
  protocol: number;
  /** Offset of the payload after the IP header and its extension headers; only valid if the protocol is known. */
  transport: number;
  /** The packet is a later fragment: there is no transport header at `transport`. */
  laterFragment: boolean;
  /**
   * Offset of the source port, followed by the destination port, two bytes each; {@link UNKNOWN} if the packet is not
   * TCP, UDP or SCTP, is a later fragment, or is truncated before the end of the ports.
   */
  ports: number;
}

/** Creates the object that {@link locateLayers} writes to. */
export function createLayers(): PacketLayers {
  return {
    network: 0,
    version: 0,
    protocol: UNKNOWN,
    transport: 0,
    laterFragment: false,
    ports: UNKNOWN,
  };
}

const someLayers: ValueCheck<PacketLayers> = valueCheck(
  "what createLayers returns",
  (value) => isObject(value) && "version" in value,
);

/**
 * Locates the outermost IP header of a packet and its transport header; does not decode tunnels. Enters the link
 * types and encapsulations that docs/packets-to-flows.md lists. Returns whether there is a well-formed IP header; if not, it only sets
 * `version` to 0. Accepts any bytes, and reads only those from `start` to `end`.
 *
 * @throws TypeError if `bytes` is not a Uint8Array or `layers` is not an object from {@link createLayers}.
 */
export function checkedLocateLayers(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: PacketLayers,
): boolean {
  if (!(bytes instanceof Uint8Array)) checkArgument("locateLayers", "bytes", bytes, aUint8Array);
  if (layers?.version === undefined) checkArgument("locateLayers", "layers", layers, someLayers);
  return locateLayers(bytes, start, end, linkType, layers);
}

/** {@link checkedLocateLayers} for inner loops, without argument checks. */
export function locateLayers(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: PacketLayers,
): boolean {
  layers.version = 0;
  // Nearly all packets take this path; it is short enough to be inlined into the caller, which is 3 times as fast.
  if (linkType === LINKTYPE_ETHERNET && start + ETHERNET_LENGTH <= end) {
    const type = readUint16(bytes, start + ETHERTYPE);
    if (type === ETHERTYPE_IPV4) return locateIpv4(bytes, start + ETHERNET_LENGTH, end, layers);
    if (type === ETHERTYPE_IPV6) return locateIpv6(bytes, start + ETHERNET_LENGTH, end, layers);
    return locateEncapsulated(bytes, type, start + ETHERNET_LENGTH, end, layers);
  }
  return locateByLinkType(bytes, start, end, linkType, layers);
}

/** Walks from the link header: by {@link walkLink}, or with fewer calls where that header is simple. */
function locateByLinkType(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: PacketLayers,
): boolean {
  const { etherTypeAt, length, ipVersion } = rowOfLinkType(linkType);
  if (ipVersion >= 0) {
    if (ipVersion !== 6 && locateIpv4(bytes, start, end, layers)) return true;
    return ipVersion !== 4 && locateIpv6(bytes, start, end, layers);
  }
  if (etherTypeAt < 0) return locateByWalk(bytes, start, end, linkType, layers);
  if (start + length > end) return false;
  const type = readUint16(bytes, start + etherTypeAt);
  if (type === ETHERTYPE_IPV4) return locateIpv4(bytes, start + length, end, layers);
  if (type === ETHERTYPE_IPV6) return locateIpv6(bytes, start + length, end, layers);
  return locateEncapsulated(bytes, type, start + length, end, layers);
}

function locateEncapsulated(
  bytes: Uint8Array,
  etherType: number,
  at: number,
  end: number,
  layers: PacketLayers,
): boolean {
  if (!isEncapsulation(etherType)) return false;
  const version = walkEtherType(bytes, etherType, at, end, "filters");
  if (version === 4) return locateIpv4(bytes, link.network, end, layers);
  return version === 6 && locateIpv6(bytes, link.network, end, layers);
}

function locateByWalk(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: PacketLayers,
): boolean {
  const version = walkLink(bytes, start, end, linkType, "filters");
  if (version === 4) return locateIpv4(bytes, link.network, link.end, layers);
  return version === 6 && locateIpv6(bytes, link.network, link.end, layers);
}

function locateIpv4(bytes: Uint8Array, at: number, end: number, layers: PacketLayers): boolean {
  if (at + IPV4_MIN_LENGTH > end) return false;
  const versionAndLength = bytes[at]!;
  const headerLength = (versionAndLength & IPV4_HEADER_WORDS) << 2;
  if (versionAndLength >> 4 !== 4 || headerLength < IPV4_MIN_LENGTH || at + headerLength > end) return false;
  const protocol = bytes[at + IPV4_PROTOCOL]!;
  const laterFragment =
    (bytes[at + IPV4_FLAGS_OFFSET]! & 0x1f) !== 0 || bytes[at + IPV4_FLAGS_OFFSET + 1] !== 0;
  layers.network = at;
  layers.version = 4;
  layers.protocol = protocol;
  layers.transport = at + headerLength;
  layers.laterFragment = laterFragment;
  layers.ports = locatePorts(protocol, at + headerLength, laterFragment, end);
  if (protocol === AUTHENTICATION && !laterFragment)
    locateAuthenticated(bytes, at + headerLength, end, layers);
  return true;
}

/** Of the IPv6 extension headers, only AH follows IPv4 headers. Later fragments do not contain it. */
function locateAuthenticated(bytes: Uint8Array, at: number, end: number, layers: PacketLayers): void {
  layers.transport = 0;
  walkExtensions(bytes, AUTHENTICATION, at, end, 4, layers);
  layers.ports = locatePorts(layers.protocol, layers.transport, false, end);
}

function locateIpv6(bytes: Uint8Array, at: number, end: number, layers: PacketLayers): boolean {
  if (at + IPV6_LENGTH > end || bytes[at]! >> 4 !== 6) return false;
  layers.network = at;
  layers.version = 6;
  layers.laterFragment = false;
  walkExtensions(bytes, bytes[at + IPV6_NEXT_HEADER]!, at + IPV6_LENGTH, end, 6, layers);
  layers.ports = locatePorts(layers.protocol, layers.transport, layers.laterFragment, end);
  return true;
}

/** Skips extension headers; each must be captured completely. */
function walkExtensions(
  bytes: Uint8Array,
  firstHeader: number,
  firstAt: number,
  end: number,
  version: 4 | 6,
  layers: PacketLayers,
): void {
  let header = firstHeader;
  let at = firstAt;
  for (let walked = 0; version === 4 ? header === AUTHENTICATION : isExtension(header); walked++) {
    if (walked === MAX_EXTENSION_HEADERS || at + 2 > end) {
      layers.protocol = UNKNOWN;
      return;
    }
    const next = at + extensionLength(header, bytes[at + 1]!);
    if (next > end) {
      layers.protocol = UNKNOWN;
      return;
    }
    if (header === FRAGMENT && (readUint16(bytes, at + FRAGMENT_FLAGS_OFFSET) & IPV6_FRAGMENT_OFFSET) !== 0) {
      layers.laterFragment = true;
    }
    header = bytes[at]!;
    at = next;
  }
  layers.protocol = header;
  layers.transport = at;
}

function locatePorts(protocol: number, transport: number, laterFragment: boolean, end: number): number {
  return hasPorts(protocol) && !laterFragment && transport + PORTS_LENGTH <= end ? transport : UNKNOWN;
}
