const NUL = 0x00;
const LF = 0x0a;
const BOM = "\ufeff";

/** The number of bytes to decode at a time: large enough to amortize the call, small enough for a core's cache. */
const REGION_BYTES = 64 * 1024;

/** Why a line could not be decoded to a string. */
export type LineFault = { readonly fault: string };

/** Receives lines as bytes or as strings. */
export interface LineVisitor {
  /**
   * Receives a line without its line feed, if it contains no NUL bytes. Returns whether that was enough; otherwise the
   * line follows as a string. The bytes are only valid during the call.
   */
  skip(bytes: Uint8Array, start: number, end: number): boolean;
  /** Receives a line; returns whether to continue. */
  read(line: string | LineFault): boolean;
}

/**
 * Splits bytes into lines. Buffers at most one incomplete line of up to `maxLineBytes`, not counting the line feed; a
 * longer line is not buffered. Removes a byte order mark at the very beginning; keeps carriage returns.
 *
 * A file that is truncated while it is being written (logrotate's `copytruncate`) contains a run of NUL bytes. Such a
 * run counts as at most one byte toward the length of a line, and as no byte at the beginning of a line, so that the line
 * after the run is read however long the run is.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** The buffered beginning of an incomplete line. */
  #held = new Uint8Array(0);
  #heldLength = 0;
  /** Whether the current line is already too long. */
  #skipping = false;
  #begun = false;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Yields the lines that end in this chunk, in batches. The chunk can be reused once the generator has ended. */
  *split(chunk: Uint8Array): Generator<(string | LineFault)[], void, undefined> {
    let at = 0;
    if (this.#heldLength > 0 || this.#skipping) {
      const end = chunk.indexOf(LF);
      if (end === -1) return this.#hold(chunk, 0);
      this.#hold(chunk.subarray(0, end), 0);
      yield [this.#endHeld()];
      at = end + 1;
    }
    while (at < chunk.length) {
      let end = chunk.lastIndexOf(LF, Math.min(at + REGION_BYTES, chunk.length) - 1);
      if (end < at) end = chunk.indexOf(LF, at);
      if (end === -1) return this.#hold(chunk, at);
      yield this.#decodeLines(chunk.subarray(at, end));
      at = end + 1;
    }
  }

  /** Like {@link split}, but offers each line as bytes first. Yields now and then; ends early if the visitor does. */
  *visit(chunk: Uint8Array, visitor: LineVisitor): Generator<void, void, undefined> {
    const hasNul = chunk.includes(NUL);
    let at = 0;
    let regionEnd = REGION_BYTES;
    if (this.#heldLength > 0 || this.#skipping) {
      const end = chunk.indexOf(LF);
      if (end === -1) return this.#hold(chunk, 0);
      this.#hold(chunk.subarray(0, end), 0);
      if (!this.visitEnd(visitor)) return;
      at = end + 1;
    }
    while (at < chunk.length) {
      const end = chunk.indexOf(LF, at);
      if (end === -1) return this.#hold(chunk, at);
      if (!this.#visitLine(chunk, at, end, hasNul, visitor)) return;
      at = end + 1;
      if (at < regionEnd) continue;
      yield;
      regionEnd = at + REGION_BYTES;
    }
  }

  /** Visits the last line if it has no line feed. */
  visitEnd(visitor: LineVisitor): boolean {
    const held = this.#held;
    const length = this.#heldLength;
    if (length === 0 && !this.#skipping) return true;
    if (!this.#skipping && !held.subarray(0, length).includes(NUL) && visitor.skip(held, 0, length)) {
      this.#heldLength = 0;
      this.#begun = true;
      return true;
    }
    return visitor.read(this.#endHeld());
  }

  #visitLine(chunk: Uint8Array, start: number, end: number, hasNul: boolean, visitor: LineVisitor): boolean {
    if (end - start <= this.#maxLineBytes && (!hasNul || !chunk.subarray(start, end).includes(NUL))) {
      if (visitor.skip(chunk, start, end)) {
        this.#begun = true;
        return true;
      }
    }
    return visitor.read(this.#readLine(chunk.subarray(start, end)));
  }

  /** Returns the last line if it has no line feed; otherwise an empty list. */
  end(): (string | LineFault)[] {
    return this.#heldLength > 0 || this.#skipping ? [this.#endHeld()] : [];
  }

  #hold(bytes: Uint8Array, start: number): void {
    if (bytes.includes(NUL, start)) this.#append(collapseNuls(bytes.subarray(start), this.#lastHeld()), 0);
    else this.#append(bytes, start);
  }

  /** The byte before the next byte of the line; a line feed at the beginning of a line. */
  #lastHeld(): number {
    return this.#heldLength === 0 ? LF : this.#held[this.#heldLength - 1]!;
  }

  #append(chunk: Uint8Array, at: number): void {
    const length = this.#heldLength + chunk.length - at;
    if (this.#skipping || length > this.#maxLineBytes) {
      this.#skipping = true;
      this.#heldLength = 0;
      return;
    }
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.min(Math.max(2 * length, 1024), this.#maxLineBytes));
      larger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = larger;
    }
    this.#held.set(chunk.subarray(at), this.#heldLength);
    this.#heldLength = length;
  }

  #endHeld(): string | LineFault {
    const line = this.#skipping
      ? this.#tooLong()
      : this.#decodeLine(this.#held.subarray(0, this.#heldLength));
    this.#heldLength = 0;
    this.#skipping = false;
    return line;
  }

  #decodeLines(bytes: Uint8Array): (string | LineFault)[] {
    if (bytes.length <= this.#maxLineBytes) {
      const text = this.#decode(bytes);
      if (text !== undefined) return text.split("\n");
    }
    const lines: (string | LineFault)[] = [];
    for (let at = 0; at <= bytes.length; ) {
      const end = bytes.indexOf(LF, at);
      const line = bytes.subarray(at, end === -1 ? bytes.length : end);
      at += line.length + 1;
      lines.push(this.#readLine(line));
    }
    return lines;
  }

  #readLine(bytes: Uint8Array): string | LineFault {
    const line = bytes.length > this.#maxLineBytes ? collapseNuls(bytes, LF) : bytes;
    return line.length > this.#maxLineBytes ? this.#tooLong() : this.#decodeLine(line);
  }

  #decodeLine(bytes: Uint8Array): string | LineFault {
    return this.#decode(bytes) ?? { fault: "not valid UTF-8" };
  }

  #decode(bytes: Uint8Array): string | undefined {
    try {
      const text = this.#utf8.decode(bytes);
      const first = !this.#begun;
      this.#begun = true;
      return first && text.startsWith(BOM) ? text.slice(BOM.length) : text;
    } catch {
      return undefined;
    }
  }

  #tooLong(): LineFault {
    this.#begun = true;
    return { fault: `longer than ${this.#maxLineBytes} bytes` };
  }
}

/**
 * Returns a copy in which each run of NULs is collapsed to one, or removed after a line feed. `before` is the preceding
 * byte.
 */
function collapseNuls(bytes: Uint8Array, before: number): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  let length = 0;
  let previous = before;
  for (const byte of bytes) {
    if (byte !== NUL || (previous !== NUL && previous !== LF)) copy[length++] = byte;
    previous = byte === NUL && previous === LF ? LF : byte;
  }
  return copy.subarray(0, length);
}
