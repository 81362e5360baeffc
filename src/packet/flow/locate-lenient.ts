import {
  ETHERNET_LENGTH,
  ETHERTYPE,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  extensionLength,
  FAMILY_LENGTH,
  FRAGMENT,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_FLAGS_OFFSET,
  IPV4_MIN_LENGTH,
  IPV4_PROTOCOL,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  isExtension,
  isVlanTag,
  SLL_LENGTH,
  SLL_PROTOCOL,
  SLL2_LENGTH,
  SLL2_PROTOCOL,
  VLAN_LENGTH,
  versionOfFamily,
} from "../layers.js";
import {
  DLT_RAW,
  DLT_RAW_OPENBSD,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from "../link-type.js";
import { readUint16, readWord } from "../word.js";
import {
  ETHERTYPE_BRIDGED,
  encapsulatedVersion,
  type FlowLayers,
  forgetLayers,
  NOTHING,
  type Transport,
} from "./flow-layers.js";

// https://www.rfc-editor.org/rfc/rfc791#section-3.1
export const IPV4_TOTAL_LENGTH = 2;
const IPV4_FRAGMENT_OFFSET = 0x1fff;
// https://www.rfc-editor.org/rfc/rfc8200#section-3
export const IPV6_PAYLOAD_LENGTH = 4;
// https://www.rfc-editor.org/rfc/rfc8200#section-4.5
const IPV6_FRAGMENT_OFFSET = 0xfff8;
const SLL2_INTERFACE_INDEX = 4;

const IPPROTO_IGMP = 2;
const IPPROTO_VRRP = 112;

/**
 * Locates the layers of a packet as far as its bytes allow; rejects no packet. Layers that Hubble v1.16.2 decodes are
 * found at the same offsets (except where gopacket misreads a hop-by-hop header: see locate-strict.ts). In addition
 * this decoder reads VLAN tags, cooked and raw link headers, IPv6 extension headers and the transport header of first
 * fragments, and continues where Hubble rejects a packet: invalid lengths and options, and truncated headers.
 */
export function locateLenient(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: FlowLayers,
): true {
  forgetLayers(layers);
  switch (linkType) {
    case LINKTYPE_ETHERNET:
      walkEthernet(bytes, start, end, layers);
      break;
    case LINKTYPE_LINUX_SLL:
      if (start + SLL_LENGTH > end) break;
      walkEtherType(bytes, readUint16(bytes, start + SLL_PROTOCOL), start + SLL_LENGTH, end, layers);
      break;
    case LINKTYPE_LINUX_SLL2:
      if (start + SLL2_LENGTH > end) break;
      layers.interfaceIndex = readWord(bytes, start + SLL2_INTERFACE_INDEX) >>> 0;
      walkEtherType(bytes, readUint16(bytes, start + SLL2_PROTOCOL), start + SLL2_LENGTH, end, layers);
      break;
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      if (start + FAMILY_LENGTH > end) break;
      walkIp(bytes, versionOfFamily(bytes, start, linkType), start + FAMILY_LENGTH, end, layers);
      break;
    case LINKTYPE_RAW:
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
      if (start === end) break;
      walkIp(bytes, versionOfNibble(bytes[start]! >> 4), start, end, layers);
      break;
    case LINKTYPE_IPV4:
      walkIp(bytes, 4, start, end, layers);
      break;
    case LINKTYPE_IPV6:
      walkIp(bytes, 6, start, end, layers);
      break;
  }
  return true;
}

function versionOfNibble(nibble: number): 0 | 4 | 6 {
  return nibble === 4 || nibble === 6 ? nibble : 0;
}

/** Records the layers from an Ethernet header on. */
export function walkEthernet(bytes: Uint8Array, start: number, end: number, layers: FlowLayers): void {
  if (start + ETHERNET_LENGTH > end) return;
  layers.ethernet = start;
  walkEtherType(bytes, readUint16(bytes, start + ETHERTYPE), start + ETHERNET_LENGTH, end, layers);
}

/**
 * Records the layers from the payload of an EtherType on. A loop, not a recursion: a packet can contain thousands of
 * tags.
 */
export function walkEtherType(
  bytes: Uint8Array,
  firstType: number,
  firstAt: number,
  end: number,
  layers: FlowLayers,
): void {
  let type = firstType;
  let at = firstAt;
  while (type !== ETHERTYPE_IPV4 && type !== ETHERTYPE_IPV6) {
    if (isVlanTag(type) && at + VLAN_LENGTH <= end) {
      type = readUint16(bytes, at + 2);
      at += VLAN_LENGTH;
    } else if (type === ETHERTYPE_BRIDGED && at + ETHERNET_LENGTH <= end) {
      layers.ethernet = at;
      type = readUint16(bytes, at + ETHERTYPE);
      at += ETHERNET_LENGTH;
    } else {
      return;
    }
  }
  walkIp(bytes, type === ETHERTYPE_IPV4 ? 4 : 6, at, end, layers);
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
  // The total length is 0 if segmentation is offloaded to the network card.
  const end = total === 0 ? captured : Math.min(captured, at + total);
  const headerLength = (bytes[at]! & 0x0f) << 2;
  layers.transportAt = at + headerLength;
  layers.end = end;
  // Only the first fragment (offset 0, "more fragments" set) contains the transport header.
  const isLaterFragment = (readUint16(bytes, at + IPV4_FLAGS_OFFSET) & IPV4_FRAGMENT_OFFSET) !== 0;
  if (headerLength < IPV4_MIN_LENGTH || at + headerLength > end || isLaterFragment) return NOTHING;
  return bytes[at + IPV4_PROTOCOL]!;
}

/** The same for IPv6. Skips extension headers if they are captured completely. */
function enterIpv6(bytes: Uint8Array, at: number, captured: number, layers: FlowLayers): number {
  if (at + IPV6_LENGTH > captured) return NOTHING;
  layers.version = 6;
  layers.network = at;
  const length = readUint16(bytes, at + IPV6_PAYLOAD_LENGTH);
  // The payload length of jumbograms is 0 (https://www.rfc-editor.org/rfc/rfc2675#section-2).
  const end = length === 0 ? captured : Math.min(captured, at + IPV6_LENGTH + length);
  let header = bytes[at + IPV6_NEXT_HEADER]!;
  let next = at + IPV6_LENGTH;
  while (isExtension(header)) {
    if (next + EXTENSION_MIN_LENGTH > end) return NOTHING;
    // As in IPv4, only the first fragment contains the transport header.
    if (header === FRAGMENT && (readUint16(bytes, next + 2) & IPV6_FRAGMENT_OFFSET) !== 0) return NOTHING;
    const length = extensionLength(header, bytes[next + 1]!);
    if (next + length > end) return NOTHING;
    header = bytes[next]!;
    next += length;
  }
  layers.transportAt = next;
  layers.end = end;
  return header;
}

/** Every extension header has at least eight bytes. */
const EXTENSION_MIN_LENGTH = 8;

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
