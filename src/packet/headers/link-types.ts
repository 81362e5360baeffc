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
import { AF_INET6_NUMBERS } from "./bsd-loopback.js";
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

/**
 * How a pcap-filter expression finds the IP header: by the keywords `ip` and `ip6`, or not at all, so that `instead`
 * matches every packet that a predicate could match. `also` lists conditions, by IP version, under which any packet
 * matches because the keywords miss it.
 */
export type LinkText =
  | {
      readonly kind: "keywords";
      readonly hasVlan?: true;
      readonly also?: { readonly 4: readonly string[]; readonly 6: readonly string[] };
    }
  | { readonly kind: "instead"; readonly expression: string };

/** A link type that packet filters and flow decoders support. */
export interface LinkType {
  readonly name: string;
  readonly numbers: readonly number[];
  readonly header: LinkHeader;
  readonly text: LinkText;
  /** The layer of the devices from which the kernel program captures it: with Ethernet headers (2), or without (3). */
  readonly kernel: 2 | 3 | "not captured";
}

// libpcap knows only the numbers of the system that it runs on, and assumes that the capturing machine was
// little-endian. (`link[0:4]` is big-endian.)
const EXACT = { kind: "keywords" } as const;

/**
 * Every supported link type, for packet filters, flow decoders, pcap-filter expressions and the kernel program: all of
 * them are derived from these rows.
 */
export const LINK_TYPES = {
  ethernet: {
    name: "Ethernet",
    numbers: [LINKTYPE_ETHERNET],
    header: { kind: "etherType", length: ETHERNET_LENGTH, at: ETHERTYPE, isEthernet: true },
    text: { kind: "keywords", hasVlan: true },
    kernel: 2,
  },
  linuxCooked1: {
    name: "Linux cooked v1",
    numbers: [LINKTYPE_LINUX_SLL],
    header: { kind: "etherType", length: SLL_LENGTH, at: SLL_PROTOCOL },
    text: EXACT,
    kernel: "not captured",
  },
  linuxCooked2: {
    name: "Linux cooked v2",
    numbers: [LINKTYPE_LINUX_SLL2],
    header: {
      kind: "etherType",
      length: SLL2_LENGTH,
      at: SLL2_PROTOCOL,
      interfaceIndexAt: SLL2_INTERFACE_INDEX,
    },
    text: EXACT,
    kernel: "not captured",
  },
  bsdLoopback: {
    name: "BSD loopback",
    numbers: [LINKTYPE_NULL],
    header: { kind: "family", order: "machine" },
    text: {
      kind: "keywords",
      also: {
        4: ["link[0:4] == 0x2"],
        6: AF_INET6_NUMBERS.flatMap((family) => [
          `link[0:4] == 0x${family.toString(16)}`,
          `link[0:4] == 0x${(family * 2 ** 24).toString(16)}`,
        ]),
      },
    },
    kernel: "not captured",
  },
  openBsdLoopback: {
    name: "OpenBSD loopback",
    numbers: [LINKTYPE_LOOP],
    header: { kind: "family", order: "network" },
    text: {
      kind: "keywords",
      also: { 4: [], 6: AF_INET6_NUMBERS.map((family) => `link[0:4] == 0x${family.toString(16)}`) },
    },
    kernel: "not captured",
  },
  rawIp: {
    name: "raw IP",
    numbers: [LINKTYPE_RAW, DLT_RAW, DLT_RAW_OPENBSD],
    header: { kind: "ip", version: "stated" },
    text: EXACT,
    kernel: 3,
  },
  rawIpv4: {
    name: "raw IPv4",
    numbers: [LINKTYPE_IPV4],
    header: { kind: "ip", version: 4 },
    text: EXACT,
    kernel: "not captured",
  },
  rawIpv6: {
    name: "raw IPv6",
    numbers: [LINKTYPE_IPV6],
    header: { kind: "ip", version: 6 },
    text: EXACT,
    kernel: "not captured",
  },
} as const satisfies Readonly<Record<string, LinkType>>;

/** The rows as a list, in which all have the same type. */
export const LINK_TYPE_LIST: readonly LinkType[] = Object.values(LINK_TYPES);
