const NUL = 0x00;
const LF = 0x0a;
const BOM = "\ufeff";

/** Bytes that are decoded to text at a time: enough for the cost per call to vanish, small enough for a core's cache. */
const REGION_BYTES = 64 * 1024;

/** Why a line has no text. */
export type LineFault = { readonly fault: string };

/**
 * Cuts bytes into lines of text. Holds back at most one line of at most `maxLineBytes` (the line feed not counted); of
 * a longer one, nothing. A byte order mark at the very beginning is left out, carriage returns are not.
 *
 * Of a hole of NUL bytes, which a file has after it was truncated under its writer (logrotate's `copytruncate`), one NUL
 * at most counts as part of a line, and none where the line begins: the line behind the hole is read however long it is.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** The beginning of a line whose end has not come. */
  #held = new Uint8Array(0);
  #heldLength = 0;
  /** Inside a line that is too long already. */
  #skipping = false;
  #begun = false;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that end in this chunk, some at a time. The chunk may be used again afterwards. */
  *split(chunk: Uint8Array): Generator<(string | LineFault)[], void, undefined> {
    let at = 0;
    if (this.#heldLength > 0 || this.#skipping) {
      const end = chunk.indexOf(LF);
      if (end === -1) return this.#hold(chunk, 0);
      this.#hold(chunk.subarray(0, end), 0);
      yield [this.#takeHeld()];
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

  /** The last line, when nothing ends it; none when the input ended with a line feed. */
  end(): (string | LineFault)[] {
    return this.#heldLength > 0 || this.#skipping ? [this.#takeHeld()] : [];
  }

  #hold(bytes: Uint8Array, start: number): void {
    if (bytes.includes(NUL, start)) this.#append(collapseNuls(bytes.subarray(start), this.#lastHeld()), 0);
    else this.#append(bytes, start);
  }

  /** What comes before the next byte of the line; a line feed where it begins. */
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

  #takeHeld(): string | LineFault {
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
      let line = bytes.subarray(at, end === -1 ? bytes.length : end);
      at += line.length + 1;
      if (line.length > this.#maxLineBytes) line = collapseNuls(line, LF);
      lines.push(line.length > this.#maxLineBytes ? this.#tooLong() : this.#decodeLine(line));
    }
    return lines;
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

/** A copy with one NUL for each run of them; none behind a NUL or line feed, which `before` may be. */
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
