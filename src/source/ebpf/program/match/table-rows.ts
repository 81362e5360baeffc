/** Bits in a word of a row. */
export const BITS = 64;

/** Collects the bytes of all tables of a program. */
export class TableBytes {
  readonly #pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends a table at the next multiple of 8. Returns its offset. */
  add(words: Uint16Array | Uint32Array | BigUint64Array): number {
    const at = this.#length;
    this.#pieces.push({ at, bytes: new Uint8Array(words.buffer, words.byteOffset, words.byteLength) });
    this.#length = Math.ceil((at + words.byteLength) / 8) * 8;
    return at;
  }

  /** In the byte order of this machine, which is that of its kernel. */
  concat(): Uint8Array {
    const all = new Uint8Array(this.#length);
    for (const { at, bytes } of this.#pieces) all.set(bytes, at);
    return all;
  }
}

/** The size of each row. */
export interface Shape {
  readonly words: number;
  readonly hasSummary: boolean;
  readonly rowBytes: number;
}

/** Rows under construction; each starts as a copy of another or empty. */
export class Rows {
  readonly #shape: Shape;
  readonly #rows: BigUint64Array[] = [];

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  get count(): number {
    return this.#rows.length;
  }

  /** Adds a row with the bits of row `like`, or an empty row. Returns its index. */
  add(like?: number): number {
    this.#rows.push(like === undefined ? new BigUint64Array(this.#shape.words) : this.#rows[like]!.slice());
    return this.#rows.length - 1;
  }

  set(row: number, bit: number): void {
    this.#rows[row]![Math.floor(bit / BITS)]! |= 1n << BigInt(bit % BITS);
  }

  offsetOf(row: number): number {
    return row * this.#shape.rowBytes;
  }

  /** Concatenates all rows, each with its summary if it has one. */
  concat(): BigUint64Array {
    const { hasSummary, rowBytes } = this.#shape;
    const all = new BigUint64Array((this.#rows.length * rowBytes) / 8);
    this.#rows.forEach((words, index) => {
      const at = (index * rowBytes) / 8;
      all.set(words, at + (hasSummary ? 1 : 0));
      if (!hasSummary) return;
      words.forEach((word, bit) => {
        if (word !== 0n) all[at]! |= 1n << BigInt(bit);
      });
    });
    return all;
  }
}
