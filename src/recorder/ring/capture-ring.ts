import type { PacketRun } from "./packet-runs.js";

/** The mark of packets that no capture wanted. */
export const UNMARKED = 0;

/** By how much packets may arrive out of order, in microseconds. */
export const MAX_DISORDER_US = 60_000_000;

/**
 * Records start at least this many bytes apart, the length of their header, so that each has an entry of its own in a table
 * with this unit.
 */
export const MARK_UNIT = 16;

/** The latest packets, in their order of arrival, as captures read them. A packet has a position, which grows. */
export interface CaptureRing {
  /** The memory with the records; see {@link offsetOf}. */
  readonly bytes: Uint8Array;
  /** Whether the memory may be taken away while a sink still writes, so that what a sink receives must be a copy. */
  readonly isBorrowed: boolean;
  readonly packets: number;
  /** The position of the oldest packet; {@link end} if there are no packets. */
  readonly begin: number;
  /** The position after the last packet. */
  readonly end: number;
  /** The bytes in use. */
  readonly usedBytes: number;
  /**
   * The latest time of all packets that have arrived, in microseconds since 1970; -Infinity before the first one. If packets
   * are more than {@link MAX_DISORDER_US} older, the clock was set back, and only they count.
   */
  readonly latestUs: number;
  /** The time of the oldest packet, in microseconds since 1970; undefined if there are no packets. */
  readonly oldestUs: number | undefined;
  /**
   * Lets packets expire that are older than `timeUs`, up to the first that is not. Unless it must be exact, a few packets that
   * arrived together may stay until the latest of them is older.
   */
  expireOlder(timeUs: number, isExact: boolean): void;
  /**
   * The position of the first packet at or after `position`, which is that of a packet or was {@link end} once; the
   * result is not below {@link end} if there is no such packet yet.
   */
  firstFrom(position: number): number;
  /** The position after the record at `position`: that of the next packet, if there is one. */
  next(position: number): number;
  /** The offset in {@link bytes} of the record at `position`. */
  offsetOf(position: number): number;
  /** The length of the record at `position`, with its header. */
  lengthAt(position: number): number;
  /** The run of packets of one format to which the packet at `position` belongs. */
  runAt(position: number): PacketRun;
  /** The position of the first packet after a run; Infinity for the last run. */
  endOfRun(run: PacketRun): number;
  /** The time of the packet at `position`, in microseconds since 1970. */
  timeAt(position: number, run: PacketRun): number;
  markAt(position: number): number;
  /** Marks the packet at `position`, with another mark than {@link UNMARKED}. */
  setMark(position: number, mark: number): void;
  /** Replaces all marks but {@link UNMARKED} by one. */
  unifyMarks(mark: number): void;
}

/** The later of two times, except that a clock that is set back is followed. */
export function latestOf(latestUs: number, timeUs: number): number {
  return timeUs > latestUs || timeUs < latestUs - MAX_DISORDER_US ? timeUs : latestUs;
}
