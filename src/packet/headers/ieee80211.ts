// IEEE 802.11 data frames: IEEE 802.11-2020, 9.2 and 9.3.2; https://www.tcpdump.org/linktypes/LINKTYPE_IEEE802_11.html.
// Fields are little-endian.

import { SNAP_LENGTH } from "./llc.js";

/** Frame control: version, type and subtype in the first byte, flags in the second. */
const VERSION_AND_TYPE = 0x0f;
/** Version 0, type "data". */
const DATA = 0x08;
const WITHOUT_DATA = 0x40;
const QOS = 0x80;
const FLAGS = 1;
const TO_AND_FROM_DS = 0x03;
const MORE_FRAGMENTS = 0x04;
const PROTECTED = 0x40;
/** In QoS frames: there is an HT control field. */
const ORDER = 0x80;
/** The lower four bits are the number of the fragment. */
const SEQUENCE_CONTROL = 22;
const FRAGMENT_NUMBER = 0x0f;

const MIN_LENGTH = 24;
const ADDRESS_LENGTH = 6;
const QOS_LENGTH = 2;
/** In the QoS control field: the body is several frames. */
const AGGREGATED = 0x80;
const HT_CONTROL_LENGTH = 4;

/**
 * Offset of the LLC header of a data frame; -1 for other frames, and if the body is encrypted, a fragment or several
 * frames.
 *
 * @param isPadded Whether the header is padded to a multiple of four bytes.
 */
export function llcOffset(bytes: Uint8Array, start: number, end: number, isPadded: boolean): number {
  if (start + MIN_LENGTH > end) return -1;
  const control = bytes[start]!;
  const flags = bytes[start + FLAGS]!;
  if ((control & (VERSION_AND_TYPE | WITHOUT_DATA)) !== DATA) return -1;
  if ((flags & (MORE_FRAGMENTS | PROTECTED)) !== 0) return -1;
  if ((bytes[start + SEQUENCE_CONTROL]! & FRAGMENT_NUMBER) !== 0) return -1;
  let length = MIN_LENGTH;
  if ((flags & TO_AND_FROM_DS) === TO_AND_FROM_DS) length += ADDRESS_LENGTH;
  if ((control & QOS) !== 0) {
    if (start + length >= end || (bytes[start + length]! & AGGREGATED) !== 0) return -1;
    length += QOS_LENGTH;
    if ((flags & ORDER) !== 0) length += HT_CONTROL_LENGTH;
  }
  const at = start + (isPadded ? (length + 3) & ~3 : length);
  return at + SNAP_LENGTH > end ? -1 : at;
}
