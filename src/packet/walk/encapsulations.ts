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

/** Whether an EtherType announces an encapsulation. */
export function isEncapsulation(etherType: number): boolean {
  return ANNOUNCED[etherType]! >= FIRST_ROW;
}

/** Added to PPP protocols to distinguish them from EtherTypes. */
const PPP = 0x1_0000;

/** Walks from the header that a PPP protocol announces to the IP header: see `walkLink`. */
export function walkPpp(
  bytes: Uint8Array,
  protocol: number,
  at: number,
  end: number,
  limits: Limits,
): FoundVersion {
  return walkEtherType(bytes, PPP + protocol, at, end, limits);
}

/** The same for an EtherType, or a PPP protocol with {@link PPP} added. */
export function walkEtherType(
  bytes: Uint8Array,
  firstNumber: number,
  firstAt: number,
  end: number,
  limits: Limits,
): FoundVersion {
  const isFilter = limits === "filters";
  let number = firstNumber;
  let at = firstAt;
  let counts = 0;
  // A loop, not a recursion: a packet can contain thousands of tags.
  for (;;) {
    const announced = ANNOUNCED[number]!;
    if (announced < FIRST_ROW) {
      link.network = at;
      return announced as FoundVersion;
    }
    const row = ROWS[announced - FIRST_ROW]!;
    if (at + row.length > end || (row.hasRequired && !hasRequired(bytes, at, row.required))) return 0;
    const most = isFilter ? row.mostForFilters : row.mostForFlows;
    if (((counts >> row.shift) & COUNT_MASK) >= most) return 0;
    if (most <= COUNT_MASK) counts += 1 << row.shift;
    if (row.isEthernet) link.ethernet = at;
    const nextAt = at + row.nextAt;
    at += row.length;
    if (row.lastBits === 0) number = row.nextBase + readUint16(bytes, nextAt);
    else if ((bytes[nextAt]! & row.lastBits) !== 0) {
      link.network = at;
      return statedVersion(bytes, at, end);
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

/** Indexes of {@link ROWS} begin here in {@link ANNOUNCED}. */
const FIRST_ROW = 7;

/**
 * What each EtherType announces, followed by what each PPP protocol does: an IP version, an encapsulation (the index of
 * its row, added to {@link FIRST_ROW}), or neither (0).
 */
const ANNOUNCED = new Uint8Array(2 * PPP);
ANNOUNCED[ETHERTYPE_IPV4] = 4;
ANNOUNCED[ETHERTYPE_IPV6] = 6;
ANNOUNCED[PPP + PPP_IPV4] = 4;
ANNOUNCED[PPP + PPP_IPV6] = 6;

const ROWS: readonly Row[] = ENCAPSULATION_LIST.map(
  ({ etherTypes, pppProtocols, length, required, next, isEthernet, most }, index) => {
    announce(FIRST_ROW + index, 0, etherTypes);
    announce(FIRST_ROW + index, PPP, pppProtocols);
    return {
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
  },
);

function announce(row: number, base: number, announcements: readonly Announcement[]): void {
  for (const announcement of announcements) {
    const [from, to] = typeof announcement === "number" ? [announcement, announcement] : announcement;
    ANNOUNCED.fill(row, base + from, base + to + 1);
  }
}
