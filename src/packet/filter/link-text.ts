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
 */
function formatWithVlan(expression: string): string {
  let nested = expression;
  for (let tags = 0; tags < ENCAPSULATIONS.vlan.most.filters; tags++) {
    nested = `${expression} or (vlan and (${nested}))`;
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
