import { BLOCK_LENGTH, BLOCK_TRAILER, BLOCK_TYPE, OPTION_HEADER_LENGTH, padded } from "./format.js";

const MAX_OPTION_BYTES = 0xffff;
const utf8 = new TextEncoder();

/** Writes little-endian blocks to a growing buffer, which is reused for every batch. */
export class BlockWriter {
  bytes: Uint8Array;
  view: DataView;
  length = 0;

  constructor(capacity: number) {
    const buffer = new ArrayBuffer(capacity);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Discards the contents; keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  /**
   * Reserves `extra` more bytes and returns their offset. Their content is undefined; may replace `bytes` and `view`.
   */
  reserve(extra: number): number {
    const at = this.length;
    this.length += extra;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  /** The bytes written since {@link clear}; valid until it is called again. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Begins a block with a fixed part of `fixedLength` bytes; returns its offset. */
  openBlock(type: number, fixedLength: number): number {
    const at = this.reserve(fixedLength);
    this.view.setUint32(at + BLOCK_TYPE, type, true);
    return at;
  }

  /** Ends the block at offset `at`. */
  closeBlock(at: number): void {
    const trailer = this.reserve(BLOCK_TRAILER);
    const length = this.length - at;
    this.view.setUint32(at + BLOCK_LENGTH, length, true);
    this.view.setUint32(trailer, length, true);
  }

  addOption(code: number, value: Uint8Array): void {
    const { length } = value;
    const at = this.reserve(OPTION_HEADER_LENGTH + padded(length));
    this.view.setUint16(at, code, true);
    this.view.setUint16(at + 2, length, true);
    const valueAt = at + OPTION_HEADER_LENGTH;
    this.bytes.set(value, valueAt);
    this.bytes.fill(0, valueAt + length, valueAt + padded(length));
  }

  /** Adds bytes that are already encoded and padded. */
  addBytes(bytes: Uint8Array): void {
    // Reserve before accessing `this.bytes`: reserving may replace it.
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Adds a string option, truncated to the maximum length of an option. */
  addString(code: number, text: string): void {
    const bytes = utf8.encode(text);
    let length = Math.min(bytes.length, MAX_OPTION_BYTES);
    // Do not split a character: its continuation bytes have the form 10xxxxxx.
    while (length < bytes.length && (bytes[length]! & 0xc0) === 0x80) length--;
    this.addOption(code, bytes.subarray(0, length));
  }

  addUint64(code: number, value: number): void {
    const bytes = new Uint8Array(8);
    // A double: the largest count of a file, 2⁶⁴−1, is read as 2⁶⁴.
    new DataView(bytes.buffer).setBigUint64(0, value < 2 ** 64 ? BigInt(value) : 2n ** 64n - 1n, true);
    this.addOption(code, bytes);
  }

  addInt64(code: number, value: number): void {
    const bytes = new Uint8Array(8);
    // A double: the largest offset of a file, 2⁶³−1, is read as 2⁶³.
    new DataView(bytes.buffer).setBigInt64(0, value < 2 ** 63 ? BigInt(value) : 2n ** 63n - 1n, true);
    this.addOption(code, bytes);
  }

  endOptions(): void {
    const at = this.reserve(OPTION_HEADER_LENGTH);
    this.view.setUint32(at, 0, true);
  }
}

/** Maximum length in bytes of the value that {@link BlockWriter.addString} writes for a string. */
export function stringBytes(text: string): number {
  return Math.min(utf8.encode(text).length, MAX_OPTION_BYTES);
}
