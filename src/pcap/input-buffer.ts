import { type ByteInput, CHUNK_BYTES } from "../bytes/byte-input.js";

/**
 * The part of the input that is in memory for a decoder. It grows only if a decoder leaves it full, and decoders check
 * lengths before they wait for more bytes: the bytes in a file allocate memory, the lengths it claims do not.
 */
export class InputBuffer {
  bytes: Uint8Array = new Uint8Array(CHUNK_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  /** The unread bytes are those from `start` to `end`. */
  start = 0;
  end = 0;
  #offsetOfFirst = 0;

  /** Offset of `start` in the input. */
  get position(): number {
    return this.#offsetOfFirst + this.start;
  }

  get available(): number {
    return this.end - this.start;
  }

  /**
   * Adds bytes of the input after the unread ones; returns their number, 0 at the end of the input. Moves the unread
   * bytes, so that earlier batches become invalid. Returns a promise only if the input does.
   */
  readFrom(input: ByteInput): number | Promise<number> {
    const read = input.readInto(this.#freeSpace());
    return typeof read === "number" ? this.#commit(read) : read.then((length) => this.#commit(length));
  }

  /** Reads until `length` bytes are available or the input ends. */
  async readUntil(length: number, input: ByteInput): Promise<void> {
    while (this.available < length && (await this.readFrom(input)) > 0);
  }

  /** Free memory after the unread bytes, never empty. */
  #freeSpace(): Uint8Array {
    if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.#offsetOfFirst += this.start;
      this.end -= this.start;
      this.start = 0;
    }
    if (this.end === this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return this.bytes.subarray(this.end);
  }

  #commit(length: number): number {
    this.end += length;
    return length;
  }
}
