import { type Announcement, ENCAPSULATION_LIST, type Encapsulation } from "../headers/encapsulations.js";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../headers/ethernet.js";
import { PPP_IPV4, PPP_IPV6 } from "../headers/ppp.js";
import { readUint16 } from "../word.js";

/** Whose nesting limits apply: those of packet filters, or those of flows. */
export type Limits = keyof Encapsulation["most"];

/** IP version of the header that a walk found; 0 if absent. */
export type FoundVersion = 0 | 4 | 6;

/** What the last walk found: only valid until the next one, so that walking allocates nothing. */
export const link: {
  /** Offset of the IP header; only valid if the walk returned a version. */
  network: number;
  /** End of the bytes that belong to the packet. */
  end: number;
  /** Offset of the last Ethernet header; -1 if absent. */
  ethernet: number;
  /** The kernel's index of the interface; 0 if the packet does not contain it. */
  interfaceIndex: number;
} = { network: 0, end: 0, ethernet: -1, interfaceIndex: 0 };

/** Walks from the header that an EtherType announces to the IP header: see `walkLink`. */
export function walkEtherType(
  bytes: Uint8Array,
  etherType: number,
  at: number,
  end: number,
  limits: Limits,
): FoundVersion {
  link.network = at;
  if (etherType === ETHERTYPE_IPV4) return 4;
  if (etherType === ETHERTYPE_IPV6) return 6;
  return IS_HIGH_BYTE[etherType >> 8] === 0 ? 0 : walkEncapsulations(bytes, etherType, at, end, limits);
}

/** The same for a PPP protocol. */
export function walkPpp(
  bytes: Uint8Array,
  protocol: number,
  at: number,
  end: number,
  limits: Limits,
): FoundVersion {
  link.network = at;
  if (protocol === PPP_IPV4) return 4;
  if (protocol === PPP_IPV6) return 6;
  return walkEncapsulations(bytes, PPP + protocol, at, end, limits);
}

/** Added to PPP protocols to distinguish them from EtherTypes. */
const PPP = 0x1_0000;

/** A loop, not a recursion: a packet can contain thousands of tags. */
function walkEncapsulations(
  bytes: Uint8Array,
  firstNumber: number,
  firstAt: number,
  end: number,
  limits: Limits,
): FoundVersion {
  let number = firstNumber;
  let at = firstAt;
  let counts = 0;
  for (;;) {
    const row = findRow(number);
    if (
      row === undefined ||
      at + row.length > end ||
      (row.hasRequired && !hasRequired(bytes, at, row.required))
    )
      return 0;
    const most = limits === "filters" ? row.mostForFilters : row.mostForFlows;
    if (((counts >> row.shift) & COUNT_MASK) >= most) return 0;
    if (most <= COUNT_MASK) counts += 1 << row.shift;
    if (row.isEthernet) link.ethernet = at;
    const nextAt = at + row.nextAt;
    at += row.length;
    link.network = at;
    if (row.lastBits !== 0) {
      if ((bytes[nextAt]! & row.lastBits) !== 0) return statedVersion(bytes, at, end);
    } else {
      number = row.nextBase + readUint16(bytes, nextAt);
      if (number === ETHERTYPE_IPV4 || number === PPP + PPP_IPV4) return 4;
      if (number === ETHERTYPE_IPV6 || number === PPP + PPP_IPV6) return 6;
    }
  }
}

function hasRequired(bytes: Uint8Array, start: number, required: Row["required"]): boolean {
  for (let index = 0; index < required.length; index++) {
    const { at, value } = required[index]!;
    if (bytes[start + at] !== value) return false;
  }
  return true;
}

/** The version in the first four bits of an IP header. */
export function statedVersion(bytes: Uint8Array, at: number, end: number): FoundVersion {
  if (at >= end) return 0;
  const version = bytes[at]! >> 4;
  return version === 4 || version === 6 ? version : 0;
}

/** The bits of a walk's counts that each encapsulation has. Larger limits are not counted, and stored as the first one. */
const COUNT_BITS = 4;
const COUNT_MASK = 2 ** COUNT_BITS - 1;

/** An encapsulation, for the walk. All have the same shape, so that access is fast. */
interface Row {
  readonly length: number;
  readonly hasRequired: boolean;
  readonly required: Encapsulation["required"];
  readonly nextAt: number;
  /** 0 if an EtherType follows, {@link PPP} if a PPP protocol does. */
  readonly nextBase: number;
  /** Bits that mark the last header of a stack; 0 if it is not a stack. */
  readonly lastBits: number;
  readonly isEthernet: boolean;
  readonly mostForFilters: number;
  readonly mostForFlows: number;
  /** Position of its count. */
  readonly shift: number;
}

/** Numbers (see {@link PPP}) and the row that they announce. */
interface Entry {
  readonly from: number;
  readonly to: number;
  readonly row: Row;
}

const ENTRIES: readonly Entry[] = ENCAPSULATION_LIST.flatMap(
  ({ etherTypes, pppProtocols, length, required, next, isEthernet, most }, index) => {
    const row: Row = {
      length,
      hasRequired: required.length > 0,
      required,
      nextAt: next.at,
      nextBase: next.kind === "ppp" ? PPP : 0,
      lastBits: next.kind === "stack" ? next.lastBits : 0,
      isEthernet,
      mostForFilters: Math.min(most.filters, COUNT_MASK + 1),
      mostForFlows: Math.min(most.flows, COUNT_MASK + 1),
      shift: COUNT_BITS * index,
    };
    return [
      ...etherTypes.map((announcement) => entryOf(0, announcement, row)),
      ...pppProtocols.map((announcement) => entryOf(PPP, announcement, row)),
    ];
  },
);

function entryOf(base: number, announcement: Announcement, row: Row): Entry {
  const [from, to] = typeof announcement === "number" ? [announcement, announcement] : announcement;
  return { from: base + from, to: base + to, row };
}

/** Whether any entry has this high byte: rejects most other EtherTypes at once. */
const IS_HIGH_BYTE = new Uint8Array(512);
for (const { from, to } of ENTRIES) IS_HIGH_BYTE.fill(1, from >> 8, (to >> 8) + 1);

/** The last number and its row: packets of a network mostly have the same encapsulation. */
let lastNumber = -1;
let lastRow: Row | undefined;

function findRow(number: number): Row | undefined {
  if (number === lastNumber) return lastRow;
  lastNumber = number;
  lastRow = undefined;
  for (let index = 0; index < ENTRIES.length; index++) {
    const { from, to, row } = ENTRIES[index]!;
    if (number >= from && number <= to) lastRow = row;
  }
  return lastRow;
}
