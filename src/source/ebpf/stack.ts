import {
  IPV4_DESTINATION,
  IPV4_SOURCE,
  IPV6_DESTINATION,
  IPV6_LENGTH,
  IPV6_SOURCE,
} from "../../packet/layers.js";
import type { Place } from "./assembler.js";

// What the program keeps on its stack. Each word has to be aligned to its size.

/** Bytes of a packet's network header that are loaded: IPv6, and the ports behind it. */
export const HEADER_LENGTH = IPV6_LENGTH + 8;

/** A place in the network header. */
export function header(offset: number): Place {
  return { base: "r10", offset: offset - HEADER_LENGTH };
}

export const SOURCE_ADDRESS = { 4: header(IPV4_SOURCE), 6: header(IPV6_SOURCE) } as const;
export const DESTINATION_ADDRESS = { 4: header(IPV4_DESTINATION), 6: header(IPV6_DESTINATION) } as const;

function slot(offset: number): Place {
  return { base: "r10", offset };
}

/** 14 bytes in front of the network header, where an Ethernet header is loaded together with it. */
export const ETHERNET = slot(-HEADER_LENGTH - 14);
/** Four bytes: ports, a VLAN tag, or the beginning of an extension header. */
export const SCRATCH = slot(-68);
/** Whether an IPv6 fragment header told of a later fragment; 32 bits. */
export const LATER_FRAGMENT = slot(-72);
/** What HEAD of the ring was. */
export const TAKEN = slot(-80);
/** The ports and the protocol, over the tables of many groups. */
export const SOURCE_PORT = slot(-88);
export const DESTINATION_PORT = slot(-96);
export const PROTOCOL = slot(-104);
/** Eight bytes that nobody reads. */
export const MESSAGE = slot(-112);

/** The same place, some bytes further. */
export function behind({ base, offset }: Place, bytes: number): Place {
  return { base, offset: offset + bytes };
}
