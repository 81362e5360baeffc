import { ETHERNET_LENGTH, ETHERTYPE, ETHERTYPE_IPV4 } from "../../headers/ethernet.js";
import {
  IPV4_FLAGS_OFFSET,
  IPV4_FRAGMENT_OFFSET,
  IPV4_HEADER_WORDS,
  IPV4_MIN_LENGTH,
  IPV4_PROTOCOL,
  IPV4_TOTAL_LENGTH,
} from "../../headers/ipv4.js";
import {
  AUTHENTICATION,
  EXTENSION_MIN_LENGTH,
  extensionLength,
  FRAGMENT,
  FRAGMENT_FLAGS_OFFSET,
  IPV6_FRAGMENT_OFFSET,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  isExtension,
} from "../../headers/ipv6.js";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_VRRP,
} from "../../headers/transport.js";
import { LINKTYPE_ETHERNET } from "../../link-type-numbers.js";
import { type FoundVersion, link } from "../../walk/encapsulations.js";
import { walkLink } from "../../walk/walk-link.js";
import { readUint16 } from "../../word.js";
import {
  encapsulatedVersion,
  type FlowLayers,
  forgetLayers,
  NOTHING,
  type Transport,
} from "./flow-layers.js";

/**
 * Locates the layers of a packet as far as its bytes allow; rejects no packet. Layers that Hubble v1.16.2 decodes are
 * found at the same offsets (except where gopacket misreads a hop-by-hop header: see locate-strict.ts). In addition
 * this decoder enters other link types and encapsulations (see `headers/`), skips extension headers, reads the
 * transport header of first fragments, and continues where Hubble rejects a packet: invalid lengths and options, and truncated headers.
 */
export function locateLenient(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: FlowLayers,
): true {
  forgetLayers(layers);
  // Nearly all packets take this path.
  if (
    linkType === LINKTYPE_ETHERNET &&
    start + ETHERNET_LENGTH <= end &&
    readUint16(bytes, start + ETHERTYPE) === ETHERTYPE_IPV4
  ) {
    layers.ethernet = start;
    walkIp(bytes, 4, start + ETHERNET_LENGTH, end, layers);
    return true;
  }
  const version = walkLink(bytes, start, end, linkType, "flows");
  layers.interfaceIndex = link.interfaceIndex;
  recordNetwork(bytes, version, link.end, layers);
  return true;
}

/** Records the layers from the IP header on that the last walk found. */
export function recordNetwork(
  bytes: Uint8Array,
  version: FoundVersion,
  end: number,
  layers: FlowLayers,
): void {
  layers.ethernet = link.ethernet;
  if (version !== 0) walkIp(bytes, version, link.network, end, layers);
}

/**
 * Records IP headers and the transport header. The link layer gives the IP version, not the header's, as in gopacket.
 */
function walkIp(
  bytes: Uint8Array,
  outermost: 0 | 4 | 6,
  firstAt: number,
  captured: number,
  layers: FlowLayers,
): void {
  let version = outermost;
  layers.transportAt = firstAt;
  layers.end = captured;
  while (version !== 0) {
    const protocol =
      version === 4
        ? enterIpv4(bytes, layers.transportAt, layers.end, layers)
        : enterIpv6(bytes, layers.transportAt, layers.end, layers);
    version = encapsulatedVersion(protocol);
    if (version === 0) layers.transport = transportOf(protocol, layers.end - layers.transportAt);
  }
}

/** Records the IPv4 header and the bounds of its payload (`transportAt` to `end`); returns the payload's protocol. */
function enterIpv4(bytes: Uint8Array, at: number, captured: number, layers: FlowLayers): number {
  if (at + IPV4_MIN_LENGTH > captured) return NOTHING;
  layers.version = 4;
  layers.network = at;
  const total = readUint16(bytes, at + IPV4_TOTAL_LENGTH);
  const end = total === 0 ? captured : Math.min(captured, at + total);
  const headerLength = (bytes[at]! & IPV4_HEADER_WORDS) << 2;
  layers.transportAt = at + headerLength;
  layers.end = end;
  const isLaterFragment = (readUint16(bytes, at + IPV4_FLAGS_OFFSET) & IPV4_FRAGMENT_OFFSET) !== 0;
  if (headerLength < IPV4_MIN_LENGTH || at + headerLength > end || isLaterFragment) return NOTHING;
  const protocol = bytes[at + IPV4_PROTOCOL]!;
  return protocol === AUTHENTICATION ? skipExtensions(bytes, protocol, layers, isAuthentication) : protocol;
}

/** Of the IPv6 extension headers, only AH follows IPv4 headers. */
function isAuthentication(header: number): boolean {
  return header === AUTHENTICATION;
}

/** The same for IPv6. */
function enterIpv6(bytes: Uint8Array, at: number, captured: number, layers: FlowLayers): number {
  if (at + IPV6_LENGTH > captured) return NOTHING;
  layers.version = 6;
  layers.network = at;
  const length = readUint16(bytes, at + IPV6_PAYLOAD_LENGTH);
  layers.transportAt = at + IPV6_LENGTH;
  layers.end = length === 0 ? captured : Math.min(captured, at + IPV6_LENGTH + length);
  const header = bytes[at + IPV6_NEXT_HEADER]!;
  return isExtension(header) ? skipExtensions(bytes, header, layers, isExtension) : header;
}

/** Skips extension headers from `transportAt` on; returns the protocol that follows them. */
function skipExtensions(
  bytes: Uint8Array,
  firstHeader: number,
  layers: FlowLayers,
  isSkipped: (header: number) => boolean,
): number {
  const { end } = layers;
  let header = firstHeader;
  let next = layers.transportAt;
  while (isSkipped(header)) {
    if (next + EXTENSION_MIN_LENGTH > end) return NOTHING;
    // As in IPv4, only the first fragment contains the transport header.
    if (header === FRAGMENT && (readUint16(bytes, next + FRAGMENT_FLAGS_OFFSET) & IPV6_FRAGMENT_OFFSET) !== 0)
      return NOTHING;
    const length = extensionLength(header, bytes[next + 1]!);
    if (next + length > end) return NOTHING;
    header = bytes[next]!;
    next += length;
  }
  layers.transportAt = next;
  return header;
}

/** The transport protocol, if enough bytes are captured for the required fields of its message. */
function transportOf(protocol: number, length: number): Transport | undefined {
  switch (protocol) {
    case IPPROTO_TCP:
      return length >= 4 ? "TCP" : undefined;
    case IPPROTO_UDP:
      return length >= 4 ? "UDP" : undefined;
    case IPPROTO_SCTP:
      return length >= 4 ? "SCTP" : undefined;
    case IPPROTO_ICMP:
      return length >= 2 ? "ICMPv4" : undefined;
    case IPPROTO_ICMPV6:
      return length >= 2 ? "ICMPv6" : undefined;
    case IPPROTO_IGMP:
      return length >= 1 ? "IGMP" : undefined;
    case IPPROTO_VRRP:
      return length >= 3 ? "VRRP" : undefined;
    default:
      return undefined;
  }
}
