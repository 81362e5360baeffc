import {
  ETHERNET_LENGTH,
  ETHERTYPE,
  ETHERTYPE_BRIDGED,
  MAX_LENGTH,
  VLAN_ETHERTYPES,
  VLAN_LENGTH,
  VLAN_NEXT,
} from "./ethernet.js";
import { SNAP_BYTES, SNAP_ETHERTYPE, SNAP_LENGTH } from "./llc.js";
import { MPLS_BOTTOM, MPLS_BOTTOM_AT, MPLS_ETHERTYPES, MPLS_LENGTH, MPLS_PPP_PROTOCOLS } from "./mpls.js";
import { PPPOE_BYTES, PPPOE_LENGTH, PPPOE_PROTOCOL, PPPOE_SESSION_ETHERTYPE } from "./ppp.js";

/** A number that announces a header, or a range of such numbers (both inclusive). */
export type Announcement = number | readonly [from: number, to: number];

/** How a header announces what follows it. */
export type NextHeader =
  /** By the EtherType at this offset. */
  | { readonly kind: "etherType"; readonly at: number }
  /** By the PPP protocol at this offset. */
  | { readonly kind: "ppp"; readonly at: number }
  /** The same header again, unless one of these bits is set at this offset; then IP of the version that it states. */
  | { readonly kind: "stack"; readonly at: number; readonly lastBits: number };

/** A header between the link header and the IP header. */
export interface Encapsulation {
  readonly name: string;
  /** The EtherTypes that announce it. */
  readonly etherTypes: readonly Announcement[];
  /** The PPP protocols that announce it. */
  readonly pppProtocols: readonly Announcement[];
  /** Bytes of the header: at most eight if filters enter it. */
  readonly length: number;
  /** Bytes that it must contain; the packet is not decoded further without them. */
  readonly required: readonly { readonly at: number; readonly value: number }[];
  readonly next: NextHeader;
  /** Whether it is an Ethernet header, whose addresses a flow has. */
  readonly isEthernet: boolean;
  /**
   * Maximum number of such headers in a packet: for packet filters (at most 15, or 0 if they do not enter it), and for
   * flows. Filters are limited because a kernel program has no unbounded loops.
   */
  readonly most: { readonly filters: number; readonly flows: number };
  /**
   * How a pcap-filter expression (`man pcap-filter`) enters it on Ethernet: by a keyword that shifts all that follows,
   * for these EtherTypes. Where there is no keyword, `matchAll` lists the conditions under which the expression matches
   * any packet, so that it is never narrower than the predicate. Other link types have no keywords; there any packet
   * matches.
   */
  readonly text: {
    readonly keyword?: { readonly name: "vlan"; readonly etherTypes: readonly number[] };
    readonly matchAll: readonly string[];
  };
}

const UNLIMITED = Number.POSITIVE_INFINITY;

/**
 * Every encapsulation that is entered, by packet filters, flow decoders, pcap-filter expressions and the kernel program:
 * all of them are derived from these rows.
 */
export const ENCAPSULATIONS = {
  vlan: {
    name: "VLAN tag",
    etherTypes: VLAN_ETHERTYPES,
    pppProtocols: [],
    length: VLAN_LENGTH,
    required: [],
    next: { kind: "etherType", at: VLAN_NEXT },
    isEthernet: false,
    most: { filters: 2, flows: UNLIMITED },
    // The keyword does not include the last two.
    text: {
      keyword: { name: "vlan", etherTypes: [0x8100, 0x88a8, 0x9100] },
      matchAll: ["ether proto 0x9200", "ether proto 0x9300"],
    },
  },
  snap: {
    name: "LLC/SNAP",
    etherTypes: [[0, MAX_LENGTH]],
    pppProtocols: [],
    length: SNAP_LENGTH,
    required: SNAP_BYTES,
    next: { kind: "etherType", at: SNAP_ETHERTYPE },
    isEthernet: false,
    most: { filters: 1, flows: UNLIMITED },
    text: { matchAll: ["llc"] },
  },
  pppoe: {
    name: "PPPoE session",
    etherTypes: [PPPOE_SESSION_ETHERTYPE],
    pppProtocols: [],
    length: PPPOE_LENGTH,
    required: PPPOE_BYTES,
    next: { kind: "ppp", at: PPPOE_PROTOCOL },
    isEthernet: false,
    most: { filters: 1, flows: 1 },
    text: { matchAll: ["ether proto 0x8864"] },
  },
  mpls: {
    name: "MPLS label",
    etherTypes: MPLS_ETHERTYPES,
    pppProtocols: MPLS_PPP_PROTOCOLS,
    length: MPLS_LENGTH,
    required: [],
    next: { kind: "stack", at: MPLS_BOTTOM_AT, lastBits: MPLS_BOTTOM },
    isEthernet: false,
    most: { filters: 8, flows: UNLIMITED },
    text: { matchAll: ["ether proto 0x8847", "ether proto 0x8848"] },
  },
  // gopacket decodes the inner frame, so flows describe it.
  bridged: {
    name: "bridged Ethernet",
    etherTypes: [ETHERTYPE_BRIDGED],
    pppProtocols: [],
    length: ETHERNET_LENGTH,
    required: [],
    next: { kind: "etherType", at: ETHERTYPE },
    isEthernet: true,
    most: { filters: 0, flows: UNLIMITED },
    text: { matchAll: [] },
  },
} as const satisfies Readonly<Record<string, Encapsulation>>;

/** The rows as a list, in which all have the same type. */
export const ENCAPSULATION_LIST: readonly Encapsulation[] = Object.values(ENCAPSULATIONS);
