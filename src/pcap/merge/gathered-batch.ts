import { copyBytes } from "../../bytes/copy-bytes.js";
import { type PacketBatch, type PacketFormat, recordEnd } from "../../packet/batch.js";
import { batchOf } from "../batch-assembly.js";

/** Size in bytes of a batch that collects packets of several sources; a larger packet gets its own batch. */
const GATHERED_BYTES = 256 * 1024;

/** A batch that collects copies of packets of one interface. */
export class GatheredBatch {
  #records = new Uint8Array(GATHERED_BYTES);
  #offsets = new Uint32Array(4096);
  #comments: Map<number, readonly string[]> | undefined;
  #bytes = 0;
  #length = 0;
  #format: PacketFormat | undefined;
  #untimed = false;
  #eraSeconds = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  clear(): void {
    this.#bytes = 0;
    this.#length = 0;
    this.#comments = undefined;
  }

  /** Whether packets of a batch can be added to this one. */
  accepts({ untimed = false, eraSeconds = 0 }: PacketBatch, format: PacketFormat): boolean {
    if (this.isEmpty) return true;
    return format === this.#format && untimed === this.#untimed && eraSeconds === this.#eraSeconds;
  }

  /** Adds packets until it is full, at least one if it was empty. Returns the index of the first packet not added. */
  append(batch: PacketBatch, format: PacketFormat, from: number, to: number): number {
    const { records, offsets, comments, untimed = false, eraSeconds = 0 } = batch;
    this.#format = format;
    this.#untimed = untimed;
    this.#eraSeconds = eraSeconds;
    const start = offsets[from]!;
    let end = from;
    while (end < to && this.#bytes + recordEnd(batch, end) - start <= this.#records.length) end++;
    if (end === from && this.isEmpty) {
      end++;
      this.#records = new Uint8Array(recordEnd(batch, from) - start);
    }
    if (end === from) return end;
    this.#reserveOffsets(this.#length + end - from);
    for (let index = from; index < end; index++) {
      const own = comments?.get(index);
      if (own !== undefined) {
        this.#comments ??= new Map();
        this.#comments.set(this.#length, own);
      }
      this.#offsets[this.#length++] = this.#bytes + (offsets[index]! - start);
    }
    const stop = recordEnd(batch, end - 1);
    copyBytes(this.#records, this.#bytes, records, start, stop);
    this.#bytes += stop - start;
    return end;
  }

  /** Returns the batch, valid until {@link clear}. */
  toBatch(): PacketBatch {
    return batchOf(
      // Set by the first packet; an empty batch is not yielded.
      this.#format!,
      this.#length,
      this.#records.subarray(0, this.#bytes),
      this.#offsets,
      this.#comments,
      this.#untimed,
      this.#eraSeconds,
    );
  }

  #reserveOffsets(length: number): void {
    if (length <= this.#offsets.length) return;
    // Bounded: the number of records that fit in the batch limits it.
    const larger = new Uint32Array(Math.max(length, 2 * this.#offsets.length));
    larger.set(this.#offsets.subarray(0, this.#length));
    this.#offsets = larger;
  }
}
