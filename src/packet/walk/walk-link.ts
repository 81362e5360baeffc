import { FAMILY_LENGTH, versionOfFamily } from "../headers/bsd-loopback.js";
import { ETHERNET_LENGTH, ETHERTYPE } from "../headers/ethernet.js";
import { LINK_TYPE_LIST, type LinkHeader } from "../headers/link-types.js";
import { PPI_LENGTH, PPI_LINK_TYPE, PPI_MIN_LENGTH, PPI_VERSION } from "../headers/ppi.js";
import { readUint16, readWord } from "../word.js";
import { type FoundVersion, type Limits, link, statedVersion, walkEtherType } from "./encapsulations.js";
import { walkIeee80211, walkNflog, walkPppFrame, walkRadiotap } from "./frames.js";

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
  const { header } = rowOfLinkType(linkType);
  return header === undefined ? 0 : walkHeader(bytes, start, end, header, limits);
}

/** The same from an Ethernet header on, which need not be the start of the packet. */
export function walkEthernet(bytes: Uint8Array, start: number, end: number, limits: Limits): FoundVersion {
  if (start + ETHERNET_LENGTH > end) return 0;
  link.ethernet = start;
  return walkEtherType(bytes, readUint16(bytes, start + ETHERTYPE), start + ETHERNET_LENGTH, end, limits);
}

/** What packets of a link type begin with, for the walk. All have the same shape, so that access is fast. */
export interface LinkRow {
  /** Undefined if the link type is not supported. */
  readonly header: LinkHeader | undefined;
  /** Offset of the EtherType in a header of fixed length; -1 if it has none. */
  readonly etherTypeAt: number;
  /** Length of that header. */
  readonly length: number;
  /** The version of the IP header that packets begin with, 0 for the stated one; -1 if they begin with another. */
  readonly ipVersion: number;
}

const NOT_SUPPORTED: LinkRow = { header: undefined, etherTypeAt: -1, length: 0, ipVersion: -1 };

const LINK_ROWS: ReadonlyMap<number, LinkRow> = new Map(
  LINK_TYPE_LIST.flatMap(({ numbers, header }) => {
    const isFixed = header.kind === "etherType";
    const row: LinkRow = {
      header,
      etherTypeAt: isFixed ? header.at : -1,
      length: isFixed ? header.length : 0,
      ipVersion: header.kind !== "ip" ? -1 : header.version === "stated" ? 0 : header.version,
    };
    return numbers.map((number) => [number, row] as const);
  }),
);

/** The link type of the last packet, nearly always that of the next one as well, and its row. */
let lastLinkType = -1;
let lastRow = NOT_SUPPORTED;

/** The row of a link type. Short enough to be inlined into its callers, which saves a third of the time. */
export function rowOfLinkType(linkType: number): LinkRow {
  return linkType === lastLinkType ? lastRow : findRow(linkType);
}

function findRow(linkType: number): LinkRow {
  lastLinkType = linkType;
  lastRow = LINK_ROWS.get(linkType) ?? NOT_SUPPORTED;
  return lastRow;
}

function walkHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  header: LinkHeader,
  limits: Limits,
): FoundVersion {
  switch (header.kind) {
    case "ip":
      link.network = start;
      return header.version === "stated" ? statedVersion(bytes, start, end) : header.version;
    case "etherType": {
      const { length, at, isEthernet, interfaceIndexAt } = header;
      if (start + length > end) return 0;
      if (isEthernet) link.ethernet = start;
      if (interfaceIndexAt !== undefined) {
        link.interfaceIndex = readWord(bytes, start + interfaceIndexAt) >>> 0;
      }
      return walkEtherType(bytes, readUint16(bytes, start + at), start + length, end, limits);
    }
    case "family":
      return walkFamily(bytes, start, end, header.order);
    case "ppp":
      return walkPppFrame(bytes, start, end, limits);
    case "ieee80211":
      return walkIeee80211(bytes, start, end, limits);
    case "radiotap":
      return walkRadiotap(bytes, start, end, limits);
    case "ppi":
      return walkPpi(bytes, start, end, limits);
    case "nflog":
      return walkNflog(bytes, start, end);
  }
}

function walkFamily(
  bytes: Uint8Array,
  start: number,
  end: number,
  order: "network" | "machine",
): FoundVersion {
  if (start + FAMILY_LENGTH > end) return 0;
  link.network = start + FAMILY_LENGTH;
  const high = readUint16(bytes, start);
  const low = readUint16(bytes, start + 2);
  if (high === 0) return versionOfFamily(low);
  // Captured on a little-endian machine.
  if (order === "machine" && low === 0) return versionOfFamily((high >> 8) | ((high & 0xff) << 8));
  return 0;
}

/** A packet of another link type, except PPI again. */
function walkPpi(bytes: Uint8Array, start: number, end: number, limits: Limits): FoundVersion {
  if (start + PPI_MIN_LENGTH > end || bytes[start + PPI_VERSION] !== 0) return 0;
  const length = bytes[start + PPI_LENGTH]! | (bytes[start + PPI_LENGTH + 1]! << 8);
  if (length < PPI_MIN_LENGTH || start + length > end) return 0;
  const { header } = rowOfLinkType(swapWord(readWord(bytes, start + PPI_LINK_TYPE)));
  if (header === undefined || header.kind === "ppi") return 0;
  return walkHeader(bytes, start + length, end, header, limits);
}

/** Reverses the bytes of a 32-bit word. */
function swapWord(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
