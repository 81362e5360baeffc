import { createTurnDue } from "../async/event-loop-turns.js";
import { isUint8Array } from "../bytes/is-uint8-array.js";
import { describeValue } from "../errors/describe-value.js";
import { hasMethods, isIterable, type ValueCheck, valueCheck } from "../errors/value-checks.js";

/**
 * A byte source. `fill` writes between 1 and `room.length` bytes to the start of `room` and returns their number, or 0
 * at the end. It returns a promise only if it has to wait, so that reading a file does not need a turn of the event
 * loop.
 */
export interface ByteInput {
  fill(room: Uint8Array): number | Promise<number>;
  /** Releases the resources of the input; called once, even if the input was not read to the end. */
  close?(): void | Promise<void>;
}

/** The part of a web `ReadableStream` that is used here; declared so that the package does not need DOM types. */
export interface ReadableStreamLike {
  /** Locks the stream to one reader. */
  getReader(): {
    /** Resolves to the next chunk, or to `done` at the end. */
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    /** Cancels the stream. */
    cancel(): Promise<void>;
  };
}

/** Input bytes: a single array, or chunks of any size (including empty ones). */
export type BytesLike = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStreamLike;

export const aBytesLike: ValueCheck<BytesLike> = valueCheck(
  "a Uint8Array, an iterable of these or a stream",
  (value) => isUint8Array(value) || isIterable(value) || hasMethods(value, ["getReader"]),
);

/** Creates an input from any {@link BytesLike}. */
export function createInput(bytes: BytesLike): ByteInput {
  if (isUint8Array(bytes)) return chunkInput([bytes][Symbol.iterator]());
  if (Symbol.asyncIterator in bytes) return chunkInput(bytes[Symbol.asyncIterator]());
  if (Symbol.iterator in bytes) return chunkInput(bytes[Symbol.iterator]());
  const reader = bytes.getReader();
  return chunkInput({
    next: async () => {
      const { done, value } = await reader.read();
      return done || value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  });
}

function chunkInput(chunks: Iterator<Uint8Array> | AsyncIterator<Uint8Array>): ByteInput {
  let chunk = new Uint8Array(0) as Uint8Array;
  let at = 0;
  let ended = false;
  let waiting = false;

  function take(room: Uint8Array): number {
    const length = Math.min(room.length, chunk.length - at);
    room.set(chunk.subarray(at, at + length));
    at += length;
    return length;
  }

  async function fetchAndTake(room: Uint8Array): Promise<number> {
    while (at === chunk.length && !ended) {
      waiting = true;
      const result = await chunks.next();
      waiting = false;
      if (result.done === true) {
        ended = true;
      } else {
        if (!isUint8Array(result.value))
          throw new TypeError(
            `decodeCapture: every chunk of bytes must be a Uint8Array, not ${describeValue(result.value)}`,
          );
        chunk = result.value;
        at = 0;
      }
    }
    return take(room);
  }

  return {
    fill: (room) => (at < chunk.length ? take(room) : fetchAndTake(room)),
    close: async () => {
      if (ended) return;
      const leaving = Promise.resolve(chunks.return?.());
      // Not awaited: a stream with a pending read may never settle this either.
      if (waiting) leaving.catch(() => {});
      else await leaving;
    },
  };
}

/** An input that yields `prefix` first, then continues with `rest`, which it does not close. */
export function prefixedInput(prefix: Uint8Array, rest: ByteInput): ByteInput {
  let at = 0;
  return {
    fill: (room) => {
      if (at === prefix.length) return rest.fill(room);
      const length = Math.min(room.length, prefix.length - at);
      room.set(prefix.subarray(at, at + length));
      at += length;
      return length;
    },
  };
}

/** The same input, which yields to the event loop when a turn is due; see {@link createTurnDue}. */
export function inputWithTurns(input: ByteInput): ByteInput {
  const turnDue = createTurnDue();
  return {
    fill: (room) => {
      const turn = turnDue();
      return turn === undefined ? input.fill(room) : turn.then(() => input.fill(room));
    },
    close: () => input.close?.(),
  };
}

/** Size of one read in bytes: large enough to make the cost per read negligible, small enough for a core's cache. */
export const CHUNK_BYTES = 512 * 1024;

/**
 * The part of the input that is in memory for a decoder. It grows only if a decoder leaves it full, and decoders check
 * lengths before they wait for more bytes: the bytes in a file allocate memory, the lengths it claims do not.
 */
export class InputBuffer {
  bytes: Uint8Array = new Uint8Array(CHUNK_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  /** The unread bytes are those from `start` to `end`. */
  start = 0;
  end = 0;
  #offsetOfFirst = 0;

  /** Offset of `start` in the input. */
  get position(): number {
    return this.#offsetOfFirst + this.start;
  }

  get available(): number {
    return this.end - this.start;
  }

  /**
   * Free memory after the unread bytes, never empty. Moves the unread bytes, so that earlier batches become invalid.
   */
  room(): Uint8Array {
    if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.#offsetOfFirst += this.start;
      this.end -= this.start;
      this.start = 0;
    }
    if (this.end === this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return this.bytes.subarray(this.end);
  }

  /** Marks the first `length` bytes of {@link room} as filled. */
  commit(length: number): void {
    this.end += length;
  }

  unread(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }
}
