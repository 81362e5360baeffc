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
  readonly stream: LinePart["stream"];
  /** Undefined when it is too long. */
  readonly text: string | undefined;
  /** Where its first part is. */
  readonly line: number;
}

/** Joins the parts of lines. Holds one line for each stream, of at most `maxLength` UTF-16 code units. */
export class PartJoiner {
  readonly #maxLength: number;
  readonly #pending = new Map<LinePart["stream"], Pending>();
  /** Streams of which parts were dropped, and whose next line may be the rest of them. */
  readonly #dropped = new Set<LinePart["stream"]>();

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether parts of this stream are waiting for the rest of their line. */
  isWaiting(stream: LinePart["stream"]): boolean {
    return this.#pending.has(stream);
  }

  /** Whether parts of any stream are waiting for the rest of their line. */
  get isAnyWaiting(): boolean {
    return this.#pending.size > 0;
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

  /** Drops all waiting parts, because a line between them could not be read; returns where the first of them is. */
  drop(): number | undefined {
    let first: number | undefined;
    for (const [stream, { line }] of this.#pending) {
      first = Math.min(first ?? line, line);
      this.#dropped.add(stream);
    }
    this.#pending.clear();
    return first;
  }

  /** Whether a text may be the end of a line whose other parts were dropped. True once for each {@link drop}. */
  takeDropped(stream: LinePart["stream"], text: string): boolean {
    return this.#dropped.delete(stream) && !text.startsWith("{");
  }

  /** Removes and returns what is waiting. */
  take(stream: LinePart["stream"]): JoinedLine | undefined {
    const pending = this.#pending.get(stream);
    this.#pending.delete(stream);
    return pending && { stream, line: pending.line, text: pending.isTooLong ? undefined : pending.text };
  }
}
