// https://www.radiotap.org and https://www.tcpdump.org/linktypes/LINKTYPE_IEEE802_11_RADIOTAP.html: a header of variable
// length, then an 802.11 frame. Fields are little-endian.

/** Version 0 is the only one. */
const VERSION = 0;
const LENGTH = 2;
/** Which fields are present: 32 bits, in whose last one another such word is announced. */
const PRESENT = 4;
const PRESENT_LENGTH = 4;
const HAS_TIMESTAMP = 0x01;
const HAS_FLAGS = 0x02;
/** Highest bit of the last byte. */
const HAS_ANOTHER = 0x80;
const TIMESTAMP_LENGTH = 8;
/** In the flags: the 802.11 header is padded to a multiple of four bytes. */
const PADDED = 0x20;

/** Offset of the 802.11 frame; -1 if the header is invalid or truncated. */
export function radiotapFrameOffset(bytes: Uint8Array, start: number, end: number): number {
  if (start + PRESENT + PRESENT_LENGTH > end || bytes[start + VERSION] !== 0) return -1;
  const length = bytes[start + LENGTH]! | (bytes[start + LENGTH + 1]! << 8);
  return length < PRESENT + PRESENT_LENGTH || start + length > end ? -1 : start + length;
}

/** Whether the 802.11 header at `frame` is padded. */
export function isPadded(bytes: Uint8Array, start: number, frame: number): boolean {
  const present = bytes[start + PRESENT]!;
  if ((present & HAS_FLAGS) === 0) return false;
  let at = start + PRESENT;
  while (at + PRESENT_LENGTH <= frame && (bytes[at + PRESENT_LENGTH - 1]! & HAS_ANOTHER) !== 0) {
    at += PRESENT_LENGTH;
  }
  at += PRESENT_LENGTH;
  // The timestamp is aligned to its length, from the start of the header.
  if ((present & HAS_TIMESTAMP) !== 0) at = start + ((at - start + 7) & ~7) + TIMESTAMP_LENGTH;
  return at < frame && (bytes[at]! & PADDED) !== 0;
}
