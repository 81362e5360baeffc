import { CHUNK_BYTES } from "../bytes/byte-input.js";
import type { PacketBatch, PacketFormat } from "../packet/batch.js";
import { LINKTYPE_ETHERNET, MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import { RECORD_HEADER_LENGTH } from "../packet/record-header.js";
import { PartsCollector, type PcapngParts, type SideBlock } from "../packet/side-blocks.js";
import { BLOCK_OVERHEAD } from "./pcapng/format.js";

/** The format of a batch without packets, if no interface is known. */
export const NO_FORMAT: PacketFormat = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: MAX_CAPTURED_LENGTH,
  interfaceId: 0,
};

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
  readonly #parts = new PartsCollector();
  /** Number of packets in the batch. */
  length = 0;

  /**
   * Begins a batch whose first record will be at offset `start` of the input buffer. Side blocks that were added since the
   * last batch was finished belong to it.
   */
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

  /** Whether the batch has neither packets nor side blocks. */
  get isEmpty(): boolean {
    return this.length === 0 && !this.#parts.hasBlocks;
  }

  /** Whether the batch must be finished before another side block is added: blocks are not part of the input buffer. */
  get isFullOfBlocks(): boolean {
    return this.#parts.isFullOfBlocks;
  }

  addBlock(block: SideBlock): void {
    this.#parts.addBlock(block);
  }

  /**
   * Reserves the bytes of a record and returns its offset in the input buffer.
   *
   * @param options The encoded options besides comments.
   */
  add(captured: number, comments: readonly string[] | undefined, options: Uint8Array | undefined): number {
    if (options !== undefined) this.#parts.addOptions(this.length, options);
    if (comments !== undefined) {
      this.#comments ??= new Map();
      this.#comments.set(this.length, comments);
    }
    const at = this.#end;
    this.#offsets[this.length++] = at - this.#start;
    this.#end += RECORD_HEADER_LENGTH + captured;
    return at;
  }

  /**
   * Returns the batch, valid until the next one begins; undefined if it is empty.
   *
   * @param format The format of a batch that has side blocks only.
   */
  finish(inputBytes: Uint8Array, format: PacketFormat = NO_FORMAT): PacketBatch | undefined {
    if (this.isEmpty) return undefined;
    const parts = this.#parts.parts();
    this.#parts.clear();
    return batchOf(
      this.#format ?? format,
      this.length,
      inputBytes.subarray(this.#start, this.#end),
      this.#offsets,
      this.#comments,
      this.#untimed,
      this.#eraSeconds,
      parts,
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
  pcapng: PcapngParts | undefined,
): PacketBatch {
  const plain = { format, length, records, offsets };
  // Fast path for nearly every batch: four spreads cost as much as reading a packet.
  if (comments === undefined && !untimed && eraSeconds === 0 && pcapng === undefined) return plain;
  return {
    ...plain,
    ...(comments !== undefined && { comments }),
    ...(untimed && { untimed }),
    ...(eraSeconds !== 0 && { eraSeconds }),
    ...(pcapng !== undefined && { pcapng }),
  };
}
