import {
  ETHERNET_LENGTH,
  ETHERTYPE,
  ETHERTYPE_BRIDGED,
  VLAN_ETHERTYPES,
  VLAN_LENGTH,
  VLAN_NEXT,
} from "./ethernet.js";

/** A number that announces a header, or a range of such numbers (both inclusive). */
export type Announcement = number | readonly [from: number, to: number];

/** A header between the link header and the IP header. The field `next` in its bytes announces what follows it. */
export interface Encapsulation {
  readonly name: string;
  /** The EtherTypes that announce it. */
  readonly etherTypes: readonly Announcement[];
  /** Bytes of the header. */
  readonly length: number;
  /** What follows: a header announced by the EtherType at this offset. */
  readonly next: { readonly kind: "etherType"; readonly at: number };
  /** Whether it is an Ethernet header, whose addresses a flow has. */
  readonly isEthernet: boolean;
  /** Maximum number of such headers in a packet: for packet filters in all their forms, and for flows. */
  readonly most: { readonly filters: number; readonly flows: number };
  /**
   * How a pcap-filter expression (`man pcap-filter`) enters it after an Ethernet header: by a keyword that shifts all
   * that follows; by matching every packet that has it, because pcap-filter has no such keyword; or not, as filters do
   * not enter it either.
   */
  readonly text: "vlan" | "match all" | "not entered";
}

/** Every encapsulation that is entered. A new one is one row: all engines read this table. */
export const ENCAPSULATIONS = {
  vlan: {
    name: "VLAN tag",
    etherTypes: VLAN_ETHERTYPES,
    length: VLAN_LENGTH,
    next: { kind: "etherType", at: VLAN_NEXT },
    isEthernet: false,
    most: { filters: 2, flows: Number.POSITIVE_INFINITY },
    text: "vlan",
  },
  // gopacket decodes the inner frame, so flows describe it.
  bridged: {
    name: "bridged Ethernet",
    etherTypes: [ETHERTYPE_BRIDGED],
    length: ETHERNET_LENGTH,
    next: { kind: "etherType", at: ETHERTYPE },
    isEthernet: true,
    most: { filters: 0, flows: Number.POSITIVE_INFINITY },
    text: "not entered",
  },
} as const satisfies Readonly<Record<string, Encapsulation>>;
