import { OPT_END, OPTION_HEADER_LENGTH, padded } from "./format.js";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads the options at the end of one block: code, length, value padded to 32 bits. */
export class OptionReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #end: number;
  #next: number;
  code = OPT_END;
  #valueAt = 0;
  #valueLength = 0;
  /** Whether an option extends past the end of the block; options after it cannot be read. */
  damaged = false;

  constructor(view: DataView, bytes: Uint8Array, littleEndian: boolean, start: number, end: number) {
    this.#view = view;
    this.#bytes = bytes;
    this.littleEndian = littleEndian;
    this.#next = start;
    this.#end = end;
  }

  /** Moves to the next option; returns false at the end of the options or of the block, and if they are damaged. */
  next(): boolean {
    const at = this.#next;
    if (at === this.#end || this.damaged) return false;
    if (at + OPTION_HEADER_LENGTH > this.#end) return this.#damage();
    this.code = this.#view.getUint16(at, this.littleEndian);
    this.#valueLength = this.#view.getUint16(at + 2, this.littleEndian);
    this.#valueAt = at + OPTION_HEADER_LENGTH;
    if (this.code === OPT_END) return false;
    if (this.#valueAt + this.#valueLength > this.#end) return this.#damage();
    this.#next = Math.min(this.#valueAt + padded(this.#valueLength), this.#end);
    return true;
  }

  #damage(): false {
    this.damaged = true;
    return false;
  }

  /** The value: a view, only valid as long as the block is. */
  value(): Uint8Array {
    return this.#bytes.subarray(this.#valueAt, this.#valueAt + this.#valueLength);
  }

  /** The value as a string; invalid UTF-8 becomes replacement characters, trailing NULs are removed. */
  string(skip = 0): string {
    const start = this.#valueAt + skip;
    let end = this.#valueAt + this.#valueLength;
    while (end > start && this.#bytes[end - 1] === 0) end--;
    return utf8.decode(this.#bytes.subarray(start, end));
  }

  /** Whether the value begins with a string of at most one ASCII character. */
  startsWith(prefix: string): boolean {
    return prefix === "" || this.uint8() === prefix.charCodeAt(0);
  }

  /** The first byte of the value; undefined if it is empty. */
  uint8(): number | undefined {
    return this.#valueLength < 1 ? undefined : this.#view.getUint8(this.#valueAt);
  }

  /** The first eight bytes of the value, rounded to a double; undefined if it is shorter. */
  uint64(): number | undefined {
    return this.#valueLength < 8
      ? undefined
      : Number(this.#view.getBigUint64(this.#valueAt, this.littleEndian));
  }

  int64(): number | undefined {
    return this.#valueLength < 8
      ? undefined
      : Number(this.#view.getBigInt64(this.#valueAt, this.littleEndian));
  }
}

/** Whether encoded options, as `OptionCopier` returns them, contain one with this code. */
export function hasOption(encoded: Uint8Array, code: number): boolean {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const options = new OptionReader(view, encoded, true, 0, encoded.length);
  while (options.next()) if (options.code === code) return true;
  return false;
}
