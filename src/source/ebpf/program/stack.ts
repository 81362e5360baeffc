import { IPV4_DESTINATION, IPV4_SOURCE } from "../../../packet/headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_LENGTH, IPV6_SOURCE } from "../../../packet/headers/ipv6.js";
import { TCP_DATA_OFFSET } from "../../../packet/headers/transport.js";
import type { Place } from "./assembler.js";

// Layout of the program's stack. Each word must be aligned to its size.

/** Bytes of a packet's network header to load: an IPv6 header and the 8 bytes after it, with the ports. */
export const HEADER_LENGTH = IPV6_LENGTH + 8;

/** A location in the network header. */
export function header(offset: number): Place {
  return { base: "r10", offset: offset - HEADER_LENGTH };
}

export const SOURCE_ADDRESS = { 4: header(IPV4_SOURCE), 6: header(IPV6_SOURCE) } as const;
export const DESTINATION_ADDRESS = { 4: header(IPV4_DESTINATION), 6: header(IPV6_DESTINATION) } as const;

function slot(offset: number): Place {
  return { base: "r10", offset };
}

/** 14 bytes before the network header, for an Ethernet header that is loaded together with it. */
export const ETHERNET = slot(-HEADER_LENGTH - 14);
/** Eight bytes: ports, an encapsulation, or the start of an extension header. */
export const SCRATCH = slot(-72);
/** Whether an IPv6 fragment header has a nonzero offset; 32 bits. */
export const LATER_FRAGMENT = slot(-76);
/** The previous value of the ring's HEAD. */
export const RESERVED = slot(-88);
/** The ports and the protocol, kept while several groups of tables are searched. */
export const SOURCE_PORT = slot(-96);
export const DESTINATION_PORT = slot(-104);
export const PROTOCOL = slot(-112);
/** The eight-byte wake-up message, which is ignored. */
export const MESSAGE = slot(-120);

/** An address of 16 bytes to look up in the map of addresses. */
export const ADDRESS_KEY = slot(-136);

/** The start of a TCP header, up to the flags. */
export const TCP_HEADER = slot(-152);
/** The two bytes of the TCP header with the flags and the data offset. */
export const TCP_FLAGS_WORD = behind(TCP_HEADER, TCP_DATA_OFFSET);

/** The location `bytes` further. */
export function behind({ base, offset }: Place, bytes: number): Place {
  return { base, offset: offset + bytes };
}
