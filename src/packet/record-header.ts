import { uint32At } from "../bytes/little-endian.js";

/**
 * A pcap record: 16 bytes of header, little endian, then the captured bytes
 * (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html#section-5).
 */
export const RECORD_HEADER_LENGTH = 16;
/** Offset of the seconds since 1970 in a record; like every field of the header, 32 bits. */
export const RECORD_SECONDS = 0;
/** Offset of the fraction of the second, in microseconds or nanoseconds as the format says. */
export const RECORD_FRACTION = 4;
/** Offset of the number of bytes that follow the header. */
export const RECORD_CAPTURED_LENGTH = 8;
/** Offset of the packet's length on the wire. */
export const RECORD_ORIGINAL_LENGTH = 12;

/** Unit of the fraction of a second in a record: microseconds or nanoseconds. */
export type Resolution = "us" | "ns";

/** Seconds that the 32 bits of a record can count; `eraSeconds` of a batch is a multiple of it. */
export const SECONDS_PER_ERA = 2 ** 32;

const NANOSECONDS_PER_SECOND = 1_000_000_000;
const MICROSECONDS_PER_SECOND = 1_000_000;
const NANOSECONDS_PER_MICROSECOND = 1000;

/** Units of the fraction in a second. */
export function unitsPerSecond(resolution: Resolution): number {
  return resolution === "us" ? MICROSECONDS_PER_SECOND : NANOSECONDS_PER_SECOND;
}

/** Nanoseconds in a unit of the fraction. */
export function nanosecondsPerUnit(resolution: Resolution): number {
  return resolution === "us" ? NANOSECONDS_PER_MICROSECOND : 1;
}

/** The time of a packet. */
export interface PacketTime {
  /** Seconds since 1970, including the era; possibly negative. */
  seconds: number;
  /** 0 to 999,999,999. */
  nanoseconds: number;
}

/**
 * Reads the time of the record at offset `at` into `time`, which the caller reuses. A fraction of a second or more, which
 * some files contain, is carried into the seconds.
 */
export function readRecordTime(
  records: Uint8Array,
  at: number,
  resolution: Resolution,
  eraSeconds: number,
  time: PacketTime,
): void {
  let seconds = uint32At(records, at + RECORD_SECONDS) + eraSeconds;
  let nanoseconds = uint32At(records, at + RECORD_FRACTION) * nanosecondsPerUnit(resolution);
  if (nanoseconds >= NANOSECONDS_PER_SECOND) {
    seconds += Math.floor(nanoseconds / NANOSECONDS_PER_SECOND);
    nanoseconds %= NANOSECONDS_PER_SECOND;
  }
  time.seconds = seconds;
  time.nanoseconds = nanoseconds;
}

/** Reads the packet's length on the wire from the record at offset `at`. */
export function readOriginalLength(records: Uint8Array, at: number): number {
  return uint32At(records, at + RECORD_ORIGINAL_LENGTH);
}

/** Writes the header of the record at offset `at`. */
export function writeRecordHeader(
  view: DataView,
  at: number,
  seconds: number,
  fraction: number,
  capturedLength: number,
  originalLength: number,
): void {
  view.setUint32(at + RECORD_SECONDS, seconds, true);
  view.setUint32(at + RECORD_FRACTION, fraction, true);
  view.setUint32(at + RECORD_CAPTURED_LENGTH, capturedLength, true);
  view.setUint32(at + RECORD_ORIGINAL_LENGTH, originalLength, true);
}

/**
 * Converts the time of the record at offset `at` from the other resolution to `resolution`, in place; nanoseconds are
 * truncated to microseconds. Returns false if the time does not fit; the record is then unchanged.
 */
export function convertRecordTime(view: DataView, at: number, resolution: Resolution): boolean {
  const fraction = view.getUint32(at + RECORD_FRACTION, true);
  if (resolution === "us") {
    view.setUint32(at + RECORD_FRACTION, Math.floor(fraction / NANOSECONDS_PER_MICROSECOND), true);
    return true;
  }
  // A fraction of a second or more may not fit as nanoseconds: carry it into the seconds.
  const carry = Math.floor(fraction / MICROSECONDS_PER_SECOND);
  if (carry > 0) {
    const seconds = view.getUint32(at + RECORD_SECONDS, true) + carry;
    if (seconds >= SECONDS_PER_ERA) return false;
    view.setUint32(at + RECORD_SECONDS, seconds, true);
  }
  const rest = fraction - carry * MICROSECONDS_PER_SECOND;
  view.setUint32(at + RECORD_FRACTION, rest * NANOSECONDS_PER_MICROSECOND, true);
  return true;
}
