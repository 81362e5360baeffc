/** A part of a line that a container runtime cut because it was long. */
export interface LinePart {
  readonly text: string;
  /** Parts of different streams may alternate. */
  readonly stream: "stdout" | "stderr";
  /** Whether the line ends with it; undefined where only the text can tell. */
  readonly isLast: boolean | undefined;
}

interface Pending {
  readonly line: number;
  text: string;
  isTooLong: boolean;
}

/** A line that was joined, or what is left of one. */
export interface JoinedLine {
  /** Undefined when it is too long. */
  readonly text: string | undefined;
  /** Where its first part is. */
  readonly line: number;
}

/** Joins the parts of lines. Holds one line for each stream, of at most `maxLength` UTF-16 code units. */
export class PartJoiner {
  readonly #maxLength: number;
  readonly #pending = new Map<LinePart["stream"], Pending>();

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether parts of this stream are waiting for the rest of their line. */
  isWaiting(stream: LinePart["stream"]): boolean {
    return this.#pending.has(stream);
  }

  /** Adds a part; returns the line that ends with it. */
  add({ text, stream, isLast }: LinePart, line: number): JoinedLine | undefined {
    let pending = this.#pending.get(stream);
    if (pending === undefined) {
      pending = { line, text: "", isTooLong: false };
      this.#pending.set(stream, pending);
    }
    if (pending.isTooLong || pending.text.length + text.length > this.#maxLength) {
      pending.isTooLong = true;
      pending.text = "";
    } else {
      pending.text += text;
    }
    return isLast === true ? this.take(stream) : undefined;
  }

  /** Removes and returns what is waiting. */
  take(stream: LinePart["stream"]): JoinedLine | undefined {
    const pending = this.#pending.get(stream);
    this.#pending.delete(stream);
    return pending && { line: pending.line, text: pending.isTooLong ? undefined : pending.text };
  }
}
