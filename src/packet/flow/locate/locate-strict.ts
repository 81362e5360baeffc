import {
  ETHERNET_LENGTH,
  ETHERTYPE,
  ETHERTYPE_BRIDGED,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MIN,
} from "../../headers/ethernet.js";
import { IPV4_FLAGS_OFFSET, IPV4_MIN_LENGTH, IPV4_PROTOCOL, IPV4_TOTAL_LENGTH } from "../../headers/ipv4.js";
import { HOP_BY_HOP, IPV6_LENGTH, IPV6_NEXT_HEADER, IPV6_PAYLOAD_LENGTH } from "../../headers/ipv6.js";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  TCP_DATA_OFFSET,
  TCP_MIN_LENGTH,
  UDP_HEADER_LENGTH,
  UDP_LENGTH,
} from "../../headers/transport.js";
import { LINKTYPE_ETHERNET, linkTypeName } from "../../link-type.js";
import { readUint16 } from "../../word.js";
import {
  encapsulatedVersion,
  type FlowLayers,
  forgetLayers,
  type LayerName,
  NOTHING,
  type Transport,
} from "./flow-layers.js";
import { hopByHopFault, jumboPayloadLength } from "./hop-by-hop.js";
import { protocolName } from "./protocol-name.js";
import { ipv4OptionsFault, tcpOptionsFault } from "./strict-options.js";

/**
 * Locates the layers of a packet as Hubble v1.16.2 does, which uses gopacket 1.1.19 and decodes only Ethernet, IPv4,
 * IPv6, ICMP, TCP, UDP and SCTP. An error in any layer rejects the whole packet, with gopacket's message. A packet
 * whose link type is not Ethernet is rejected as well.
 */
export function locateStrict(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: FlowLayers,
): boolean {
  forgetLayers(layers);
  if (linkType !== LINKTYPE_ETHERNET) {
    return refuse(layers, "Ethernet", start, `${linkTypeName(linkType)} is not Ethernet`);
  }
  if (start === end) return true;
  layers.transportAt = start;
  layers.end = end;
  let version: 0 | 4 | 6 | typeof REFUSED = walkEthernet(bytes, layers);
  // A loop, not a recursion: a packet can contain thousands of headers.
  while (version === 4 || version === 6) {
    const protocol = version === 4 ? enterIpv4(bytes, layers) : enterIpv6(bytes, layers);
    if (protocol === REFUSED) return false;
    if (layers.transportAt === layers.end) return true;
    version = encapsulatedVersion(protocol);
    if (version === 0) return enterTransport(bytes, protocol, layers);
  }
  return version !== REFUSED;
}

/** Returned by a decoding step that rejects the packet. */
const REFUSED = -2;

function refuse(layers: FlowLayers, layer: LayerName, at: number, fault: string): false {
  layers.fault = fault;
  layers.faultLayer = layer;
  layers.faultAt = at;
  return false;
}

function refused(layers: FlowLayers, layer: LayerName, fault: string): typeof REFUSED {
  refuse(layers, layer, layers.transportAt, fault);
  return REFUSED;
}

/** Skips the Ethernet header at `transportAt` and bridged ones; returns the version of the IP header that follows. */
function walkEthernet(bytes: Uint8Array, layers: FlowLayers): 0 | 4 | 6 | typeof REFUSED {
  for (;;) {
    const at = layers.transportAt;
    if (layers.end - at < ETHERNET_LENGTH) return refused(layers, "Ethernet", "Ethernet packet too small");
    layers.ethernet = at;
    layers.transportAt = at + ETHERNET_LENGTH;
    const type = readUint16(bytes, at + ETHERTYPE);
    // gopacket continues with LLC, for which Hubble has no decoder.
    if (type < ETHERTYPE_MIN || layers.transportAt === layers.end) return 0;
    if (type === ETHERTYPE_IPV4) return 4;
    if (type === ETHERTYPE_IPV6) return 6;
    if (type !== ETHERTYPE_BRIDGED) return 0;
  }
}

function enterIpv4(bytes: Uint8Array, layers: FlowLayers): number {
  const at = layers.transportAt;
  const captured = layers.end - at;
  if (captured < IPV4_MIN_LENGTH) {
    return refused(layers, "IPv4", `Invalid ip4 header. Length ${captured} less than 20`);
  }
  // If the total length is 0, gopacket uses the length of the data, truncated to 16 bits.
  const total = readUint16(bytes, at + IPV4_TOTAL_LENGTH) || captured & 0xffff;
  const headerWords = bytes[at]! & 0x0f;
  const headerEnd = at + 4 * headerWords;
  if (total < IPV4_MIN_LENGTH) {
    return refused(layers, "IPv4", `Invalid (too small) IP length (${total} < 20)`);
  }
  if (headerWords < 5) {
    return refused(layers, "IPv4", `Invalid (too small) IP header length (${headerWords} < 5)`);
  }
  if (4 * headerWords > total) {
    return refused(layers, "IPv4", `Invalid IP header length > IP length (${headerWords} > ${total})`);
  }
  if (4 * headerWords > captured) {
    return refused(layers, "IPv4", "Not all IP header bytes available");
  }
  const fault = ipv4OptionsFault(bytes, at + IPV4_MIN_LENGTH, headerEnd);
  if (fault !== undefined) return refused(layers, "IPv4", fault);
  layers.version = 4;
  layers.network = at;
  layers.transportAt = headerEnd;
  layers.end = Math.min(layers.end, at + total);
  const fragment = (readUint16(bytes, at + IPV4_FLAGS_OFFSET) & 0x3fff) !== 0;
  return fragment ? NOTHING : bytes[at + IPV4_PROTOCOL]!;
}

function enterIpv6(bytes: Uint8Array, layers: FlowLayers): number {
  const at = layers.transportAt;
  const captured = layers.end - at;
  if (captured < IPV6_LENGTH) {
    return refused(layers, "IPv6", `Invalid ip6 header. Length ${captured} less than 40`);
  }
  const length = readUint16(bytes, at + IPV6_PAYLOAD_LENGTH);
  const header = bytes[at + IPV6_NEXT_HEADER]!;
  let protocol = header;
  let payload = at + IPV6_LENGTH;
  if (header === HOP_BY_HOP) {
    const fault = hopByHopFault(bytes, payload, layers.end, length);
    if (fault !== undefined) return refused(layers, "IPv6", fault);
    protocol = bytes[payload]!;
    if (length === 0) {
      // For a jumbogram, gopacket decodes the payload from the start of the hop-by-hop header (layers/ip6.go).
      layers.end = Math.min(layers.end, payload + jumboPayloadLength(bytes, payload));
      return entered(layers, at, payload, protocol);
    }
    payload += 8 * (bytes[payload + 1]! + 1);
  }
  if (length === 0) {
    return refused(layers, "IPv6", `IPv6 length 0, but next header is ${protocolName(header)}, not HopByHop`);
  }
  // Like gopacket, do not subtract the hop-by-hop header, although the payload length includes it.
  layers.end = Math.min(layers.end, payload + length);
  return entered(layers, at, payload, protocol);
}

function entered(layers: FlowLayers, at: number, payload: number, protocol: number): number {
  layers.version = 6;
  layers.network = at;
  layers.transportAt = payload;
  return protocol;
}

function enterTransport(bytes: Uint8Array, protocol: number, layers: FlowLayers): boolean {
  const at = layers.transportAt;
  const length = layers.end - at;
  let transport: Transport;
  let fault: string | undefined;
  switch (protocol) {
    case IPPROTO_TCP:
      transport = "TCP";
      fault = tcpFault(bytes, at, length);
      break;
    case IPPROTO_UDP:
      transport = "UDP";
      fault = udpFault(bytes, at, length);
      break;
    case IPPROTO_SCTP:
      transport = "SCTP";
      if (length < 12) fault = "Invalid SCTP common header length";
      break;
    case IPPROTO_ICMP:
      transport = "ICMPv4";
      if (length < 8) fault = "ICMP layer less then 8 bytes for ICMPv4 packet";
      break;
    case IPPROTO_ICMPV6:
      transport = "ICMPv6";
      if (length < 4) fault = "ICMP layer less then 4 bytes for ICMPv6 packet";
      break;
    default:
      return true;
  }
  if (fault !== undefined) return refuse(layers, transport, at, fault);
  layers.transport = transport;
  return true;
}

function tcpFault(bytes: Uint8Array, at: number, length: number): string | undefined {
  if (length < TCP_MIN_LENGTH) return `Invalid TCP header. Length ${length} less than 20`;
  const dataOffset = bytes[at + TCP_DATA_OFFSET]! >> 4;
  if (dataOffset < 5) return `Invalid TCP data offset ${dataOffset} < 5`;
  if (4 * dataOffset > length) return "TCP data offset greater than packet length";
  return tcpOptionsFault(bytes, at + TCP_MIN_LENGTH, at + 4 * dataOffset);
}

function udpFault(bytes: Uint8Array, at: number, length: number): string | undefined {
  if (length < UDP_HEADER_LENGTH) return `Invalid UDP header. Length ${length} less than 8`;
  const stated = readUint16(bytes, at + UDP_LENGTH);
  return stated > 0 && stated < 8 ? `UDP packet too small: ${stated} bytes` : undefined;
}
