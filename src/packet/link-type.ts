// The link types that the packet layers are found in, by the numbers that capture files use
// (https://www.tcpdump.org/linktypes.html).

/** BSD loopback: an address family in the byte order of the writing machine. */
export const LINKTYPE_NULL = 0;
/** Ethernet. */
export const LINKTYPE_ETHERNET = 1;
/** IPv4 or IPv6 without a link header. */
export const LINKTYPE_RAW = 101;
/** OpenBSD loopback: an address family in network byte order. */
export const LINKTYPE_LOOP = 108;
/** Linux cooked capture, version 1: what the `any` device gives. */
export const LINKTYPE_LINUX_SLL = 113;
/** IPv4 without a link header. */
export const LINKTYPE_IPV4 = 228;
/** IPv6 without a link header. */
export const LINKTYPE_IPV6 = 229;
/** Linux cooked capture, version 2. */
export const LINKTYPE_LINUX_SLL2 = 276;

/** Raw IP as libpcap numbers it in memory; some programs wrote that number into files. */
export const DLT_RAW = 12;
/** The same on OpenBSD. */
export const DLT_RAW_OPENBSD = 14;

const NAMES: ReadonlyMap<number, string> = new Map([
  [LINKTYPE_NULL, "BSD loopback"],
  [LINKTYPE_ETHERNET, "Ethernet"],
  [DLT_RAW, "raw IP"],
  [DLT_RAW_OPENBSD, "raw IP"],
  [LINKTYPE_RAW, "raw IP"],
  [LINKTYPE_LOOP, "OpenBSD loopback"],
  [LINKTYPE_LINUX_SLL, "Linux cooked v1"],
  [LINKTYPE_IPV4, "raw IPv4"],
  [LINKTYPE_IPV6, "raw IPv6"],
  [LINKTYPE_LINUX_SLL2, "Linux cooked v2"],
]);

/** A name for people; `link type 147` for those without one here. */
export function linkTypeName(linkType: number): string {
  return NAMES.get(linkType) ?? `link type ${linkType}`;
}

/** The largest snap length, and so the largest captured length of a packet, for most link types (as in libpcap). */
export const MAX_CAPTURED_LENGTH = 262_144;

const MEBIBYTE = 1024 * 1024;
const LARGER: ReadonlyMap<number, number> = new Map([
  [220, 128 * MEBIBYTE], // USB, memory-mapped by Linux
  [231, 128 * MEBIBYTE], // D-Bus
  [249, 128 * MEBIBYTE], // USBPcap
  [279, 8 * MEBIBYTE], // EBHSCR
]);

/**
 * The largest captured length taken from a file: {@link MAX_CAPTURED_LENGTH}, and more for the few link types whose
 * packets are longer by definition. The bounds are libpcap's (pcap-common.c, `max_snaplen_for_dlt`).
 */
export function maxCapturedLength(linkType: number): number {
  return LARGER.get(linkType) ?? MAX_CAPTURED_LENGTH;
}
