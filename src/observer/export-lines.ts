const LF = 0x0a;
const BOM = "\ufeff";

/** Bytes that are decoded to text at a time: enough for the cost per call to vanish, small enough for a core's cache. */
const REGION_BYTES = 64 * 1024;

/** Why a line has no text. */
export type LineFault = { readonly fault: string };

/**
 * Cuts bytes into lines of text. Holds back at most one line of at most `maxLineBytes` (the line feed not counted); of
 * a longer one, nothing. A byte order mark at the very beginning is left out, carriage returns are not.
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

  #hold(chunk: Uint8Array, at: number): void {
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
      const line = bytes.subarray(at, end === -1 ? bytes.length : end);
      lines.push(line.length > this.#maxLineBytes ? this.#tooLong() : this.#decodeLine(line));
      at += line.length + 1;
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
