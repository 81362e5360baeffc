import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { FilterError } from "../errors/errors.js";
import { anInteger } from "../errors/value-checks.js";
import { formatPrefix, type Prefix } from "../net/index.js";
import { type PacketFilterInit, type ParsedPacketFilter, parsePacketFilters } from "./filter-check.js";
import {
  EXTENSION_HEADER_NUMBERS,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  IPV6_DESTINATION,
  IPV6_SOURCE,
} from "./layers.js";
import { LINKTYPE_ETHERNET } from "./link-type.js";

const NAMED_PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [IPPROTO_TCP, "tcp"],
  [IPPROTO_UDP, "udp"],
  [IPPROTO_SCTP, "sctp"],
]);

const OPTIONS: OptionTable<{ linkType?: number }> = { linkType: anInteger(0) };

/**
 * Writes recorder filters as pcap-filter text (`man pcap-filter`), for `tcpdump`, and for a kernel that filters before we
 * do. Equal to {@link compilePacketFilter} on packets without IPv6 extension headers. Behind those the text form cannot
 * follow to the protocol: there it lets through what the addresses allow, never less than the predicate. It says less in
 * two places that no live capture of ours knows: VLAN tags in the bytes behind a Linux cooked header, and address families
 * of BSD loopback in the other byte order or by numbers that are not libpcap's own.
 *
 * @param options `linkType`: what the text will be compiled for: on Ethernet (default) the text is followed by alternatives
 *   for one and two VLAN tags in the bytes; elsewhere libpcap refuses the word `vlan`.
 * @throws FilterError as {@link compilePacketFilter} does; OptionsError.
 */
export function formatPacketFilter(
  include: readonly PacketFilterInit[],
  options: { linkType?: number } = {},
): string {
  checkOptions("formatPacketFilter", options, OPTIONS);
  const { linkType = LINKTYPE_ETHERNET } = options;
  const { filters, issues } = parsePacketFilters(include);
  if (issues.length > 0) throw new FilterError(issues);
  const text = [formatFamily(4, filters), formatFamily(6, filters)]
    .filter((part) => part !== "")
    .join(" or ");
  // The word `vlan` moves the offsets of everything after it, so that the second one stands inside the first.
  return linkType === LINKTYPE_ETHERNET ? `${text} or (vlan and (${text} or (vlan and (${text}))))` : text;
}

/**
 * The header as the predicate wants it: version, header length, and its last byte captured. A load outside the captured
 * bytes rejects the packet, and no byte is 256.
 */
const HEADER_CHECKS = {
  4: "ip and ip[0] & 0xf0 == 0x40 and ip[0] & 0x0f >= 5 and ip[((ip[0] & 0x0f) << 2) - 1] != 256",
  6: "ip6 and ip6[0] & 0xf0 == 0x60 and ip6[39] != 256",
} as const;

const EXTENSION_HEADERS = EXTENSION_HEADER_NUMBERS.map((header) => `ip6[6] == ${header}`).join(" or ");

function formatFamily(family: 4 | 6, filters: readonly ParsedPacketFilter[]): string {
  const own = filters.filter((filter) => filter.family === family);
  if (own.length === 0) return "";
  // A load outside the captured bytes ends the whole expression: those that load least come first.
  const inOrder = [...own.filter((filter) => !hasPort(filter)), ...own.filter(hasPort)];
  const alternatives = inOrder.map(formatTerms);
  if (alternatives.includes("")) return `(${HEADER_CHECKS[family]})`;
  return `(${HEADER_CHECKS[family]} and (${alternatives.map((terms) => `(${terms})`).join(" or ")}))`;
}

const ADDRESSES = {
  ip: { src: IPV4_SOURCE, dst: IPV4_DESTINATION },
  ip6: { src: IPV6_SOURCE, dst: IPV6_DESTINATION },
} as const;

function hasPort({ sourcePort, destinationPort }: ParsedPacketFilter): boolean {
  return sourcePort > 0 || destinationPort > 0;
}

function formatTerms(filter: ParsedPacketFilter): string {
  const ip = filter.family === 4 ? "ip" : "ip6";
  const terms = [...formatSide(ip, "src", filter.source), ...formatSide(ip, "dst", filter.destination)];
  const transport = formatTransport(filter);
  if (transport !== undefined) {
    terms.push(filter.family === 4 ? transport : `(${transport} or ${EXTENSION_HEADERS})`);
  }
  return terms.join(" and ");
}

function formatSide(ip: "ip" | "ip6", side: "src" | "dst", prefix: Prefix): string[] {
  const { length } = prefix;
  const wholeWords = length >> 5;
  const restBits = length & 31;
  const firstWord = ip === "ip" ? 3 : 0;
  if (restBits === 0 || prefix.words[firstWord + wholeWords] !== 0) {
    return length === 0 ? [] : [`${ip} ${side} net ${formatPrefix(prefix)}`];
  }
  // "Masked, and then 0" is what libpcap's optimizer (seen in 1.10.3) makes a test of that it takes for its opposite
  // when it comes twice, losing packets. An upper bound says the same.
  const bound = `${ip}[${ADDRESSES[ip][side] + 4 * wholeWords}:4] <= 0x${(0xffffffff >>> restBits).toString(16)}`;
  if (wholeWords === 0) return [bound];
  return [`${ip} ${side} net ${formatPrefix({ ...prefix, length: 32 * wholeWords })}`, bound];
}

function formatTransport(filter: ParsedPacketFilter): string | undefined {
  const { family, protocol } = filter;
  const field = family === 4 ? "ip[9]" : "ip6[6]";
  if (!hasPort(filter)) return protocol === 0 ? undefined : `${field} == ${protocol}`;
  const names = protocol === 0 ? [...NAMED_PROTOCOLS.values()] : [NAMED_PROTOCOLS.get(protocol)];
  const alternatives = names.flatMap((name) => (name === undefined ? [] : [formatPorts(name, filter)]));
  // A protocol without ports never matches a filter with one.
  return alternatives.length === 0 ? `${field} == 256` : `(${alternatives.join(" or ")})`;
}

function formatPorts(protocol: string, { family, sourcePort, destinationPort }: ParsedPacketFilter): string {
  const terms: string[] = [];
  if (sourcePort > 0) terms.push(`${protocol} src port ${sourcePort}`);
  if (destinationPort > 0) terms.push(`${protocol} dst port ${destinationPort}`);
  // Both ports have to be captured, though only one is asked for.
  else terms.push(family === 4 ? `${protocol}[3] != 256` : "ip6[43] != 256");
  return `(${terms.join(" and ")})`;
}
