import {
  DLT_RAW,
  DLT_RAW_OPENBSD,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from "../link-type-numbers.js";
import { ETHERNET_LENGTH, ETHERTYPE } from "./ethernet.js";
import {
  SLL_LENGTH,
  SLL_PROTOCOL,
  SLL2_INTERFACE_INDEX,
  SLL2_LENGTH,
  SLL2_PROTOCOL,
} from "./linux-cooked.js";

/** What a packet begins with. */
export type LinkHeader =
  /** A header of fixed length that contains the EtherType of its payload. */
  | {
      readonly kind: "etherType";
      readonly length: number;
      readonly at: number;
      /** Whether it is an Ethernet header, whose addresses a flow has. */
      readonly isEthernet?: boolean;
      /** Offset of the kernel's interface index. */
      readonly interfaceIndexAt?: number;
    }
  /** An address family: in network byte order, or in that of the capturing machine. */
  | { readonly kind: "family"; readonly order: "network" | "machine" }
  /** An IP header of this version, or of the version that its first four bits state. */
  | { readonly kind: "ip"; readonly version: 4 | 6 | "stated" };

/** A link type that packet filters and flow decoders support. */
export interface LinkType {
  readonly name: string;
  readonly numbers: readonly number[];
  readonly header: LinkHeader;
}

/** Every supported link type. A new one is one row: all engines read this table. */
export const LINK_TYPES: readonly LinkType[] = [
  {
    name: "Ethernet",
    numbers: [LINKTYPE_ETHERNET],
    header: { kind: "etherType", length: ETHERNET_LENGTH, at: ETHERTYPE, isEthernet: true },
  },
  {
    name: "Linux cooked v1",
    numbers: [LINKTYPE_LINUX_SLL],
    header: { kind: "etherType", length: SLL_LENGTH, at: SLL_PROTOCOL },
  },
  {
    name: "Linux cooked v2",
    numbers: [LINKTYPE_LINUX_SLL2],
    header: {
      kind: "etherType",
      length: SLL2_LENGTH,
      at: SLL2_PROTOCOL,
      interfaceIndexAt: SLL2_INTERFACE_INDEX,
    },
  },
  { name: "BSD loopback", numbers: [LINKTYPE_NULL], header: { kind: "family", order: "machine" } },
  { name: "OpenBSD loopback", numbers: [LINKTYPE_LOOP], header: { kind: "family", order: "network" } },
  {
    name: "raw IP",
    numbers: [LINKTYPE_RAW, DLT_RAW, DLT_RAW_OPENBSD],
    header: { kind: "ip", version: "stated" },
  },
  { name: "raw IPv4", numbers: [LINKTYPE_IPV4], header: { kind: "ip", version: 4 } },
  { name: "raw IPv6", numbers: [LINKTYPE_IPV6], header: { kind: "ip", version: 6 } },
];
