import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FilterError } from "../../errors/errors.js";
import { anInteger } from "../../errors/value-checks.js";
import { formatPrefix, type Prefix } from "../../net/index.js";
import { IPV4_DESTINATION, IPV4_SOURCE } from "../headers/ipv4.js";
import { AUTHENTICATION, EXTENSION_HEADER_NUMBERS, IPV6_DESTINATION, IPV6_SOURCE } from "../headers/ipv6.js";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "../headers/transport.js";
import { LINKTYPE_ETHERNET } from "../link-type.js";
import { type PacketFilterInput, type ParsedPacketFilter, parsePacketFilters } from "./check.js";
import { formatForLinkType } from "./link-text.js";

const NAMED_PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [IPPROTO_TCP, "tcp"],
  [IPPROTO_UDP, "udp"],
  [IPPROTO_SCTP, "sctp"],
]);

const OPTIONS: OptionTable<{ linkType?: number }> = { linkType: anInteger(0) };

/**
 * Formats recorder filters as a pcap-filter expression (`man pcap-filter`), for `tcpdump` and for filtering in the
 * kernel. It matches every packet that {@link compilePacketFilter} matches, and others where pcap-filter has no means to
 * find the fields: packets with IPv6 extension headers if their addresses match, and all packets with certain
 * encapsulations (see `docs/packets-to-flows.md`).
 *
 * @param options `linkType`: the link type that the expression will be compiled for. For Ethernet (default) it includes
 *   alternatives for one and two VLAN tags; for other link types libpcap rejects the keyword `vlan`.
 * @throws FilterError as {@link compilePacketFilter} does; OptionsError.
 */
export function formatPacketFilter(
  include: readonly PacketFilterInput[],
  options: { linkType?: number } = {},
): string {
  checkOptions("formatPacketFilter", options, OPTIONS);
  const { linkType = LINKTYPE_ETHERNET } = options;
  const { filters, issues } = parsePacketFilters(include);
  if (issues.length > 0) throw new FilterError(issues);
  const families = ([4, 6] as const).filter((own) => filters.some(({ family }) => family === own));
  return formatForLinkType(
    linkType,
    families,
    families.map((family) => formatFamily(family, filters)),
  );
}

/**
 * The checks that the predicate makes of the header: version, header length, and that its last byte was captured. A
 * load outside the captured bytes rejects the packet; `!= 256` is true for every byte.
 */
const HEADER_CHECKS = {
  4: "ip and ip[0] & 0xf0 == 0x40 and ip[0] & 0x0f >= 5 and ip[((ip[0] & 0x0f) << 2) - 1] != 256",
  6: "ip6 and ip6[0] & 0xf0 == 0x60 and ip6[39] != 256",
} as const;

/** Packets that match if their addresses do, because the expression cannot skip these headers. */
export const EXTENSION_HEADERS = {
  4: `ip[9] == ${AUTHENTICATION}`,
  6: EXTENSION_HEADER_NUMBERS.map((header) => `ip6[6] == ${header}`).join(" or "),
} as const;

function formatFamily(family: 4 | 6, filters: readonly ParsedPacketFilter[]): string {
  const own = filters.filter((filter) => filter.family === family);
  // A load outside the captured bytes rejects the packet at once, so filters without ports come first: they load less.
  const inOrder = [...own.filter((filter) => !hasPort(filter)), ...own.filter(hasPort)];
  const alternatives = inOrder.map(formatTerms);
  if (alternatives.includes("")) return `(${HEADER_CHECKS[family]})`;
  return `(${HEADER_CHECKS[family]} and (${alternatives.map((terms) => `(${terms})`).join(" or ")}))`;
}

const ADDRESSES = {
  ip: { src: IPV4_SOURCE, dst: IPV4_DESTINATION },
  ip6: { src: IPV6_SOURCE, dst: IPV6_DESTINATION },
} as const;

export function hasPort({ sourcePort, destinationPort }: ParsedPacketFilter): boolean {
  return sourcePort > 0 || destinationPort > 0;
}

function formatTerms(filter: ParsedPacketFilter): string {
  const ip = filter.family === 4 ? "ip" : "ip6";
  const terms = [...formatSide(ip, "src", filter.source), ...formatSide(ip, "dst", filter.destination)];
  const transport = formatTransport(filter);
  if (transport !== undefined) {
    terms.push(`(${transport} or ${EXTENSION_HEADERS[filter.family]})`);
  }
  return terms.join(" and ");
}

/** The conditions on the addresses of one side; none for the prefix that contains all. */
export function formatSide(ip: "ip" | "ip6", side: "src" | "dst", prefix: Prefix): string[] {
  const { length } = prefix;
  const wholeWords = length >> 5;
  const restBits = length & 31;
  const firstWord = ip === "ip" ? 3 : 0;
  if (restBits === 0 || prefix.words[firstWord + wholeWords] !== 0) {
    return length === 0 ? [] : [`${ip} ${side} net ${formatPrefix(prefix)}`];
  }
  // libpcap's optimizer (seen in 1.10.3) inverts a comparison of masked bits with 0 if it occurs twice, and loses
  // packets. An upper bound is equivalent.
  const bound = `${ip}[${ADDRESSES[ip][side] + 4 * wholeWords}:4] <= 0x${(0xffffffff >>> restBits).toString(16)}`;
  if (wholeWords === 0) return [bound];
  return [`${ip} ${side} net ${formatPrefix({ ...prefix, length: 32 * wholeWords })}`, bound];
}

/** The condition on protocol and ports, for packets without extension headers; undefined for any. */
export function formatTransport(filter: ParsedPacketFilter): string | undefined {
  const { family, protocol } = filter;
  const field = family === 4 ? "ip[9]" : "ip6[6]";
  if (!hasPort(filter)) return protocol === 0 ? undefined : `${field} == ${protocol}`;
  const names = protocol === 0 ? [...NAMED_PROTOCOLS.values()] : [NAMED_PROTOCOLS.get(protocol)];
  const alternatives = names.flatMap((name) => (name === undefined ? [] : [formatPorts(name, filter)]));
  // A filter with a port never matches a protocol without ports.
  return alternatives.length === 0 ? `${field} == 256` : `(${alternatives.join(" or ")})`;
}

function formatPorts(protocol: string, { family, sourcePort, destinationPort }: ParsedPacketFilter): string {
  const terms: string[] = [];
  if (sourcePort > 0) terms.push(`${protocol} src port ${sourcePort}`);
  if (destinationPort > 0) terms.push(`${protocol} dst port ${destinationPort}`);
  // Both ports must be captured, even if only one is compared.
  else terms.push(family === 4 ? `${protocol}[3] != 256` : "ip6[43] != 256");
  return `(${terms.join(" and ")})`;
}
