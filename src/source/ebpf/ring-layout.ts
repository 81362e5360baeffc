// Memory shared by the program in the kernel and the reader: the only value of an array map, mapped into the process.
// The program writes packets as pcap records without gaps, so that a range of them is a batch. All processors write
// concurrently, as follows:
//
// 1. One atomic addition to HEAD reserves both the space for the record and its number. HEAD counts bytes in its low 40
//    bits and records in the high 24 bits.
// 2. The record is written at its byte offset, modulo the size of the data area.
// 3. The record's slot (its number modulo the number of slots) gets its captured length and its lap, in one exchange.
//
// Each slot is written once per lap, so the lap distinguishes a complete record from an incomplete one. Once per 2⁴⁰
// bytes, the byte count overflows into the record count: the program and the reader both skip one record number.

/** Bits of HEAD and TAIL that count bytes. */
export const BYTE_COUNT_BITS = 40;
/** Bits of HEAD and TAIL that count records. */
export const RECORD_COUNT_BITS = 24;
/** Bits of a slot that hold the captured length; the others hold the lap. */
export const SLOT_LENGTH_BITS = 19;
export const SLOT_LAP_BITS = 32 - SLOT_LENGTH_BITS;

// The control area. Fields written by different processors are 64 bytes apart, the length of a cache line.
/** Written by the program; see above. */
export const HEAD = 0;
/** Written by the reader: the value of HEAD before the oldest record that is not yet released. */
export const TAIL = 64;
/** Written by the program: number of matching packets for which there was no space. */
export const LOST = 128;
/** Set by the reader before it sleeps, and cleared by the program that wakes it; 32 bits. */
export const SLEEPING = 192;
/** Written by the reader: offset from the monotonic clock to the wall clock, in nanoseconds. */
export const CLOCK_OFFSET = 256;
/** Size of the control area. */
export const CONTROL_BYTES = 4096;

/** Maximum packet length in pcap (see link-type.ts). */
export const MAX_COPY_LENGTH = 262_144;
export const MIN_RING_BYTES = 2 ** 17;
export const MAX_RING_BYTES = 2 ** 28;

/** The largest page size: 64 KiB on some arm64 kernels. */
const PAGE = 65_536;
const RECORD_HEADER = 16;
const MAX_SLOTS = 2 ** 21;

/** Offsets and lengths in the map's value, in bytes. */
export interface RingLayout {
  /** Power of two; records start within this area. */
  readonly dataBytes: number;
  readonly slots: number;
  readonly slotsAt: number;
  readonly dataAt: number;
  /** Size of the whole value in whole pages. The last record may extend past the data area by one packet's length. */
  readonly totalBytes: number;
  /**
   * Maximum bytes in use when a packet arrives, such that each processor can still write one packet of maximum size.
   */
  readonly highWater: number;
  /** The same for slots. */
  readonly highWaterSlots: number;
}

/**
 * @param bufferBytes Rounded up to a power of two, to at least {@link MIN_RING_BYTES}, and to at least four packets of
 *   maximum size per processor; limited to {@link MAX_RING_BYTES}.
 * @param copyLength Maximum captured bytes per packet: at most {@link longestCopy}.
 * @param processors Maximum number of processors; each writes at most one packet at a time.
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
 * Maximum captured bytes per packet: {@link MAX_COPY_LENGTH}, or less if the packets of all processors would take more
 * than half of the largest ring.
 */
export function longestCopy(processors: number): number {
  return Math.min(MAX_COPY_LENGTH, Math.floor(MAX_RING_BYTES / 2 / processors) - RECORD_HEADER);
}
