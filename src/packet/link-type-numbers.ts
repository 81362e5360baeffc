// Numbers of supported link types as in capture files (https://www.tcpdump.org/linktypes.html).

/** BSD loopback: an address family in the byte order of the capturing machine. */
export const LINKTYPE_NULL = 0;
/** Ethernet. */
export const LINKTYPE_ETHERNET = 1;
/** PPP, with or without HDLC-like framing. */
export const LINKTYPE_PPP = 9;
/** IPv4 or IPv6 without a link header. */
export const LINKTYPE_RAW = 101;
/** Cisco HDLC. */
export const LINKTYPE_C_HDLC = 104;
/** IEEE 802.11 wireless LAN. */
export const LINKTYPE_IEEE802_11 = 105;
/** OpenBSD loopback: an address family in network byte order. */
export const LINKTYPE_LOOP = 108;
/** Linux cooked capture, version 1: used by the `any` device. */
export const LINKTYPE_LINUX_SLL = 113;
/** IEEE 802.11 after a radiotap header. */
export const LINKTYPE_IEEE802_11_RADIOTAP = 127;
/** Per-Packet Information: a header before a packet of another link type. */
export const LINKTYPE_PPI = 192;
/** IPv4 without a link header. */
export const LINKTYPE_IPV4 = 228;
/** IPv6 without a link header. */
export const LINKTYPE_IPV6 = 229;
/** Linux netfilter log. */
export const LINKTYPE_NFLOG = 239;
/** Linux cooked capture, version 2. */
export const LINKTYPE_LINUX_SLL2 = 276;

/** Raw IP as numbered in libpcap's API; some programs write this number into files. */
export const DLT_RAW = 12;
/** Raw IP as numbered in libpcap's API on OpenBSD. */
export const DLT_RAW_OPENBSD = 14;
