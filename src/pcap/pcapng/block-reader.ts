import { CaptureError, type CaptureErrorCode } from "../../errors/errors.js";
import type { InputBuffer } from "../input-buffer.js";
import { BLOCK_LENGTH, BLOCK_OVERHEAD, BLOCK_TRAILER } from "./format.js";
import { OptionReader } from "./options.js";

/**
 * Reads fields of the blocks in the input buffer, in the byte order of their section, checks the framing of blocks, and
 * skips blocks of any length without buffering them. Offsets are those of the buffer.
 */
export class BlockReader {
  readonly input: InputBuffer;
  /** Byte order of the current section. */
  littleEndian = true;
  /** Length of the block being skipped; 0 if absent. */
  #skippedLength = 0;
  /** Its remaining bytes without the trailer. */
  #toSkip = 0;

  constructor(input: InputBuffer) {
    this.input = input;
  }

  uint16(at: number): number {
    return this.input.view.getUint16(at, this.littleEndian);
  }

  uint32(at: number): number {
    return this.input.view.getUint32(at, this.littleEndian);
  }

  /** The options of a block, which begin at `start`. */
  options(start: number, blockAt: number, length: number): OptionReader {
    const { view, bytes } = this.input;
    return new OptionReader(view, bytes, this.littleEndian, start, blockAt + length - BLOCK_TRAILER);
  }

  /** Reads the length of a block, which must be complete up to its length field. */
  length(at: number): number {
    const length = this.uint32(at + BLOCK_LENGTH);
    if (length < BLOCK_OVERHEAD || length % 4 !== 0) {
      throw this.malformed(at, `a block cannot be ${length} bytes long`);
    }
    return length;
  }

  /** Whether a block is complete in the buffer; checks its second length if so. */
  isComplete(at: number, length: number): boolean {
    if (length > this.input.available) return false;
    this.#checkTrailer(at + length - BLOCK_TRAILER, length);
    return true;
  }

  get isSkipping(): boolean {
    return this.#skippedLength > 0;
  }

  /** Skips the block at the start of the buffer; call {@link continueSkip} while {@link isSkipping}. */
  skip(length: number): void {
    this.#skippedLength = length;
    this.#toSkip = length - BLOCK_TRAILER;
  }

  /**
   * Continues to skip a block; returns false if it needs more bytes.
   *
   * @param wholly Whether to skip nothing unless the rest of the block is available.
   */
  continueSkip({ wholly }: { readonly wholly: boolean }): boolean {
    const { input } = this;
    if (wholly && this.#toSkip + BLOCK_TRAILER > input.available) return false;
    const length = Math.min(this.#toSkip, input.available);
    input.start += length;
    this.#toSkip -= length;
    if (this.#toSkip > 0 || input.available < BLOCK_TRAILER) return false;
    this.#checkTrailer(input.start, this.#skippedLength);
    input.start += BLOCK_TRAILER;
    this.#skippedLength = 0;
    return true;
  }

  malformed(at: number, message: string, code: CaptureErrorCode = "malformed_capture"): CaptureError {
    return new CaptureError(code, this.input.position + (at - this.input.start), message);
  }

  #checkTrailer(at: number, length: number): void {
    const trailer = this.uint32(at);
    if (trailer !== length) {
      throw this.malformed(
        at,
        `a block is ${length} bytes long by its first length and ${trailer} by its last`,
      );
    }
  }
}
