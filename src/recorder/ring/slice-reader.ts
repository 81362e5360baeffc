import type { PacketBatch } from "../../packet/batch.js";
import { RECORD_HEADER_LENGTH } from "../../packet/record-header.js";
import type { CaptureRing } from "./capture-ring.js";
import type { PacketRun } from "./packet-runs.js";

/** The maximum of bytes that a slice covers, unless a single packet is larger. */
const SLICE_BYTES = 1024 * 1024;

/** Selects a packet of the ring: its position and its run. */
export type SelectPacket = (position: number, run: PacketRun) => boolean;

/** Part of the ring. */
export interface RingSlice {
  /** The selected packets, valid until the ring changes or the next slice is read; undefined if no packet is selected. */
  readonly batch: PacketBatch | undefined;
  /** The position after the slice. */
  readonly end: number;
}

/** Reads the ring as batches of selected packets. */
export class SliceReader {
  readonly #ring: CaptureRing;
  #offsets = new Uint32Array(1024);
  /** Copies of selected packets that do not follow one another. */
  #copies = new Uint8Array(0);

  constructor(ring: CaptureRing) {
    this.#ring = ring;
  }

  /** Reads from a position on, before `limit`: packets of one format that lie one after the other in memory. */
  read(from: number, limit: number, select: SelectPacket): RingSlice {
    const ring = this.#ring;
    const run = ring.runAt(from);
    const runEnd = Math.min(limit, ring.endOfRun(run));
    let comments: Map<number, readonly string[]> | undefined;
    let count = 0;
    let size = 0;
    let begin = from;
    let isContiguous = !ring.isBorrowed;
    let position = from;
    for (let covered = 0; position < runEnd && (covered === 0 || covered < SLICE_BYTES); ) {
      const length = ring.lengthAt(position);
      const at = ring.offsetOf(position);
      if (select(position, run)) {
        if (count === 0) begin = position;
        else if (isContiguous && position !== begin + size) {
          isContiguous = false;
          this.#copy(begin, 0, size);
        }
        if (!isContiguous) this.#copy(position, size, length);
        this.#setOffset(count, size);
        const texts = run.comments?.get(position);
        if (texts !== undefined) {
          comments ??= new Map();
          comments.set(count, texts);
        }
        count++;
        size += length;
      }
      covered += length;
      const next = ring.next(position);
      const isAdjacent = next < runEnd && ring.offsetOf(next) === at + length;
      position = next;
      if (!isAdjacent) break;
    }
    if (count === 0) return { batch: undefined, end: position };
    const at = ring.offsetOf(begin);
    const batch: PacketBatch = {
      format: run.format,
      length: count,
      records: isContiguous ? ring.bytes.subarray(at, at + size) : this.#copies.subarray(0, size),
      offsets: this.#offsets,
      ...(comments !== undefined && { comments }),
      ...(run.arrivalUs !== undefined && { untimed: true }),
      ...(run.eraSeconds !== 0 && { eraSeconds: run.eraSeconds }),
    };
    return { batch, end: position };
  }

  #copy(position: number, to: number, length: number): void {
    if (this.#copies.length < to + length) {
      const larger = new Uint8Array(Math.max(2 * (to + length), SLICE_BYTES));
      larger.set(this.#copies.subarray(0, to));
      this.#copies = larger;
    }
    const at = this.#ring.offsetOf(position);
    this.#copies.set(this.#ring.bytes.subarray(at, at + length), to);
  }

  #setOffset(index: number, offset: number): void {
    if (index >= this.#offsets.length) {
      const larger = new Uint32Array(2 * this.#offsets.length);
      larger.set(this.#offsets);
      this.#offsets = larger;
    }
    this.#offsets[index] = offset;
  }
}

/** The offset of the captured bytes of the record at `position`. */
export function packetStart(ring: CaptureRing, position: number): number {
  return ring.offsetOf(position) + RECORD_HEADER_LENGTH;
}
