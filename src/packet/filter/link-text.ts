import { type Announcement, ENCAPSULATION_LIST, ENCAPSULATIONS } from "../headers/encapsulations.js";
import { LINK_TYPE_LIST, type LinkType } from "../headers/link-types.js";

/**
 * Combines expressions over the IP header with those that reach it on a link type: alternatives for VLAN tags, and for
 * encapsulations that pcap-filter cannot enter, so that packets with these match.
 *
 * @param families The IP versions that the expressions are for.
 */
export function formatForLinkType(
  linkType: number,
  families: readonly (4 | 6)[],
  expressions: readonly string[],
): string {
  const row = LINK_TYPE_LIST.find(({ numbers }) => numbers.includes(linkType));
  const text = row?.text ?? { kind: "keywords" };
  if (text.kind === "instead") return text.expression;
  if (text.hasVlan) return formatWithVlan([...expressions, ...matchAllConditions()].join(" or "));
  const also = families.flatMap((family) => text.also?.[family] ?? []);
  return [...expressions, ...new Set(also), ...formatAnnounced(row?.header)].join(" or ");
}

/**
 * The keyword `vlan` shifts the offsets of everything after it, so each alternative for one more tag is nested in that
 * for the tags before, and comes last.
 *
 * In live captures on Linux, `vlan` also matches a tag in the metadata of a packet, which must not shift anything. But
 * libpcap (seen in 1.10.3) then computes wrong offsets, and matches unrelated packets: its optimizer assumes a tag in the
 * bytes (https://github.com/the-tcpdump-group/libpcap/issues/1513), and comparisons before `vlan` overwrite the scratch
 * memory that holds the offset (https://github.com/the-tcpdump-group/libpcap/issues/1162). So `vlan` is only evaluated
 * where the bytes contain a tag; the alternative for fewer tags has already handled the others. The condition must not
 * use scratch memory: `ether proto` does not, `ether[12:2]` does.
 */
function formatWithVlan(expression: string): string {
  const { most, text } = ENCAPSULATIONS.vlan;
  const isTagged = text.keyword.etherTypes.map((type) => `ether proto 0x${type.toString(16)}`).join(" or ");
  let nested = expression;
  for (let tags = 0; tags < most.filters; tags++) {
    nested = `${expression} or ((${isTagged}) and ${text.keyword.name} and (${nested}))`;
  }
  return nested;
}

function matchAllConditions(): readonly string[] {
  return ENCAPSULATION_LIST.flatMap(({ text }) => text.matchAll);
}

/** Conditions for the encapsulations that the EtherType of a link header announces. */
function formatAnnounced(header: LinkType["header"] | undefined): readonly string[] {
  if (header?.kind !== "etherType") return [];
  const entered = ENCAPSULATION_LIST.filter(({ most }) => most.filters > 0);
  return entered.flatMap(({ etherTypes }) => etherTypes.map((type) => formatComparison(header.at, type)));
}

function formatComparison(at: number, announcement: Announcement): string {
  const field = `link[${at}:2]`;
  if (typeof announcement === "number") return `${field} == 0x${announcement.toString(16)}`;
  const [from, to] = announcement;
  return from === 0 ? `${field} <= ${to}` : `(${field} >= ${from} and ${field} <= ${to})`;
}
