/** A growing buffer for little-endian blocks, reused for every batch. */
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
}
