// Linux netfilter log: https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: a header, then attributes, one of which is
// the packet. Lengths and types of attributes are in the byte order of the capturing machine: little-endian is assumed.

import { versionOfFamily } from "./bsd-loopback.js";

/** The address family, 8 bits, as Linux numbers it. */
const FAMILY = 0;
const HEADER_LENGTH = 4;
const TYPE = 2;
/** Length of an attribute without its value. The next attribute begins at a multiple of four bytes. */
const ATTRIBUTE_LENGTH = 4;
/** `NFULA_PAYLOAD` in include/uapi/linux/netfilter/nfnetlink_log.h. */
const PAYLOAD = 9;

/** The IP version of the packet in a record; 0 if it is not IP. */
export function nflogVersion(bytes: Uint8Array, start: number): 0 | 4 | 6 {
  return versionOfFamily(bytes[start + FAMILY]!);
}

/** Offset of the attribute that is the packet; -1 if absent. */
export function nflogPayloadOffset(bytes: Uint8Array, start: number, end: number): number {
  let at = start + HEADER_LENGTH;
  while (at + ATTRIBUTE_LENGTH <= end) {
    const length = nflogAttributeLength(bytes, at);
    if (length < ATTRIBUTE_LENGTH) return -1;
    if ((bytes[at + TYPE]! | (bytes[at + TYPE + 1]! << 8)) === PAYLOAD) return at;
    at += (length + 3) & ~3;
  }
  return -1;
}

/** Length of an attribute, with its header of {@link NFLOG_VALUE} bytes. */
export function nflogAttributeLength(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** Offset of the value in an attribute. */
export const NFLOG_VALUE: number = ATTRIBUTE_LENGTH;
