import {
  DLT_RAW,
  DLT_RAW_OPENBSD,
  LINKTYPE_C_HDLC,
  LINKTYPE_ETHERNET,
  LINKTYPE_IEEE802_11,
  LINKTYPE_IEEE802_11_RADIOTAP,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NFLOG,
  LINKTYPE_NULL,
  LINKTYPE_PPI,
  LINKTYPE_PPP,
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
import { MPLS_PPP_PROTOCOLS } from "./mpls.js";
import { CISCO_HDLC_ETHERTYPE, CISCO_HDLC_LENGTH, PPP_ADDRESS_CONTROL } from "./ppp.js";

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
  | { readonly kind: "ip"; readonly version: 4 | 6 | "stated" }
  /** A header with its own rules: see the file of its name. */
  | { readonly kind: "ppp" | "ieee80211" | "radiotap" | "ppi" | "nflog" };

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
/** An empty expression matches every packet. (To any other, libpcap adds that the packet in PPI is 802.11.) */
const MATCH_ALL = { kind: "instead", expression: "" } as const;
const PPP_CONDITIONS: readonly string[] = [
  `link[0:2] != 0x${PPP_ADDRESS_CONTROL.toString(16)}`,
  "link[2] & 1 != 0",
  ...MPLS_PPP_PROTOCOLS.map((protocol) => `link[2:2] == 0x${protocol.toString(16)}`),
];

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
  ppp: {
    name: "PPP",
    numbers: [LINKTYPE_PPP],
    header: { kind: "ppp" },
    // libpcap assumes complete framing and two bytes of protocol.
    text: { kind: "keywords", also: { 4: PPP_CONDITIONS, 6: PPP_CONDITIONS } },
    kernel: "not captured",
  },
  ciscoHdlc: {
    name: "Cisco HDLC",
    numbers: [LINKTYPE_C_HDLC],
    header: { kind: "etherType", length: CISCO_HDLC_LENGTH, at: CISCO_HDLC_ETHERTYPE },
    text: EXACT,
    kernel: "not captured",
  },
  ieee80211: {
    name: "802.11",
    numbers: [LINKTYPE_IEEE802_11],
    header: { kind: "ieee80211" },
    text: { kind: "instead", expression: "type data" },
    kernel: "not captured",
  },
  radiotap: {
    name: "802.11 with radiotap",
    numbers: [LINKTYPE_IEEE802_11_RADIOTAP],
    header: { kind: "radiotap" },
    text: { kind: "instead", expression: "type data" },
    kernel: "not captured",
  },
  ppi: {
    name: "PPI",
    numbers: [LINKTYPE_PPI],
    header: { kind: "ppi" },
    text: MATCH_ALL,
    kernel: "not captured",
  },
  nflog: {
    name: "NFLOG",
    numbers: [LINKTYPE_NFLOG],
    header: { kind: "nflog" },
    text: MATCH_ALL,
    kernel: "not captured",
  },
} as const satisfies Readonly<Record<string, LinkType>>;

/** The rows as a list, in which all have the same type. */
export const LINK_TYPE_LIST: readonly LinkType[] = Object.values(LINK_TYPES);
