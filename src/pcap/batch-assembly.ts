import { CHUNK_BYTES } from "../bytes/byte-input.js";
import type { PacketBatch, PacketFormat } from "../packet/batch.js";
import { RECORD_HEADER_LENGTH } from "../packet/record-header.js";
import { BLOCK_OVERHEAD } from "./pcapng/format.js";

/**
 * Collects the records of one batch in the input buffer. A decoder reuses one assembly for all batches, because a
 * capture with tens of thousands of interfaces has as many batches.
 */
export class BatchAssembly {
  readonly #offsets = new Uint32Array(CHUNK_BYTES / BLOCK_OVERHEAD);
  #start = 0;
  #end = 0;
  #format: PacketFormat | undefined;
  #untimed = false;
  #eraSeconds = 0;
  #comments: Map<number, readonly string[]> | undefined;
  /** Number of packets in the batch. */
  length = 0;

  /** Begins a batch whose first record will be at offset `start` of the input buffer. */
  begin(start: number): void {
    this.#start = start;
    this.#end = start;
    this.#format = undefined;
    this.#comments = undefined;
    this.length = 0;
  }

  /** Whether a packet fits this batch; the first one sets the format, the era and whether packets have times. */
  accepts(format: PacketFormat, timed: boolean, eraSeconds: number): boolean {
    if (this.length === 0) {
      this.#format = format;
      this.#untimed = !timed;
      this.#eraSeconds = eraSeconds;
      return true;
    }
    return (
      format === this.#format &&
      timed !== this.#untimed &&
      eraSeconds === this.#eraSeconds &&
      this.length < this.#offsets.length
    );
  }

  /** Reserves the bytes of a record and returns its offset in the input buffer. */
  add(captured: number, comments: readonly string[] | undefined): number {
    if (comments !== undefined) {
      this.#comments ??= new Map();
      this.#comments.set(this.length, comments);
    }
    const at = this.#end;
    this.#offsets[this.length++] = at - this.#start;
    this.#end += RECORD_HEADER_LENGTH + captured;
    return at;
  }

  /** Returns the batch, valid until the next one begins; undefined if it is empty. */
  finish(inputBytes: Uint8Array): PacketBatch | undefined {
    if (this.#format === undefined || this.length === 0) return undefined;
    return batchOf(
      this.#format,
      this.length,
      inputBytes.subarray(this.#start, this.#end),
      this.#offsets,
      this.#comments,
      this.#untimed,
      this.#eraSeconds,
    );
  }
}

/** A batch that has its optional fields only where they are needed. */
export function batchOf(
  format: PacketFormat,
  length: number,
  records: Uint8Array,
  offsets: Uint32Array,
  comments: ReadonlyMap<number, readonly string[]> | undefined,
  untimed: boolean,
  eraSeconds: number,
): PacketBatch {
  const plain = { format, length, records, offsets };
  // Fast path for nearly every batch: three spreads cost as much as reading a packet.
  if (comments === undefined && !untimed && eraSeconds === 0) return plain;
  return {
    ...plain,
    ...(comments !== undefined && { comments }),
    ...(untimed && { untimed }),
    ...(eraSeconds !== 0 && { eraSeconds }),
  };
}
