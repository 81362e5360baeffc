import { FilterError } from "../../errors/errors.js";
import { LINK_TYPE_LIST } from "../headers/link-types.js";
import { type PacketFilterInit, type ParsedPacketFilter, parsePacketFilters } from "./check.js";
import { EXTENSION_HEADERS, formatSide, formatTransport, hasPort } from "./pcap-text.js";

/** A recorder filter and TCP flags, of which a packet must have all; 0 for any packet. */
export interface WiderFilter {
  readonly filter: PacketFilterInit;
  /** The flags FIN to CWR as in the TCP header, and NS as bit 8. */
  readonly tcpFlags: number;
}

/** A parsed {@link WiderFilter}. */
export type ParsedWiderFilter = ParsedPacketFilter & Pick<WiderFilter, "tcpFlags">;

/** The flags in byte 13 of the TCP header. NS is in the byte before and is not tested. */
const FLAGS_BYTE = 0xff;
const FLAGS_AT = 13;
/** Offset of the transport header of IPv6 packets without extension headers: libpcap reads `tcp[…]` for IPv4 only. */
const IPV6_TRANSPORT = 40;

/**
 * Formats filters as a pcap-filter expression that may match more packets, never fewer: those that a flow decoder may
 * enter and the expression cannot, which are packets with extension headers, and all that the link header does not
 * announce as IP, such as those with VLAN tags in their bytes. The keyword `vlan` is not used, see
 * {@link formatForLinkType}. Undefined if the expression cannot test packets of the link type.
 */
export function formatWider(wider: readonly WiderFilter[], linkType: number): string | undefined {
  const row = LINK_TYPE_LIST.find(({ numbers }) => numbers.includes(linkType));
  if (row === undefined || row.text.kind !== "keywords") return undefined;
  const { also } = row.text;
  const { filters, issues } = parsePacketFilters(wider.map(({ filter }) => filter));
  if (issues.length > 0) throw new FilterError(issues);
  const parsed = filters.map((filter, index) => ({
    ...filter,
    tcpFlags: wider[index]!.tcpFlags & FLAGS_BYTE,
  }));
  const alternatives = ([4, 6] as const).flatMap((family) => [
    ...(also?.[family] ?? []),
    formatFamily(family, parsed),
  ]);
  return ["not (ip or ip6)", ...alternatives].join(" or ");
}

function formatFamily(family: 4 | 6, filters: readonly ParsedWiderFilter[]): string {
  const own = filters.filter((filter) => filter.family === family);
  // A load outside the captured bytes rejects the packet at once, so filters that load less come first.
  const inOrder = [...own].sort((a, b) => loadsOf(a) - loadsOf(b));
  const terms = [EXTENSION_HEADERS[family], ...inOrder.map(formatTerms)];
  const keyword = family === 4 ? "ip" : "ip6";
  return terms.includes("")
    ? `(${keyword})`
    : `(${keyword} and (${terms.map((text) => `(${text})`).join(" or ")}))`;
}

function loadsOf(filter: ParsedWiderFilter): number {
  return filter.tcpFlags > 0 ? 2 : hasPort(filter) ? 1 : 0;
}

function formatTerms(filter: ParsedWiderFilter): string {
  const ip = filter.family === 4 ? "ip" : "ip6";
  const transport = formatTransport(filter);
  return [
    ...formatSide(ip, "src", filter.source),
    ...formatSide(ip, "dst", filter.destination),
    ...(transport === undefined ? [] : [transport]),
    ...formatFlags(filter),
  ].join(" and ");
}

function formatFlags({ family, tcpFlags }: ParsedWiderFilter): string[] {
  if (tcpFlags === 0) return [];
  const at = family === 4 ? `tcp[${FLAGS_AT}]` : `ip6[${IPV6_TRANSPORT + FLAGS_AT}]`;
  return [`${at} & ${tcpFlags} == ${tcpFlags}`];
}
