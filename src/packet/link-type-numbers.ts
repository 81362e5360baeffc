// Numbers of supported link types as in capture files (https://www.tcpdump.org/linktypes.html).

/** BSD loopback: an address family in the byte order of the capturing machine. */
export const LINKTYPE_NULL = 0;
/** Ethernet. */
export const LINKTYPE_ETHERNET = 1;
/** IPv4 or IPv6 without a link header. */
export const LINKTYPE_RAW = 101;
/** OpenBSD loopback: an address family in network byte order. */
export const LINKTYPE_LOOP = 108;
/** Linux cooked capture, version 1: used by the `any` device. */
export const LINKTYPE_LINUX_SLL = 113;
/** IPv4 without a link header. */
export const LINKTYPE_IPV4 = 228;
/** IPv6 without a link header. */
export const LINKTYPE_IPV6 = 229;
/** Linux cooked capture, version 2. */
export const LINKTYPE_LINUX_SLL2 = 276;

/** Raw IP as numbered in libpcap's API; some programs write this number into files. */
export const DLT_RAW = 12;
/** Raw IP as numbered in libpcap's API on OpenBSD. */
export const DLT_RAW_OPENBSD = 14;
