import { uint32At } from "../../bytes/little-endian.js";
import type { PacketBatch } from "../../packet/batch.js";
import { RECORD_CAPTURED_LENGTH, RECORD_HEADER_LENGTH } from "../../packet/record-header.js";
import { type PacketRun, RunList, timeOf } from "./packet-runs.js";

/** Records start at least this many bytes apart, so that each has an entry of its own in a table with this unit. */
const MARK_UNIT = RECORD_HEADER_LENGTH;
/** The mark of packets that no capture wanted. */
export const UNMARKED = 0;

/**
 * The latest packets, as records in one buffer that is allocated once. Packets enter and leave in their order of
 * arrival: if a packet needs the space, the oldest ones expire.
 *
 * A packet has a position, which grows by the length of every record. Position modulo capacity is its offset in the
 * buffer; a record that does not fit before the end of the buffer starts at the next multiple of the capacity.
 *
 * Changes of format and packet comments are held beside the buffer, and count as bytes of the ring.
 */
export class PacketRing {
  readonly capacity: number;
  readonly bytes: Uint8Array;
  readonly #runs = new RunList();
  readonly #marks: Uint8Array;
  readonly #onExpired: (mark: number) => void;
  #begin = 0;
  #end = 0;
  /** Where the last records before the end of the buffer end; the bytes up to the multiple of the capacity are unused. */
  #padding = -1;
  #packets = 0;
  #latestUs = Number.NEGATIVE_INFINITY;

  /**
   * @param capacity In bytes, with 16 bytes for the header of each packet.
   * @param onExpired Receives the mark of each packet that expires.
   */
  constructor(capacity: number, onExpired: (mark: number) => void) {
    this.capacity = capacity;
    this.bytes = new Uint8Array(capacity);
    this.#marks = new Uint8Array(Math.floor(capacity / MARK_UNIT) + 1);
    this.#onExpired = onExpired;
  }

  get packets(): number {
    return this.#packets;
  }

  /** The position of the oldest packet; {@link end} if there are no packets. */
  get begin(): number {
    return this.#begin;
  }

  /** The position of the next packet to arrive, unless it is moved to the start of the buffer. */
  get end(): number {
    return this.#end;
  }

  /** The bytes in use. */
  get usedBytes(): number {
    return this.#end - this.#begin + this.#runs.bytes;
  }

  /** The latest time of all packets that have arrived, in microseconds since 1970; -Infinity before the first one. */
  get latestUs(): number {
    return this.#latestUs;
  }

  /** The time of the oldest packet, in microseconds since 1970; undefined if there are no packets. */
  get oldestUs(): number | undefined {
    return this.#packets === 0 ? undefined : this.timeAt(this.#begin, this.#runs.at(this.#begin));
  }

  /** The number of packets of the batch, from `index` on, that {@link append} would add at once; 0 if one is too large. */
  countFitting(batch: PacketBatch, index: number): number {
    const { offsets, length, records } = batch;
    const first = offsets[index]!;
    const tail = this.#end % this.capacity;
    const sizeOf = (to: number) => (to < length ? offsets[to]! : records.length) - first;
    const space = sizeOf(index + 1) <= this.capacity - tail ? this.capacity - tail : this.capacity;
    if (sizeOf(length) <= space) return length - index;
    let low = index;
    let high = length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (sizeOf(middle) <= space) low = middle;
      else high = middle;
    }
    return low - index;
  }

  /** Whether the packets from `position` on stay when the next `count` packets of the batch are appended. */
  keepsFrom(position: number, batch: PacketBatch, index: number, count: number): boolean {
    return this.#beginAfter(batch, index, count) <= position;
  }

  /**
   * Appends packets that {@link countFitting} has counted. Returns the position of the first.
   *
   * @param arrivalUs The time of packets without one, in microseconds since 1970.
   */
  append(batch: PacketBatch, index: number, count: number, arrivalUs: number): number {
    const size = this.#sizeOf(batch, index, count);
    const at = this.#target(size);
    const begin = this.#beginAfter(batch, index, count);
    // Expired before the bytes are overwritten, because the lengths of the records lead from one to the next.
    this.#expireWhile(() => this.#begin < begin);
    if (at !== this.#end) this.#padding = this.#end;
    if (this.#packets === 0) this.#begin = at;
    const first = batch.offsets[index]!;
    this.bytes.set(batch.records.subarray(first, first + size), at % this.capacity);
    this.#runs.add(batch, index, count, at, arrivalUs);
    this.#packets += count;
    this.#end = at + size;
    this.#noteTimes(at);
    return at;
  }

  /** Lets packets expire that are older than `timeUs`, up to the first that is not. */
  expireOlder(timeUs: number): void {
    this.#expireWhile(() => this.timeAt(this.#begin, this.#runs.at(this.#begin)) < timeUs);
  }

  /**
   * The position of the first packet at or after `position`, which is that of a packet or was {@link end} once; the
   * result is {@link end} if there is no such packet yet.
   */
  firstFrom(position: number): number {
    if (position < this.#begin) return this.#begin;
    return position === this.#padding && position !== this.#end ? this.#nextLap(position) : position;
  }

  /** The position after the record at `position`. */
  next(position: number): number {
    const after = position + this.lengthAt(position);
    return after === this.#padding ? this.#nextLap(after) : after;
  }

  /** The length of the record at `position`, with its header. */
  lengthAt(position: number): number {
    return RECORD_HEADER_LENGTH + uint32At(this.bytes, (position % this.capacity) + RECORD_CAPTURED_LENGTH);
  }

  /** The run of packets of one format to which the packet at `position` belongs. */
  runAt(position: number): PacketRun {
    return this.#runs.at(position);
  }

  /** The position of the first packet after a run; Infinity for the last run. */
  endOfRun(run: PacketRun): number {
    return this.#runs.endOf(run);
  }

  /** The time of the packet at `position`, in microseconds since 1970. */
  timeAt(position: number, run: PacketRun): number {
    return timeOf(this.bytes, position % this.capacity, run);
  }

  markAt(position: number): number {
    return this.#marks[this.#markIndex(position)]!;
  }

  setMark(position: number, mark: number): void {
    this.#marks[this.#markIndex(position)] = mark;
  }

  /** Replaces the marks of all packets. */
  changeMarks(change: (mark: number) => number): void {
    for (let index = 0; index < this.#marks.length; index++) this.#marks[index] = change(this.#marks[index]!);
  }

  #markIndex(position: number): number {
    return Math.floor((position % this.capacity) / MARK_UNIT);
  }

  #sizeOf({ offsets, length, records }: PacketBatch, index: number, count: number): number {
    return (index + count < length ? offsets[index + count]! : records.length) - offsets[index]!;
  }

  /** The position before which packets expire when packets of a batch are appended. */
  #beginAfter(batch: PacketBatch, index: number, count: number): number {
    const size = this.#sizeOf(batch, index, count);
    return (
      this.#target(size) + size + this.#runs.bytes + this.#runs.costOf(batch, index, count) - this.capacity
    );
  }

  /** The position where `size` bytes fit without a gap. */
  #target(size: number): number {
    return (this.#end % this.capacity) + size <= this.capacity ? this.#end : this.#nextLap(this.#end);
  }

  #nextLap(position: number): number {
    return Math.ceil(position / this.capacity) * this.capacity;
  }

  #noteTimes(from: number): void {
    const run = this.#runs.at(from);
    for (let position = from; position < this.#end; position += this.lengthAt(position)) {
      const timeUs = this.timeAt(position, run);
      if (timeUs > this.#latestUs) this.#latestUs = timeUs;
    }
  }

  #expireWhile(needed: () => boolean): void {
    while (this.#packets > 0 && needed()) {
      const next = this.next(this.#begin);
      this.#onExpired(this.markAt(this.#begin));
      this.setMark(this.#begin, UNMARKED);
      this.#packets--;
      this.#begin = next;
      this.#runs.removeBefore(next);
    }
  }
}
