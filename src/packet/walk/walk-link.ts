import { FAMILY_LENGTH, versionOfFamily } from "../headers/bsd-loopback.js";
import { ETHERNET_LENGTH, ETHERTYPE } from "../headers/ethernet.js";
import { LINK_TYPE_LIST, type LinkHeader } from "../headers/link-types.js";
import { PPI_LENGTH, PPI_LINK_TYPE, PPI_MIN_LENGTH, PPI_VERSION } from "../headers/ppi.js";
import { LINKTYPE_ETHERNET, LINKTYPE_PPI } from "../link-type-numbers.js";
import { readUint16, readWord } from "../word.js";
import { type FoundVersion, type Limits, link, statedVersion, walkEtherType } from "./encapsulations.js";
import { type Walk, walkIeee80211, walkNflog, walkPppFrame, walkRadiotap } from "./frames.js";

/**
 * Walks from the start of a packet over the link header and encapsulations to the IP header, driven by the tables in
 * `headers/`; sets {@link link}. Returns the IP version that the layer before announces, which the header may
 * contradict. Accepts any bytes, and reads only those from `start` to `end`.
 */
export function walkLink(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  limits: Limits,
): FoundVersion {
  link.ethernet = -1;
  link.interfaceIndex = 0;
  link.end = end;
  if (linkType === LINKTYPE_ETHERNET) return walkEthernet(bytes, start, end, limits);
  if (linkType !== lastLinkType) {
    lastLinkType = linkType;
    lastWalk = WALKS.get(linkType) ?? walkNothing;
  }
  return lastWalk(bytes, start, end, limits);
}

/** The same from an Ethernet header on, which is not the start of the packet. */
export function walkEthernet(bytes: Uint8Array, start: number, end: number, limits: Limits): FoundVersion {
  if (start + ETHERNET_LENGTH > end) return 0;
  link.ethernet = start;
  return walkEtherType(bytes, readUint16(bytes, start + ETHERTYPE), start + ETHERNET_LENGTH, end, limits);
}

const WALKS: ReadonlyMap<number, Walk> = new Map(
  LINK_TYPE_LIST.flatMap(({ numbers, header }) => {
    const walk = compileHeader(header);
    return numbers.map((number) => [number, walk] as const);
  }),
);

const walkNothing: Walk = () => 0;

/** The link type of the last packet: nearly always that of the next one as well. */
let lastLinkType = Number.NaN;
let lastWalk: Walk = walkNothing;

function compileHeader(header: LinkHeader): Walk {
  switch (header.kind) {
    case "etherType":
      return compileEtherType(header);
    case "family":
      return compileFamily(header.order);
    case "ip":
      return compileIp(header.version);
    case "ppp":
      return walkPppFrame;
    case "ieee80211":
      return walkIeee80211;
    case "radiotap":
      return walkRadiotap;
    case "ppi":
      return walkPpi;
    case "nflog":
      return walkNflog;
  }
}

function compileEtherType({
  length,
  at,
  isEthernet = false,
  interfaceIndexAt = -1,
}: LinkHeader & { readonly kind: "etherType" }): Walk {
  return (bytes, start, end, limits) => {
    if (start + length > end) return 0;
    if (isEthernet) link.ethernet = start;
    if (interfaceIndexAt >= 0) link.interfaceIndex = readWord(bytes, start + interfaceIndexAt) >>> 0;
    return walkEtherType(bytes, readUint16(bytes, start + at), start + length, end, limits);
  };
}

function compileFamily(order: "network" | "machine"): Walk {
  return (bytes, start, end) => {
    if (start + FAMILY_LENGTH > end) return 0;
    link.network = start + FAMILY_LENGTH;
    const high = readUint16(bytes, start);
    const low = readUint16(bytes, start + 2);
    if (high === 0) return versionOfFamily(low);
    // Captured on a little-endian machine.
    if (order === "machine" && low === 0) return versionOfFamily((high >> 8) | ((high & 0xff) << 8));
    return 0;
  };
}

function compileIp(version: 4 | 6 | "stated"): Walk {
  return (bytes, start, end) => {
    link.network = start;
    return version === "stated" ? statedVersion(bytes, start, end) : version;
  };
}

/** A packet of another link type, except PPI again. */
function walkPpi(bytes: Uint8Array, start: number, end: number, limits: Limits): FoundVersion {
  if (start + PPI_MIN_LENGTH > end || bytes[start + PPI_VERSION] !== 0) return 0;
  const length = bytes[start + PPI_LENGTH]! | (bytes[start + PPI_LENGTH + 1]! << 8);
  if (length < PPI_MIN_LENGTH || start + length > end) return 0;
  const linkType = swapWord(readWord(bytes, start + PPI_LINK_TYPE));
  const walk = linkType === LINKTYPE_PPI ? undefined : WALKS.get(linkType);
  return walk === undefined ? 0 : walk(bytes, start + length, end, limits);
}

/** Reverses the bytes of a 32-bit word. */
function swapWord(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
