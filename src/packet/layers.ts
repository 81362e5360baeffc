import { checkArgument } from "../errors/check-argument.js";
import { aUint8Array, isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
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
} from "./link-type.js";
import { readUint16 } from "./word.js";

// IEEE 802.3
export const ETHERTYPE = 12;
export const ETHERNET_LENGTH = 14;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad, and the EtherType used before 802.1ad was standardised. */
const VLAN_8021Q = 0x8100;
const VLAN_8021AD = 0x88a8;
const VLAN_9100 = 0x9100;
export const VLAN_LENGTH = 4;
const MAX_VLAN_TAGS = 2;

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and …_SLL2.html
export const SLL_PROTOCOL = 14;
export const SLL_LENGTH = 16;
export const SLL2_PROTOCOL = 0;
export const SLL2_LENGTH = 20;

// https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html: an address family in the byte order of the capturing machine
export const FAMILY_LENGTH = 4;
const AF_INET = 2;
const AF_INET6_LINUX = 10;
const AF_INET6_NETBSD = 24;
const AF_INET6_FREEBSD = 28;
const AF_INET6_DARWIN = 30;

// https://www.rfc-editor.org/rfc/rfc791#section-3.1
export const IPV4_FLAGS_OFFSET = 6;
export const IPV4_PROTOCOL = 9;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;
export const IPV4_MIN_LENGTH = 20;

// https://www.rfc-editor.org/rfc/rfc8200#section-3
export const IPV6_NEXT_HEADER = 6;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;
export const IPV6_LENGTH = 40;

const HOP_BY_HOP = 0;
const ROUTING = 43;
export const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
/** The next-header numbers that the decoders skip. */
export const EXTENSION_HEADER_NUMBERS: readonly number[] = [
  HOP_BY_HOP,
  ROUTING,
  FRAGMENT,
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  MOBILITY,
];
const FRAGMENT_LENGTH = 8;
/** Maximum number of extension headers to skip; with more, the protocol is unknown. */
export const MAX_EXTENSION_HEADERS = 8;

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;

const PORTS_LENGTH = 4;

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
   * Transport protocol, after IPv6 extension headers; {@link UNKNOWN} if those are not captured completely or there are
   * more than eight.
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
 * Locates the outermost IP header of a packet and its transport header; does not decode tunnels. Skips up to two VLAN
 * tags, also after a Linux cooked header. Returns whether there is a well-formed IP header; if not, it only sets
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
  }
  return locateByLinkType(bytes, start, end, linkType, layers);
}

function locateByLinkType(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: PacketLayers,
): boolean {
  switch (linkType) {
    case LINKTYPE_ETHERNET:
      return locateByEtherType(bytes, start + ETHERTYPE, start + ETHERNET_LENGTH, end, layers);
    case LINKTYPE_LINUX_SLL:
      return locateByEtherType(bytes, start + SLL_PROTOCOL, start + SLL_LENGTH, end, layers);
    case LINKTYPE_LINUX_SLL2:
      return locateByEtherType(bytes, start + SLL2_PROTOCOL, start + SLL2_LENGTH, end, layers);
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      return locateByFamily(bytes, start, end, linkType, layers);
    case LINKTYPE_RAW:
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
      return locateIpv4(bytes, start, end, layers) || locateIpv6(bytes, start, end, layers);
    case LINKTYPE_IPV4:
      return locateIpv4(bytes, start, end, layers);
    case LINKTYPE_IPV6:
      return locateIpv6(bytes, start, end, layers);
    default:
      return false;
  }
}

/**
 * @param typeAt Offset of the EtherType.
 * @param payloadAt Offset of the payload. If that is a VLAN tag, the next EtherType is two bytes further.
 */
function locateByEtherType(
  bytes: Uint8Array,
  typeAt: number,
  payloadAt: number,
  end: number,
  layers: PacketLayers,
): boolean {
  if (payloadAt > end) return false;
  let type = readUint16(bytes, typeAt);
  let payload = payloadAt;
  for (let tags = 0; isVlanTag(type); tags++) {
    if (tags === MAX_VLAN_TAGS || payload + VLAN_LENGTH > end) return false;
    type = readUint16(bytes, payload + 2);
    payload += VLAN_LENGTH;
  }
  if (type === ETHERTYPE_IPV4) return locateIpv4(bytes, payload, end, layers);
  if (type === ETHERTYPE_IPV6) return locateIpv6(bytes, payload, end, layers);
  return false;
}

/** Whether an EtherType denotes a VLAN tag. */
export function isVlanTag(etherType: number): boolean {
  return etherType === VLAN_8021Q || etherType === VLAN_8021AD || etherType === VLAN_9100;
}

function locateByFamily(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: PacketLayers,
): boolean {
  if (start + FAMILY_LENGTH > end) return false;
  const version = versionOfFamily(bytes, start, linkType);
  if (version === 4) return locateIpv4(bytes, start + FAMILY_LENGTH, end, layers);
  return version === 6 && locateIpv6(bytes, start + FAMILY_LENGTH, end, layers);
}

/** The IP version in a BSD loopback header, 0 if it is not IP. The caller checks that all four bytes are captured. */
export function versionOfFamily(bytes: Uint8Array, start: number, linkType: number): 0 | 4 | 6 {
  const high = readUint16(bytes, start);
  const low = readUint16(bytes, start + 2);
  let family = UNKNOWN;
  if (high === 0) family = low;
  // Captured on a little-endian machine; OpenBSD's link type always uses network byte order.
  else if (low === 0 && linkType === LINKTYPE_NULL) family = (high >> 8) | ((high & 0xff) << 8);
  switch (family) {
    case AF_INET:
      return 4;
    case AF_INET6_LINUX:
    case AF_INET6_NETBSD:
    case AF_INET6_FREEBSD:
    case AF_INET6_DARWIN:
      return 6;
    default:
      return 0;
  }
}

function locateIpv4(bytes: Uint8Array, at: number, end: number, layers: PacketLayers): boolean {
  if (at + IPV4_MIN_LENGTH > end) return false;
  const versionAndLength = bytes[at]!;
  const headerLength = (versionAndLength & 0x0f) << 2;
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
  return true;
}

function locateIpv6(bytes: Uint8Array, at: number, end: number, layers: PacketLayers): boolean {
  if (at + IPV6_LENGTH > end || bytes[at]! >> 4 !== 6) return false;
  layers.network = at;
  layers.version = 6;
  layers.laterFragment = false;
  walkExtensions(bytes, bytes[at + IPV6_NEXT_HEADER]!, at + IPV6_LENGTH, end, layers);
  layers.ports = locatePorts(layers.protocol, layers.transport, layers.laterFragment, end);
  return true;
}

/** Skips extension headers; each must be captured completely. */
function walkExtensions(
  bytes: Uint8Array,
  firstHeader: number,
  firstAt: number,
  end: number,
  layers: PacketLayers,
): void {
  let header = firstHeader;
  let at = firstAt;
  for (let walked = 0; isExtension(header); walked++) {
    if (walked === MAX_EXTENSION_HEADERS || at + 2 > end) {
      layers.protocol = UNKNOWN;
      return;
    }
    const next = at + extensionLength(header, bytes[at + 1]!);
    if (next > end) {
      layers.protocol = UNKNOWN;
      return;
    }
    // Fragment offset: 13 bits, then two reserved ones and the flag "more"
    // (https://www.rfc-editor.org/rfc/rfc8200#section-4.5)
    if (header === FRAGMENT && (bytes[at + 2] !== 0 || (bytes[at + 3]! & 0xf8) !== 0)) {
      layers.laterFragment = true;
    }
    header = bytes[at]!;
    at = next;
  }
  layers.protocol = header;
  layers.transport = at;
}

/** Whether a next-header number is one of {@link EXTENSION_HEADER_NUMBERS}. */
export function isExtension(header: number): boolean {
  switch (header) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
      return true;
    default:
      return false;
  }
}

/**
 * Length of an extension header in bytes. The length field counts units of 8 bytes after the first 8, in AH units of 4
 * (https://www.rfc-editor.org/rfc/rfc4302#section-2.2).
 */
export function extensionLength(header: number, units: number): number {
  if (header === FRAGMENT) return FRAGMENT_LENGTH;
  if (header === AUTHENTICATION) return (units + 2) << 2;
  return (units + 1) << 3;
}

/** TCP, UDP and SCTP headers all begin with the source port and the destination port. */
function locatePorts(protocol: number, transport: number, laterFragment: boolean, end: number): number {
  return (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP) &&
    !laterFragment &&
    transport + PORTS_LENGTH <= end
    ? transport
    : UNKNOWN;
}
