import { createTurnDue } from "../async/event-loop-turns.js";
import { isUint8Array } from "../bytes/is-uint8-array.js";
import { describeValue } from "../errors/describe-value.js";
import { hasMethods, isIterable, type ValueCheck, valueCheck } from "../errors/value-checks.js";

/**
 * Bytes on demand: puts between 1 and `room.length` bytes at the start of `room` and returns how many, or 0 at the end.
 * A promise where it has to wait; a plain number where it need not, so that reading a file costs no turn of the loop.
 */
export interface ByteInput {
  fill(room: Uint8Array): number | Promise<number>;
  /** Gives back what the input holds; called once, also when nobody read to the end. */
  close?(): void | Promise<void>;
}

/** What a web stream shows of itself; named here so that the package needs no DOM types. */
export interface ReadableStreamLike {
  /** Locks the stream to one reader. */
  getReader(): {
    /** The next chunk, or that there is none. */
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    /** Says that nobody reads on. */
    cancel(): Promise<void>;
  };
}

/** Bytes as users have them: whole, or in chunks of any size (empty ones included). */
export type BytesLike = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStreamLike;

export const aBytesLike: ValueCheck<BytesLike> = valueCheck(
  "a Uint8Array, an iterable of these or a stream",
  (value) => isUint8Array(value) || isIterable(value) || hasMethods(value, ["getReader"]),
);

/** Reads from whatever the user has. */
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
      // A stream that owes a chunk may never answer this either.
      if (waiting) leaving.catch(() => {});
      else await leaving;
    },
  };
}

/** An input that hands out some bytes again before it goes on with another, which it does not close. */
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

/** The same bytes, with a turn for the event loop when one is due; see {@link createTurnDue}. */
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

/** Size of one read: large enough that the cost per read vanishes, small enough to stay in a core's cache. */
export const CHUNK_BYTES = 512 * 1024;

/**
 * The window of the input that a decoder sees. It grows only when a decoder leaves it full, and a decoder does that
 * only for lengths within its bounds: what a file claims allocates nothing, what it holds does.
 */
export class InputBuffer {
  bytes: Uint8Array = new Uint8Array(CHUNK_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  /** The unread bytes are those from `start` to `end`. */
  start = 0;
  end = 0;
  #offsetOfFirst = 0;

  /** Bytes of the input before `start`. */
  get position(): number {
    return this.#offsetOfFirst + this.start;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** Free memory behind the unread bytes, never empty. Moves the unread bytes: batches lent before are gone. */
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

  /** Says that `length` bytes of {@link room} have been filled. */
  commit(length: number): void {
    this.end += length;
  }

  unread(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }
}
