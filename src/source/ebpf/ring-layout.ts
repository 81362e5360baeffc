// What the program in the kernel and the reader share: the one value of an array map, mapped into the process. Packets
// are put down by the kernel as pcap records, without gaps, so that a stretch of them is a batch as it stands. They come
// from all processors at once, in this order:
//
// 1. One atomic addition to HEAD takes both the room for the record and its number. HEAD counts bytes in its low 40 bits and
//    records in the 24 above.
// 2. The record is written at its byte offset, modulo the size of the data area.
// 3. The record's slot (its number modulo the number of slots) gets its captured length and its lap, in one exchange.
//
// A slot is written once in every lap, so that the lap tells a record that is done from one that is not yet. Once in 2⁴⁰ bytes
// the lower count runs over into the upper one: a number is left out, by writers and reader alike.

/** Bits of HEAD and TAIL that count bytes. */
export const BYTE_COUNT_BITS = 40;
/** Bits of HEAD and TAIL that count records. */
export const RECORD_COUNT_BITS = 24;
/** Bits of a slot that hold the captured length; the others hold the lap. */
export const SLOT_LENGTH_BITS = 19;
export const SLOT_LAP_BITS = 32 - SLOT_LENGTH_BITS;

// The control area: fields that different processors write lie 64 bytes apart, the length of a cache line.
/** Written by the program: see above. */
export const HEAD = 0;
/** Written by the reader: what HEAD was when the oldest record was taken that is not given back yet. */
export const TAIL = 64;
/** Written by the program: packets that matched and found no room. */
export const LOST = 128;
/** Set by the reader before it goes to sleep, and cleared by the program that wakes it; 32 bits. */
export const SLEEPING = 192;
/** Written by the reader: nanoseconds from the monotonic clock to the wall clock. */
export const CLOCK_OFFSET = 256;
/** All of it. */
export const CONTROL_BYTES = 4096;

/** The largest packet: what pcap allows (see link-type.ts). */
export const MAX_COPY_LENGTH = 262_144;
export const MIN_RING_BYTES = 2 ** 17;
export const MAX_RING_BYTES = 2 ** 28;

/** The largest page that there is: 64 KiB on some arm64 kernels. */
const PAGE = 65_536;
const RECORD_HEADER = 16;
const MAX_SLOTS = 2 ** 21;

/** Where things are in the map's value; offsets and lengths in bytes. */
export interface RingLayout {
  /** Power of two; also the room that records may begin in. */
  readonly dataBytes: number;
  readonly slots: number;
  readonly slotsAt: number;
  readonly dataAt: number;
  /** The whole value, in whole pages: records may end behind the data area, by one packet's length. */
  readonly totalBytes: number;
  /** Bytes that may be in use when a packet comes, so that every processor at once can still put down its largest. */
  readonly highWater: number;
  /** The same for slots. */
  readonly highWaterSlots: number;
}

/**
 * @param bufferBytes Rounded up to a power of two, to {@link MIN_RING_BYTES}, and to what all processors can have in hand
 *   at once, four times.
 * @param copyLength Most bytes of a packet that are kept: up to {@link longestCopy}.
 * @param processors That can exist, each with at most one packet in hand.
 */
export function layOutRing(bufferBytes: number, copyLength: number, processors: number): RingLayout {
  const inHand = processors * (RECORD_HEADER + copyLength);
  const wanted = Math.max(bufferBytes, MIN_RING_BYTES, 4 * inHand);
  const dataBytes = Math.min(2 ** Math.ceil(Math.log2(wanted)), MAX_RING_BYTES);
  const slots = Math.min(dataBytes / 64, MAX_SLOTS);
  const slotsAt = CONTROL_BYTES;
  const dataAt = slotsAt + 4 * slots;
  return {
    dataBytes,
    slots,
    slotsAt,
    dataAt,
    totalBytes: Math.ceil((dataAt + dataBytes + RECORD_HEADER + copyLength) / PAGE) * PAGE,
    highWater: dataBytes - inHand,
    highWaterSlots: slots - processors,
  };
}

/**
 * Most bytes of a packet that can be kept: {@link MAX_COPY_LENGTH}, but for machines with so many processors that what all of
 * them have in hand would be more than half of the largest ring.
 */
export function longestCopy(processors: number): number {
  return Math.min(MAX_COPY_LENGTH, Math.floor(MAX_RING_BYTES / 2 / processors) - RECORD_HEADER);
}
