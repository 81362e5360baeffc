import { uint32At } from "../../bytes/little-endian.js";
import type { PacketBatch } from "../../packet/batch.js";
import { RECORD_CAPTURED_LENGTH, RECORD_HEADER_LENGTH } from "../../packet/record-header.js";
import { type CaptureRing, latestOf, MARK_UNIT, UNMARKED } from "./capture-ring.js";
import { PacketGroups } from "./packet-groups.js";
import { type PacketRun, RunList, timeOf } from "./packet-runs.js";

/**
 * Packets expire in groups of at most this part of the ring: to read the length of each packet would be slow, as its
 * memory has long left the processor's cache.
 */
const GROUPS = 64;

/**
 * The latest packets, as records in one buffer that is allocated once. Packets enter and leave in their order of
 * arrival: if a packet needs the space, the oldest ones expire.
 *
 * A packet has a position, which grows by the length of every record. Position modulo capacity is its offset in the
 * buffer; a record that does not fit before the end of the buffer starts at the next multiple of the capacity.
 *
 * Changes of format and packet comments are held beside the buffer, and count as bytes of the ring.
 */
export class PacketRing implements CaptureRing {
  readonly capacity: number;
  readonly bytes: Uint8Array;
  readonly isBorrowed = false;
  readonly #runs = new RunList();
  readonly #groups: PacketGroups;
  readonly #marks: Uint8Array;
  readonly #onExpired: (unmarked: number) => void;
  #begin = 0;
  #end = 0;
  /** Where the last records before the end of the buffer end; the bytes up to the multiple of the capacity are unused. */
  #padding = -1;
  #packets = 0;
  #latestUs = Number.NEGATIVE_INFINITY;

  /**
   * @param capacity In bytes, with 16 bytes for the header of each packet.
   * @param onExpired Receives the number of unmarked packets that expire.
   */
  constructor(capacity: number, onExpired: (unmarked: number) => void) {
    this.capacity = capacity;
    this.#groups = new PacketGroups(capacity / GROUPS);
    this.bytes = new Uint8Array(capacity);
    this.#marks = new Uint8Array(Math.floor(capacity / MARK_UNIT) + 1);
    this.#onExpired = onExpired;
  }

  get packets(): number {
    return this.#packets;
  }

  get begin(): number {
    return this.#begin;
  }

  /** The position of the next packet to arrive, unless it is moved to the start of the buffer. */
  get end(): number {
    return this.#end;
  }

  get usedBytes(): number {
    return this.#end - this.#begin + this.#runs.bytes;
  }

  get latestUs(): number {
    return this.#latestUs;
  }

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
    const begin = this.#beginAfter(batch, index, count);
    if (this.#packets === 0) return true;
    return begin <= this.#begin || (begin <= position && this.#groups.at(begin - 1).end <= position);
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
    while (this.#packets > 0 && this.#begin < begin) this.#expireOldest();
    if (at !== this.#end) this.#padding = this.#end;
    if (this.#packets === 0) this.#begin = at;
    const first = batch.offsets[index]!;
    this.bytes.set(batch.records.subarray(first, first + size), at % this.capacity);
    this.#runs.add(batch, index, count, at, arrivalUs);
    this.#packets += count;
    this.#end = at + size;
    this.#addToGroups(batch, index, count, at);
    return at;
  }

  /**
   * Appends all packets of a batch, except those that are larger than the ring.
   *
   * @param onAppended Called after each part of the batch, with the position of its first packet.
   */
  appendAll(
    batch: PacketBatch,
    arrivalUs: number,
    onAppended?: (index: number, count: number, position: number) => void,
  ): void {
    for (let index = 0; index < batch.length; ) {
      const count = this.countFitting(batch, index);
      if (count > 0) {
        const position = this.append(batch, index, count, arrivalUs);
        onAppended?.(index, count, position);
      }
      index += Math.max(1, count);
    }
  }

  expireOlder(timeUs: number): void {
    while (this.#packets > 0) {
      if (this.#groups.oldest!.latestUs < timeUs) this.#expireOldest();
      else if (this.timeAt(this.#begin, this.#runs.at(this.#begin)) < timeUs) this.#expireFirst();
      else return;
    }
  }

  firstFrom(position: number): number {
    if (position < this.#begin) return this.#begin;
    return position === this.#padding && position !== this.#end ? this.#nextLap(position) : position;
  }

  next(position: number): number {
    const after = position + this.lengthAt(position);
    return after === this.#padding ? this.#nextLap(after) : after;
  }

  offsetOf(position: number): number {
    return position % this.capacity;
  }

  lengthAt(position: number): number {
    return RECORD_HEADER_LENGTH + uint32At(this.bytes, this.offsetOf(position) + RECORD_CAPTURED_LENGTH);
  }

  runAt(position: number): PacketRun {
    return this.#runs.at(position);
  }

  endOfRun(run: PacketRun): number {
    return this.#runs.endOf(run);
  }

  timeAt(position: number, run: PacketRun): number {
    return timeOf(this.bytes, position % this.capacity, run);
  }

  markAt(position: number): number {
    return this.#marks[this.#markIndex(position)]!;
  }

  setMark(position: number, mark: number): void {
    const index = this.#markIndex(position);
    if (this.#marks[index] === UNMARKED) this.#groups.at(position).unmarked--;
    this.#marks[index] = mark;
  }

  unifyMarks(mark: number): void {
    const marks = this.#marks;
    for (let index = 0; index < marks.length; index++) if (marks[index] !== UNMARKED) marks[index] = mark;
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

  #addToGroups(batch: PacketBatch, index: number, count: number, at: number): void {
    const { offsets, records } = batch;
    const run = this.#runs.at(at);
    const shift = at - offsets[index]!;
    let latestUs = Number.NEGATIVE_INFINITY;
    if (at % this.capacity === 0) this.#groups.begin();
    for (let packet = index; packet < index + count; packet++) {
      const offset = offsets[packet]!;
      const timeUs = timeOf(records, offset, run);
      if (timeUs > latestUs) latestUs = timeUs;
      const length = RECORD_HEADER_LENGTH + uint32At(records, offset + RECORD_CAPTURED_LENGTH);
      this.#groups.add(shift + offset, shift + offset + length, timeUs);
    }
    this.#latestUs = latestOf(this.#latestUs, latestUs);
  }

  /** Lets the oldest group expire. */
  #expireOldest(): void {
    const { begin, end, packets, unmarked } = this.#groups.oldest!;
    if (unmarked < packets) {
      this.#marks.fill(UNMARKED, this.#markIndex(begin), this.#markIndex(end - MARK_UNIT) + 1);
    }
    this.#groups.removeOldest();
    this.#onExpired(unmarked);
    this.#packets -= packets;
    this.#moveBegin(this.#groups.oldest?.begin ?? end);
  }

  /** Lets the first packet of the oldest group expire, which has others. */
  #expireFirst(): void {
    const group = this.#groups.oldest!;
    const index = this.#markIndex(group.begin);
    const isUnmarked = this.#marks[index] === UNMARKED;
    if (!isUnmarked) this.#marks[index] = UNMARKED;
    group.begin += this.lengthAt(group.begin);
    group.packets--;
    if (isUnmarked) group.unmarked--;
    this.#onExpired(isUnmarked ? 1 : 0);
    this.#packets--;
    this.#moveBegin(group.begin);
  }

  #moveBegin(position: number): void {
    this.#begin = position;
    this.#runs.removeBefore(position);
  }
}
