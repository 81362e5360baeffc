import { copyBytes } from "../../bytes/copy-bytes.js";
import { type PacketBatch, type PacketFormat, recordEnd } from "../../packet/batch.js";
import { PartsCollector, partsInRange, type SideBlock } from "../../packet/side-blocks.js";
import { batchOf, NO_FORMAT } from "../batch-assembly.js";

/** Size in bytes of a batch that collects packets of several sources; a larger packet gets its own batch. */
const GATHERED_BYTES = 256 * 1024;

/** A batch that collects copies of packets of one interface. */
export class GatheredBatch {
  #records = new Uint8Array(GATHERED_BYTES);
  #offsets = new Uint32Array(4096);
  #comments: Map<number, readonly string[]> | undefined;
  readonly #parts = new PartsCollector();
  #bytes = 0;
  #length = 0;
  #format: PacketFormat | undefined;
  #untimed = false;
  #eraSeconds = 0;

  get isEmpty(): boolean {
    return this.#length === 0 && !this.#parts.hasBlocks;
  }

  clear(): void {
    this.#bytes = 0;
    this.#length = 0;
    this.#comments = undefined;
    this.#parts.clear();
  }

  /** Whether packets of a batch can be added to this one. */
  accepts({ untimed = false, eraSeconds = 0 }: PacketBatch, format: PacketFormat): boolean {
    if (this.#parts.isFullOfBlocks) return false;
    if (this.#length === 0) return true;
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
    if (end === from && this.#length === 0) {
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
      const options = batch.pcapng?.options?.get(index);
      if (options !== undefined) this.#parts.addOptions(this.#length, options);
      this.#offsets[this.#length++] = this.#bytes + (offsets[index]! - start);
    }
    this.addBlocks(partsInRange(batch, from, end).pcapng?.blocks, this.#length - (end - from));
    const stop = recordEnd(batch, end - 1);
    copyBytes(this.#records, this.#bytes, records, start, stop);
    this.#bytes += stop - start;
    return end;
  }

  /** @param after Number of packets of this batch that precede the packets of the blocks' own batch. */
  addBlocks(blocks: readonly SideBlock[] = [], after = this.#length): void {
    for (const block of blocks) this.#parts.addBlock({ ...block, before: after + block.before });
  }

  /** Returns the batch, valid until {@link clear}. */
  toBatch(): PacketBatch {
    return batchOf(
      this.#format ?? NO_FORMAT,
      this.#length,
      this.#records.subarray(0, this.#bytes),
      this.#offsets,
      this.#comments,
      this.#untimed,
      this.#eraSeconds,
      this.#parts.parts(),
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
