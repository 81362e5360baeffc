import { OPT_END, OPTION_HEADER_LENGTH, padded } from "./pcapng-format.js";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The options at the end of one block: code, length, value padded to words. */
export class OptionReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #littleEndian: boolean;
  readonly #end: number;
  #next: number;
  code = OPT_END;
  #valueAt = 0;
  #valueLength = 0;
  /** Set when an option reaches past the block: what follows it cannot be found. */
  damaged = false;

  constructor(view: DataView, bytes: Uint8Array, littleEndian: boolean, start: number, end: number) {
    this.#view = view;
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
    this.#next = start;
    this.#end = end;
  }

  /** Moves to the next option; false at the end of the options or of the block, whichever comes first. */
  next(): boolean {
    const at = this.#next;
    if (at === this.#end || this.damaged) return false;
    if (at + OPTION_HEADER_LENGTH > this.#end) return this.#damage();
    this.code = this.#view.getUint16(at, this.#littleEndian);
    this.#valueLength = this.#view.getUint16(at + 2, this.#littleEndian);
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

  /** The value as text; bytes that are not UTF-8 become replacement characters, closing NULs are dropped. */
  text(skip = 0): string {
    const start = this.#valueAt + skip;
    let end = this.#valueAt + this.#valueLength;
    while (end > start && this.#bytes[end - 1] === 0) end--;
    return utf8.decode(this.#bytes.subarray(start, end));
  }

  /** The first byte; undefined when the value is empty. */
  uint8(): number | undefined {
    return this.#valueLength < 1 ? undefined : this.#view.getUint8(this.#valueAt);
  }

  /** Eight bytes; undefined when there are not that many. */
  uint64(): number | undefined {
    return this.#valueLength < 8
      ? undefined
      : Number(this.#view.getBigUint64(this.#valueAt, this.#littleEndian));
  }

  int64(): number | undefined {
    return this.#valueLength < 8
      ? undefined
      : Number(this.#view.getBigInt64(this.#valueAt, this.#littleEndian));
  }
}
