import { isUint8Array } from "../bytes/is-uint8-array.js";
import { checkArgument } from "../errors/check-argument.js";
import { isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import { formatIpv4, formatIpv6 } from "../net/index.js";
import type { Packet } from "./batch.js";
import { IPV4_DESTINATION, IPV4_SOURCE } from "./headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_SOURCE } from "./headers/ipv6.js";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "./headers/transport.js";
import { createLayers, locateLayers, type PacketLayers, UNKNOWN } from "./layers.js";
import { linkTypeName } from "./link-type.js";
import { readUint16 } from "./word.js";

/** Common protocols of https://www.iana.org/assignments/protocol-numbers. */
const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [IPPROTO_ICMP, "ICMP"],
  [2, "IGMP"],
  [IPPROTO_TCP, "TCP"],
  [IPPROTO_UDP, "UDP"],
  [41, "IPv6-in-IP"],
  [47, "GRE"],
  [50, "ESP"],
  [51, "AH"],
  [IPPROTO_ICMPV6, "ICMPv6"],
  [59, "no next header"],
  [89, "OSPF"],
  [112, "VRRP"],
  [IPPROTO_SCTP, "SCTP"],
]);

// https://www.rfc-editor.org/rfc/rfc9293#section-3.1, lowest bit first
const TCP_FLAGS = 13;
const TCP_FLAG_NAMES = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"] as const;

const layers = createLayers();

const aPacket: ValueCheck<Packet> = valueCheck(
  "a packet with `bytes`",
  (value) => isObject(value) && "bytes" in value && isUint8Array(value.bytes),
);

/**
 * Formats a packet as one readable line: time in UTC, addresses and ports of the outermost IP header, protocol, TCP
 * flags or ICMP type and code, and the length on the wire (and the captured length, if less). Never throws on malformed
 * packets; it prints the fields that can be decoded.
 *
 * `2026-11-22T05:00:00.123456Z 10.11.1.30:40312 > 10.11.0.20:80 TCP SYN, 74 bytes`
 */
export function formatPacket(packet: Packet, linkType: number): string {
  if (packet?.bytes === undefined) checkArgument("formatPacket", "packet", packet, aPacket);
  const { bytes, originalLength } = packet;
  const what = locateLayers(bytes, 0, bytes.length, linkType, layers)
    ? formatIp(bytes, layers)
    : `${linkTypeName(linkType)}, not IP`;
  const cut = bytes.length < originalLength ? ` (${bytes.length} captured)` : "";
  return `${formatTime(packet)} ${what}, ${originalLength} bytes${cut}`;
}

function formatTime({ seconds, nanoseconds }: Packet): string {
  if (seconds === undefined) return "(no time)";
  // Some files contain fractions of a second or more.
  const microseconds = Math.floor(nanoseconds / 1000);
  const date = new Date((seconds + Math.floor(microseconds / 1_000_000)) * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds}s`;
  const fraction = (microseconds % 1_000_000).toString().padStart(6, "0");
  return `${date.toISOString().slice(0, -".000Z".length)}.${fraction}Z`;
}

function formatIp(
  bytes: Uint8Array,
  { network, version, protocol, ports, laterFragment }: PacketLayers,
): string {
  const [source, destination] =
    version === 4
      ? [formatIpv4(bytes, network + IPV4_SOURCE), formatIpv4(bytes, network + IPV4_DESTINATION)]
      : [formatIpv6(bytes, network + IPV6_SOURCE), formatIpv6(bytes, network + IPV6_DESTINATION)];
  const ends =
    ports === UNKNOWN
      ? `${source} > ${destination}`
      : `${withPort(source, readUint16(bytes, ports))} > ${withPort(destination, readUint16(bytes, ports + 2))}`;
  const detail = laterFragment ? " fragment" : formatDetail(bytes, layers);
  return `${ends} ${protocolName(protocol)}${detail}`;
}

function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function protocolName(protocol: number): string {
  if (protocol === UNKNOWN) return "IPv6 extension headers";
  return PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`;
}

function formatDetail(bytes: Uint8Array, { protocol, transport }: PacketLayers): string {
  if (protocol === IPPROTO_TCP && transport + TCP_FLAGS < bytes.length) {
    const flags = bytes[transport + TCP_FLAGS]!;
    return ` ${TCP_FLAG_NAMES.filter((_, bit) => (flags & (1 << bit)) !== 0).join("|") || "no flags"}`;
  }
  if ((protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) && transport + 1 < bytes.length) {
    return ` type ${bytes[transport]} code ${bytes[transport + 1]}`;
  }
  return "";
}
