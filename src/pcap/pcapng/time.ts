import { type Resolution, SECONDS_PER_ERA, unitsPerSecond } from "../../packet/record-header.js";

/** The output of {@link TimeReader}. */
export interface RecordTime {
  /** A multiple of {@link SECONDS_PER_ERA}. */
  eraSeconds: number;
  /** Seconds since the start of the era, 0 to 2³²−1. */
  seconds: number;
  /** Fraction of the second, in units of the reader's resolution. */
  fraction: number;
}

/** Reads the 64-bit timestamps of one interface. */
export interface TimeReader {
  /**
   * Unit of the fraction: microseconds if the interface's unit is a power of ten no finer than that, else nanoseconds.
   */
  readonly resolution: Resolution;
  read(high: number, low: number, time: RecordTime): void;
}

const WORD = 2 ** 32;
const NANOSECONDS_PER_SECOND = BigInt(unitsPerSecond("ns"));
const BINARY = 0x80;
/** Maximum exponent for which the arithmetic on doubles below is exact. */
const MAX_EXACT_DIGITS = 9;

/**
 * @param unit `if_tsresol`: the negative exponent of 10, or of 2 if the highest bit is set. Times finer than a
 *   nanosecond are truncated to nanoseconds.
 * @param offsetSeconds `if_tsoffset`.
 */
export function createTimeReader(unit: number, offsetSeconds: number): TimeReader {
  const exponent = unit & ~BINARY;
  if ((unit & BINARY) === 0 && exponent <= MAX_EXACT_DIGITS) return decimalReader(exponent, offsetSeconds);
  const perSecond = (unit & BINARY) === 0 ? 10n ** BigInt(exponent) : 2n ** BigInt(exponent);
  return {
    resolution: "ns",
    read: (high, low, time) => {
      const units = (BigInt(high) << 32n) | BigInt(low);
      const seconds = units / perSecond;
      setSeconds(time, Number(seconds >> 32n), Number(seconds & 0xffff_ffffn), offsetSeconds);
      time.fraction = Number(((units % perSecond) * NANOSECONDS_PER_SECOND) / perSecond);
    },
  };
}

function decimalReader(digits: number, offsetSeconds: number): TimeReader {
  const resolution = digits <= 6 ? "us" : "ns";
  const perSecond = 10 ** digits;
  const scale = unitsPerSecond(resolution) / perSecond;
  return {
    resolution,
    // Long division in steps of 16 bits: every remainder, shifted by 16 bits, is below 2⁴⁶ and therefore exact.
    read: (high, low, time) => {
      const fromHigh = Math.floor(high / perSecond);
      let rest = (high - fromHigh * perSecond) * 0x10000 + (low >>> 16);
      const fromMiddle = Math.floor(rest / perSecond);
      rest = (rest - fromMiddle * perSecond) * 0x10000 + (low & 0xffff);
      const fromLow = Math.floor(rest / perSecond);
      setSeconds(time, fromHigh, fromMiddle * 0x10000 + fromLow, offsetSeconds);
      time.fraction = (rest - fromLow * perSecond) * scale;
    },
  };
}

/** Accepts the seconds as two 32-bit words: files contain up to 2⁶⁴ seconds, which a double cannot represent exactly. */
function setSeconds(time: RecordTime, high: number, low: number, offsetSeconds: number): void {
  const seconds = low + offsetSeconds;
  const eras = Math.floor(seconds / SECONDS_PER_ERA);
  time.eraSeconds = (high + eras) * SECONDS_PER_ERA;
  time.seconds = seconds - eras * SECONDS_PER_ERA;
}

/**
 * Writes the time of a record as a 64-bit count of its resolution since `offsetSeconds` (`if_tsoffset`): high word
 * first, each word little endian. Returns whether the time fits.
 */
export function writeTime(
  view: DataView,
  at: number,
  resolution: Resolution,
  eraSeconds: number,
  seconds: number,
  fraction: number,
  offsetSeconds: number,
): boolean {
  const perSecond = unitsPerSecond(resolution);
  if (eraSeconds !== 0 || offsetSeconds !== 0) {
    const sinceOffset = BigInt(eraSeconds) + BigInt(seconds) - BigInt(offsetSeconds);
    return writeLarge(view, at, sinceOffset * BigInt(perSecond) + BigInt(fraction));
  }
  // Multiplies in halves of 16 bits, so that all intermediate results are exact.
  const upper = Math.floor(seconds / 0x10000) * perSecond;
  const lower = (seconds % 0x10000) * perSecond + fraction;
  const low = (upper % 0x10000) * 0x10000 + (lower % WORD);
  view.setUint32(at, Math.floor(upper / 0x10000) + Math.floor(lower / WORD) + Math.floor(low / WORD), true);
  view.setUint32(at + 4, low % WORD, true);
  return true;
}

function writeLarge(view: DataView, at: number, units: bigint): boolean {
  if (units < 0n || units >= 1n << 64n) return false;
  view.setUint32(at, Number(units >> 32n), true);
  view.setUint32(at + 4, Number(units & 0xffff_ffffn), true);
  return true;
}
