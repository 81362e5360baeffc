/** A part of a line that a container runtime split because it was long. */
export interface LinePart {
  readonly text: string;
  /** Parts of different streams may alternate. */
  readonly stream: "stdout" | "stderr";
  /** Whether this part ends the line; undefined if only the content can tell. */
  readonly isLast: boolean | undefined;
}

interface Pending {
  readonly line: number;
  text: string;
  isTooLong: boolean;
}

/** A joined line. */
export interface JoinedLine {
  readonly stream: LinePart["stream"];
  /** The joined string; undefined if it is too long. */
  readonly text: string | undefined;
  /** The line number of its first part. */
  readonly line: number;
}

/** Joins the parts of lines. Buffers one line of at most `maxLength` UTF-16 code units per stream. */
export class PartJoiner {
  readonly #maxLength: number;
  readonly #pending = new Map<LinePart["stream"], Pending>();
  /** Streams whose parts were dropped; their next line may be the rest of the dropped one. */
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

  /** Adds a part. Returns the line if this part ends it. */
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

  /**
   * Drops all pending parts because a line between them could not be read. Returns the line number of the first dropped
   * part; undefined if none was pending.
   */
  drop(): number | undefined {
    let first: number | undefined;
    for (const [stream, { line }] of this.#pending) {
      first = Math.min(first ?? line, line);
      this.#dropped.add(stream);
    }
    this.#pending.clear();
    return first;
  }

  /**
   * Whether a string may be the end of a line whose other parts were dropped. True at most once per stream after each
   * {@link drop}.
   */
  takeDropped(stream: LinePart["stream"], text: string): boolean {
    return this.#dropped.delete(stream) && !text.startsWith("{");
  }

  /** Removes and returns the pending line of a stream; undefined if absent. */
  take(stream: LinePart["stream"]): JoinedLine | undefined {
    const pending = this.#pending.get(stream);
    this.#pending.delete(stream);
    return pending && { stream, line: pending.line, text: pending.isTooLong ? undefined : pending.text };
  }
}
