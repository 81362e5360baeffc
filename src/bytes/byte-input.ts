import { createTurnDue } from "../async/event-loop-turns.js";

/** A source of bytes that the reader pulls: a file, chunks, or the output of a decompressor. */
export interface ByteInput {
  /**
   * Writes between 1 and `buffer.length` bytes to the start of `buffer` and returns their number, or 0 at the end.
   * Returns a promise only if it has to wait, so that reading a file does not need a turn of the event loop. Must not be
   * called while a promise is pending.
   */
  readInto(buffer: Uint8Array): number | Promise<number>;
  /** Releases the resources of the input; may be called before its end. */
  close?(): void | Promise<void>;
}

/** Size of one read in bytes: large enough to make the cost per read negligible, small enough for a core's cache. */
export const CHUNK_BYTES = 512 * 1024;

/** An input that yields `prefix` first, then continues with `rest`. */
export function prefixedInput(prefix: Uint8Array, rest: ByteInput): ByteInput {
  let at = 0;
  return {
    readInto: (buffer) => {
      if (at === prefix.length) return rest.readInto(buffer);
      const length = Math.min(buffer.length, prefix.length - at);
      buffer.set(prefix.subarray(at, at + length));
      at += length;
      return length;
    },
    close: () => rest.close?.(),
  };
}

/** The same input, which yields to the event loop when a turn is due; see {@link createTurnDue}. */
export function inputWithTurns(input: ByteInput): ByteInput {
  const turnDue = createTurnDue();
  return {
    readInto: (buffer) => {
      const turn = turnDue();
      return turn === undefined ? input.readInto(buffer) : turn.then(() => input.readInto(buffer));
    },
    close: () => input.close?.(),
  };
}
