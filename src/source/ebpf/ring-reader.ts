import { type PacketBatch, type PacketFormat, RECORD_HEADER_LENGTH } from "../../packet/batch.js";
import { checkAttached, markReused } from "../native/reused-memory.js";
import {
  BYTE_COUNT_BITS,
  CLOCK_OFFSET,
  HEAD,
  LOST,
  RECORD_COUNT_BITS,
  type RingLayout,
  SLEEPING,
  SLOT_LAP_BITS,
  SLOT_LENGTH_BITS,
  TAIL,
} from "./ring-layout.js";

/**
 * Maximum packets and approximate maximum bytes of a batch: small enough for the cache, and to leave most of the ring
 * to new packets.
 */
const BATCH_PACKETS = 16_384;
const BATCH_BYTES = 1024 * 1024;

const COUNT_LIMIT = 2 ** BYTE_COUNT_BITS;
const RECORDS_MASK = 2 ** RECORD_COUNT_BITS - 1;
const LAP_MASK = 2 ** SLOT_LAP_BITS - 1;
const LENGTH_MASK = 2 ** SLOT_LENGTH_BITS - 1;

/**
 * Reads batches from the ring without copying: they refer to the ring's memory and are only valid until
 * {@link RingReader.release}. See ring-layout.ts.
 */
export class RingReader {
  readonly #layout: RingLayout;
  readonly #format: PacketFormat;
  readonly #records: Uint8Array;
  readonly #slots: Int32Array;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #offsets = markReused(new Uint32Array(BATCH_PACKETS));
  readonly #slotBits: number;
  /** The next value of TAIL, after the current batch is released: bytes, and records. */
  #tailBytes: number;
  #tailRecords: number;
  #yielded = false;
  #cut = false;

  /**
   * @param memory Starts with the map's value, which must be unused.
   * @param batchMemory Another buffer over the same bytes, which batches refer to, as a caller may detach it.
   * @param readBytes Initial byte count, as if that many bytes had been read; for tests.
   */
  constructor(
    memory: ArrayBuffer,
    batchMemory: ArrayBuffer,
    layout: RingLayout,
    format: PacketFormat,
    readBytes = 0,
  ) {
    this.#layout = layout;
    this.#format = format;
    this.#records = new Uint8Array(batchMemory);
    this.#slots = new Int32Array(memory, layout.slotsAt, layout.slots);
    this.#words = new Int32Array(memory, 0, layout.slotsAt / 4);
    this.#longs = new BigInt64Array(memory, 0, layout.slotsAt / 8);
    this.#slotBits = Math.log2(layout.slots);
    // Slots start as 0, which is lap 0, so the first records belong to lap 1.
    this.#tailRecords = layout.slots & RECORDS_MASK;
    this.#tailBytes = readBytes;
    Atomics.store(this.#longs, TAIL / 8, this.#tail);
    Atomics.store(this.#longs, HEAD / 8, this.#tail);
  }

  /** Whether a record is available. */
  get ready(): boolean {
    return this.#isDone(this.#tailRecords);
  }

  /**
   * Whether the last batch reached the batch limits or the end of the data area, so that more may be available
   * immediately.
   */
  get cut(): boolean {
    return this.#cut;
  }

  /** Number of matching packets so far for which there was no space. */
  get lost(): number {
    return Number(Atomics.load(this.#longs, LOST / 8));
  }

  set clockOffset(nanoseconds: bigint) {
    Atomics.store(this.#longs, CLOCK_OFFSET / 8, nanoseconds);
  }

  /** Whether the next record wakes the reader. Set it, check {@link ready} once more, and then sleep. */
  set sleeping(sleeping: boolean) {
    Atomics.store(this.#words, SLEEPING / 4, sleeping ? 1 : 0);
  }

  /**
   * Returns the oldest complete records; undefined if there are none. Releases the previous batch.
   *
   * @throws TypeError if the buffer of the previous batch has been transferred.
   */
  read(): PacketBatch | undefined {
    this.release();
    checkAttached(this.#records);
    checkAttached(this.#offsets);
    const { dataBytes, slots, dataAt } = this.#layout;
    const start = this.#tailBytes % dataBytes;
    const end = Math.min(dataBytes, start + BATCH_BYTES);
    let at = start;
    let records = this.#tailRecords;
    let length = 0;
    while (length < BATCH_PACKETS && at < end) {
      const slot = Atomics.load(this.#slots, records & (slots - 1));
      if (slot >>> SLOT_LENGTH_BITS !== ((records >>> this.#slotBits) & LAP_MASK)) break;
      this.#offsets[length++] = at - start;
      const size = RECORD_HEADER_LENGTH + (slot & LENGTH_MASK);
      at += size;
      this.#tailBytes += size;
      records++;
      if (this.#tailBytes >= COUNT_LIMIT) {
        // The byte count has overflowed into the record count.
        this.#tailBytes -= COUNT_LIMIT;
        records++;
      }
      records &= RECORDS_MASK;
    }
    this.#cut = length === BATCH_PACKETS || at >= end;
    if (length === 0) return undefined;
    this.#tailRecords = records;
    this.#yielded = true;
    return {
      format: this.#format,
      length,
      records: this.#records.subarray(dataAt + start, dataAt + at),
      offsets: this.#offsets,
    };
  }

  /** Releases the current batch: its memory becomes available for new records. */
  release(): void {
    if (!this.#yielded) return;
    this.#yielded = false;
    Atomics.store(this.#longs, TAIL / 8, this.#tail);
  }

  get #tail(): bigint {
    return (BigInt(this.#tailRecords) << BigInt(BYTE_COUNT_BITS)) | BigInt(this.#tailBytes);
  }

  #isDone(records: number): boolean {
    const slot = Atomics.load(this.#slots, records & (this.#layout.slots - 1));
    return slot >>> SLOT_LENGTH_BITS === ((records >>> this.#slotBits) & LAP_MASK);
  }
}
