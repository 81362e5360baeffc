import { uint32At } from "../../bytes/little-endian.js";
import type { KeptPackets, PacketBlock } from "../../packet/kept-packets.js";
import { RECORD_CAPTURED_LENGTH, RECORD_HEADER_LENGTH } from "../../packet/record-header.js";
import { BlockSlots } from "./block-slots.js";
import { type CaptureRing, latestOf, MARK_UNIT, UNMARKED } from "./capture-ring.js";
import { type PacketRun, timeOf } from "./packet-runs.js";

/** A block of the ring: where its packets are, and what is known about them. */
interface RingBlock {
  /** The block of the source that holds the packets. */
  index: number;
  packets: number;
  /** The number of its packets without a mark. */
  unmarked: number;
  /** The offset of its oldest record. */
  first: number;
  /** The offset after its last record; undefined until it is framed. */
  end: number | undefined;
  /** The bytes in use. */
  bytes: number;
  firstUs: number;
  latestUs: number;
  /** Whether later packets are added to it. */
  readonly isOpen: boolean;
}

/** At most this part of a full ring expires early, because it would have to move otherwise. */
const EARLY_PART = 1 / 64;

/** The packets of a block that is fuller than this stay where they are; others are moved together. */
const FULL_PART = 3 / 4;

/**
 * The latest packets, in the blocks of memory that their source has written them to. Nothing is copied or even read of a
 * packet that no capture looks at, unless few packets arrive: the source delivers a block after some time, full or not, and
 * the packets of one that is not nearly full move behind those before, so that the ring does not fill with empty space.
 *
 * A packet has a position: the number of its block in the ring, times the length of a block, plus its offset in the block.
 * Which block of the source holds it may change.
 */
export class BlockRing implements CaptureRing {
  readonly bytes: Uint8Array;
  readonly isBorrowed = true;
  readonly #kept: KeptPackets;
  readonly #blockBytes: number;
  readonly #maxBlocks: number;
  readonly #slots: BlockSlots;
  /** The blocks in the ring; that with number n is at n modulo the length. */
  readonly #blocks: (RingBlock | undefined)[];
  readonly #marks: Uint8Array;
  readonly #run: PacketRun;
  readonly #onExpired: (unmarked: number) => void;
  /** The number of the oldest block, and of the next one. */
  #first = 0;
  #next = 0;
  #packets = 0;
  #usedBytes = 0;
  #latestUs = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  /** The block that was looked up last: its first position, and what to add to a position for the offset. */
  #foundAt = Number.NaN;
  #foundShift = 0;

  /**
   * @param capacity The maximum of bytes in the blocks; at least that of one block.
   * @param onExpired Receives the number of unmarked packets that expire.
   */
  constructor(kept: KeptPackets, capacity: number, onExpired: (unmarked: number) => void) {
    this.#kept = kept;
    this.bytes = kept.memory;
    this.#blockBytes = kept.blockBytes;
    this.#slots = new BlockSlots(kept);
    this.#maxBlocks = Math.min(Math.floor(capacity / kept.blockBytes), this.#slots.capacity);
    this.#blocks = new Array(this.#maxBlocks).fill(undefined);
    this.#marks = new Uint8Array(Math.ceil((this.#maxBlocks * kept.blockBytes) / MARK_UNIT));
    this.#run = {
      position: 0,
      format: kept.format,
      eraSeconds: 0,
      arrivalUs: undefined,
      comments: undefined,
    };
    this.#onExpired = onExpired;
  }

  get packets(): number {
    return this.#packets;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get latestUs(): number {
    return this.#latestUs;
  }

  get begin(): number {
    const oldest = this.#block(this.#first);
    return oldest === undefined ? this.end : this.#first * this.#blockBytes + oldest.first;
  }

  get end(): number {
    const last = this.#block(this.#next - 1);
    // No packets are added to a block that is not open, so that the next one begins another block.
    return last?.isOpen === true && last.end !== undefined
      ? (this.#next - 1) * this.#blockBytes + last.end
      : this.#next * this.#blockBytes;
  }

  get oldestUs(): number | undefined {
    const oldest = this.#block(this.#first);
    return oldest === undefined || oldest.end === undefined
      ? oldest?.firstUs
      : this.timeAt(this.begin, this.#run);
  }

  /** Whether the packets from `position` on stay when a block is appended. */
  keepsFrom(position: number, arrived: PacketBlock): boolean {
    return !this.#expiresFor(arrived) || position >= (this.#first + 1) * this.#blockBytes;
  }

  /** Appends the packets of a block that the source has just filled. Returns the position of the first. */
  append(arrived: PacketBlock): number {
    const isAdded = this.#fitsLast(arrived);
    if (this.#expiresFor(arrived)) this.#expireOldest();
    const position = isAdded ? this.#addToLast(arrived) : this.#beginBlock(arrived);
    this.#packets += arrived.length;
    this.#slots.advance(arrived.index, !isAdded, this.#move);
    return position;
  }

  /** The ring must not be read any more; its memory may be taken away. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#foundAt = Number.NaN;
    this.#kept.close();
  }

  expireOlder(timeUs: number, isExact: boolean): void {
    for (;;) {
      const oldest = this.#block(this.#first);
      if (oldest === undefined || (oldest.latestUs >= timeUs && oldest.firstUs >= timeUs)) return;
      if (oldest.end === undefined && isExact) this.#frame(oldest);
      if (oldest.latestUs < timeUs) this.#expireOldest();
      else if (oldest.end !== undefined && this.timeAt(this.begin, this.#run) < timeUs) {
        this.#expireFirst(oldest);
      } else return;
    }
  }

  firstFrom(position: number): number {
    // A capture that is aborted while its sink writes would read on.
    if (this.#isClosed) return Number.POSITIVE_INFINITY;
    if (position <= this.begin) return this.begin;
    const number = Math.floor(position / this.#blockBytes);
    const block = this.#block(number);
    if (block === undefined) return position;
    const offset = position - number * this.#blockBytes;
    if (offset < block.first) return number * this.#blockBytes + block.first;
    if (block.end === undefined || offset < block.end) return position;
    const next = this.#block(number + 1);
    if (next !== undefined) return (number + 1) * this.#blockBytes + next.first;
    return block.isOpen ? position : (number + 1) * this.#blockBytes;
  }

  next(position: number): number {
    return this.firstFrom(position + this.lengthAt(position));
  }

  offsetOf(position: number): number {
    const relative = position - this.#foundAt;
    if (!(relative >= 0 && relative < this.#blockBytes)) this.#find(position);
    return position + this.#foundShift;
  }

  lengthAt(position: number): number {
    return RECORD_HEADER_LENGTH + uint32At(this.bytes, this.offsetOf(position) + RECORD_CAPTURED_LENGTH);
  }

  runAt(_position: number): PacketRun {
    return this.#run;
  }

  endOfRun(_run: PacketRun): number {
    return Number.POSITIVE_INFINITY;
  }

  timeAt(position: number, run: PacketRun): number {
    return timeOf(this.bytes, this.offsetOf(position), run);
  }

  markAt(position: number): number {
    return this.#marks[this.#markIndex(position)]!;
  }

  setMark(position: number, mark: number): void {
    const index = this.#markIndex(position);
    const block = this.#block(Math.floor(position / this.#blockBytes));
    if (this.#marks[index] === UNMARKED && block !== undefined) block.unmarked--;
    this.#marks[index] = mark;
  }

  unifyMarks(mark: number): void {
    const marks = this.#marks;
    for (let index = 0; index < marks.length; index++) if (marks[index] !== UNMARKED) marks[index] = mark;
  }

  /** The mark moves with the position, not with the memory. */
  #markIndex(position: number): number {
    return Math.floor((position % (this.#maxBlocks * this.#blockBytes)) / MARK_UNIT);
  }

  /** The block with a number; undefined if it is not in the ring. */
  #block(number: number): RingBlock | undefined {
    return number >= this.#first && number < this.#next ? this.#blocks[number % this.#maxBlocks] : undefined;
  }

  #find(position: number): void {
    if (this.#isClosed) throw new TypeError("the memory of the ring has been released");
    const number = Math.floor(position / this.#blockBytes);
    const block = this.#block(number);
    if (block === undefined) throw new RangeError(`no packet at position ${position}`);
    this.#frame(block);
    this.#foundAt = number * this.#blockBytes;
    this.#foundShift = block.index * this.#blockBytes - this.#foundAt;
  }

  #frame(block: RingBlock): void {
    if (block.end !== undefined) return;
    const { recordsEnd, latestUs } = this.#kept.frame(block.index);
    block.end = recordsEnd;
    block.latestUs = latestUs;
    this.#usedBytes += recordsEnd - block.bytes;
    block.bytes = recordsEnd;
    this.#latestUs = latestOf(this.#latestUs, latestUs);
  }

  /** Whether the packets fit behind those of the last block. Their records are not longer than what they take in theirs. */
  #fitsLast({ bytes }: PacketBlock): boolean {
    const last = this.#block(this.#next - 1);
    if (last === undefined || !last.isOpen || last.end === undefined) return false;
    return (
      isSparse(bytes, this.#blockBytes) && last.end + bytes - this.#kept.recordsBegin <= this.#blockBytes
    );
  }

  /** Whether the oldest block expires when a block is appended: there is no space for another, or it would have to move. */
  #expiresFor(arrived: PacketBlock): boolean {
    const count = this.#next - this.#first;
    if (!this.#fitsLast(arrived)) return count === this.#maxBlocks;
    const isNearlyFull = count > Math.max(1, this.#maxBlocks - Math.floor(this.#maxBlocks * EARLY_PART));
    return isNearlyFull && this.#slots.ownerAhead(arrived.index) === this.#first;
  }

  #addToLast(arrived: PacketBlock): number {
    const number = this.#next - 1;
    const last = this.#block(number)!;
    const { recordsBegin } = this.#kept;
    const { recordsEnd, latestUs } =
      arrived.recordsEnd === undefined
        ? this.#kept.frame(arrived.index)
        : { recordsEnd: arrived.recordsEnd, latestUs: arrived.latestUs };
    const from = arrived.index * this.#blockBytes;
    const end = last.end!;
    this.bytes.copyWithin(last.index * this.#blockBytes + end, from + recordsBegin, from + recordsEnd);
    last.end = end + recordsEnd - recordsBegin;
    last.packets += arrived.length;
    last.unmarked += arrived.length;
    last.latestUs = Math.max(last.latestUs, latestUs);
    this.#usedBytes += last.end - last.bytes;
    last.bytes = last.end;
    this.#latestUs = latestOf(this.#latestUs, latestUs);
    return number * this.#blockBytes + end;
  }

  #beginBlock({ index, length, bytes, firstUs, latestUs, recordsEnd }: PacketBlock): number {
    const number = this.#next++;
    const first = this.#kept.recordsBegin;
    const isOpen = isSparse(bytes, this.#blockBytes);
    const counts = { packets: length, unmarked: length };
    const block: RingBlock = { index, ...counts, first, end: recordsEnd, bytes, firstUs, latestUs, isOpen };
    this.#blocks[number % this.#maxBlocks] = block;
    this.#slots.own(index, number);
    this.#usedBytes += bytes;
    this.#latestUs = latestOf(this.#latestUs, latestUs);
    if (isOpen) this.#frame(block);
    return number * this.#blockBytes + first;
  }

  readonly #move = (number: number, from: number, to: number): void => {
    const block = this.#block(number)!;
    this.#frame(block);
    const start = from * this.#blockBytes;
    const target = to * this.#blockBytes + block.first;
    this.bytes.copyWithin(target, start + block.first, start + block.end!);
    block.index = to;
    this.#foundAt = Number.NaN;
  };

  /** Lets the packets of the oldest block expire, and releases it. */
  #expireOldest(): void {
    const { index, packets, unmarked, bytes } = this.#block(this.#first)!;
    const start = this.#first * this.#blockBytes;
    if (unmarked < packets) {
      const mark = this.#markIndex(start);
      this.#marks.fill(UNMARKED, mark, mark + this.#blockBytes / MARK_UNIT);
    }
    this.#blocks[this.#first % this.#maxBlocks] = undefined;
    this.#first++;
    this.#foundAt = Number.NaN;
    this.#slots.release(index);
    this.#onExpired(unmarked);
    this.#packets -= packets;
    this.#usedBytes -= bytes;
  }

  /** Lets the first packet of the oldest block expire, which has others. */
  #expireFirst(oldest: RingBlock): void {
    const { begin } = this;
    const mark = this.#markIndex(begin);
    const isUnmarked = this.#marks[mark] === UNMARKED;
    this.#marks[mark] = UNMARKED;
    oldest.first += this.lengthAt(begin);
    oldest.firstUs = this.timeAt(this.begin, this.#run);
    oldest.packets--;
    if (isUnmarked) oldest.unmarked--;
    this.#packets--;
    this.#onExpired(isUnmarked ? 1 : 0);
  }
}

/** Whether a block is not nearly full. */
function isSparse(bytes: number, blockBytes: number): boolean {
  return bytes < blockBytes * FULL_PART;
}
