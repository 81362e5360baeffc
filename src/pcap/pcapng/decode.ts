import { CaptureError } from "../../errors/errors.js";
import type { PacketBatch } from "../../packet/batch.js";
import type { CaptureInterface } from "../../packet/source.js";
import { BatchAssembly } from "../batch-assembly.js";
import { type CaptureDecoder, type CaptureWarningCounts, noWarnings } from "../decoder.js";
import type { InputBuffer } from "../input-buffer.js";
import { BlockReader } from "./block-reader.js";
import { SideBlockReader } from "./copy/side-block-reader.js";
import {
  BLOCK_OVERHEAD,
  BLOCK_TRAILER,
  BYTE_ORDER_MAGIC,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  PACKET,
  SECTION_HEADER,
  SHB,
  SIMPLE_PACKET,
} from "./format.js";
import { InterfaceReader } from "./interface-reader.js";
import { MAX_BLOCK_BYTES } from "./limits.js";
import { PacketReader } from "./packet-reader.js";

/**
 * Decodes pcapng: sections of either byte order, interfaces with their own time units, enhanced, simple and obsolete
 * packet blocks, and statistics. Copies the other blocks of at most {@link MAX_BLOCK_BYTES} for new pcapng files; skips
 * longer ones, of any length, without buffering them.
 */
export function createPcapngDecoder(input: InputBuffer): CaptureDecoder {
  return new PcapngDecoder(input);
}

class PcapngDecoder implements CaptureDecoder {
  readonly fileFormat = "pcapng";
  readonly warnings: CaptureWarningCounts = noWarnings();
  readonly #input: InputBuffer;
  readonly #blocks: BlockReader;
  readonly #interfaces: InterfaceReader;
  readonly #packets: PacketReader;
  readonly #batch = new BatchAssembly();
  readonly #sideBlocks: SideBlockReader;

  constructor(input: InputBuffer) {
    this.#input = input;
    this.#blocks = new BlockReader(input);
    this.#interfaces = new InterfaceReader(this.#blocks, this.warnings);
    this.#sideBlocks = new SideBlockReader(this.#blocks, this.#interfaces, this.warnings);
    this.#packets = new PacketReader(this.#blocks, this.#interfaces, this.#batch, this.warnings);
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#interfaces.list;
  }

  get dropped(): number {
    return this.#interfaces.dropped;
  }

  begin(): boolean {
    this.#batch.begin(this.#input.start);
    try {
      while (this.#skip() && !this.#isAtPacket() && this.#readBlock());
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      return true;
    }
    return this.interfaces.length > 0 || this.#isAtPacket();
  }

  /** Whether a block follows that ends {@link begin}. Statistics count as packets: they describe what has been read. */
  #isAtPacket(): boolean {
    const { available, view, start } = this.#input;
    if (available < BLOCK_OVERHEAD || view.getUint32(start, false) === SECTION_HEADER) return false;
    const type = this.#blocks.uint32(start);
    return isRead(type) && type !== INTERFACE_DESCRIPTION;
  }

  next(): PacketBatch | undefined {
    this.#batch.begin(this.#input.start);
    try {
      while (this.#skip() && this.#readBlock());
    } catch (error) {
      // The invalid block stays in the buffer, and the next call throws again after the packets before it.
      if (this.#batch.isEmpty || !(error instanceof CaptureError)) throw error;
    }
    return this.#batch.finish(this.#input.bytes, this.#interfaces.firstFormat);
  }

  finish(): void {
    if (this.#input.available > 0 || this.#blocks.isSkipping) {
      throw new CaptureError("truncated_capture", this.#input.position, "the capture ends inside a block");
    }
  }

  /**
   * Continues to skip a block; returns false if it needs more bytes, or if the batch has to be returned first: its records
   * are in the bytes that would be overwritten.
   */
  #skip(): boolean {
    return !this.#blocks.isSkipping || this.#blocks.continueSkip({ wholly: this.#batch.length > 0 });
  }

  /** Reads one block; returns false if it is incomplete or does not fit the batch. */
  #readBlock(): boolean {
    const input = this.#input;
    const blocks = this.#blocks;
    const at = input.start;
    if (input.available < BLOCK_OVERHEAD) return false;
    if (input.view.getUint32(at, false) === SECTION_HEADER) return this.#readSection(at);
    const type = blocks.uint32(at);
    const length = blocks.length(at);
    if (!isRead(type)) return this.#readSideBlock(type, at, length);
    const limit = this.#packets.maxLength(type, at);
    if (length > limit) {
      throw blocks.malformed(at, `a block of ${length} bytes is above ${limit}, the most for its kind`);
    }
    if (!blocks.isComplete(at, length)) return false;
    if (type === INTERFACE_DESCRIPTION) this.#interfaces.readDescription(at, length);
    else if (type === INTERFACE_STATISTICS) {
      if (this.#batch.isFullOfBlocks) return false;
      this.#batch.addBlock(this.#interfaces.readStatistics(at, length, this.#batch.length));
    } else if (!this.#packets.read(type, at, length)) return false;
    input.start = at + length;
    return true;
  }

  /** Copies or skips a block that is not a packet; returns false if it is incomplete or does not fit the batch. */
  #readSideBlock(type: number, at: number, length: number): boolean {
    const batch = this.#batch;
    // Without an interface there is no file to write to yet, and the batch cannot be returned.
    const isTooEarly = batch.isFullOfBlocks && this.interfaces.length === 0;
    if (isTooEarly || !this.#sideBlocks.isCopied(type, length)) {
      this.#sideBlocks.countSkipped(type);
      this.#blocks.skip(length);
      return true;
    }
    if (batch.isFullOfBlocks || !this.#blocks.isComplete(at, length)) return false;
    const block = this.#sideBlocks.read(type, at, length, batch.length);
    if (block !== undefined) batch.addBlock(block);
    this.#input.start = at + length;
    return true;
  }

  #readSection(at: number): boolean {
    const { view, available } = this.#input;
    const blocks = this.#blocks;
    if (available < SHB.options + BLOCK_TRAILER) return false;
    // No other block is read unless the header is complete and valid.
    blocks.littleEndian = view.getUint32(at + SHB.byteOrder, true) === BYTE_ORDER_MAGIC;
    if (blocks.uint32(at + SHB.byteOrder) !== BYTE_ORDER_MAGIC) {
      throw blocks.malformed(at + SHB.byteOrder, "a section header without byte-order magic");
    }
    const length = blocks.length(at);
    if (length < SHB.options + BLOCK_TRAILER || length > MAX_BLOCK_BYTES) {
      throw blocks.malformed(at, `a section header cannot be ${length} bytes long`);
    }
    const major = blocks.uint16(at + SHB.major);
    const minor = blocks.uint16(at + SHB.minor);
    // Some programs write 1.2 instead of 1.0 (draft-ietf-opsawg-pcapng section 4.1).
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      const message = `pcapng version ${major}.${minor} is not supported, only 1.0 and 1.2`;
      throw blocks.malformed(at + SHB.major, message, "unsupported_capture");
    }
    if (!blocks.isComplete(at, length)) return false;
    const options = blocks.options(at + SHB.options, at, length);
    this.#interfaces.beginSection(options);
    this.#input.start = at + length;
    return true;
  }
}

/** Whether blocks of this type are decoded; section headers are handled separately. */
function isRead(type: number): boolean {
  return (
    type === ENHANCED_PACKET ||
    type === SIMPLE_PACKET ||
    type === PACKET ||
    type === INTERFACE_DESCRIPTION ||
    type === INTERFACE_STATISTICS
  );
}
