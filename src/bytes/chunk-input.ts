import type { ByteInput } from "./byte-input.js";
import { isUint8Array } from "./is-uint8-array.js";

/** The part of a web `ReadableStream` that is used here; declared so that the package does not need DOM types. */
export interface ReadableStreamLike<Chunk = Uint8Array> {
  /** Locks the stream to one reader. */
  getReader(): {
    /** Resolves to the next chunk, or to `done` at the end. */
    read(): Promise<{ readonly done: boolean; readonly value?: Chunk | undefined }>;
    /** Cancels the stream. */
    cancel(): Promise<void>;
  };
}

/** A single chunk, or chunks of any size (including empty ones). */
type Chunks = string | Uint8Array | Iterable<unknown> | AsyncIterable<unknown> | ReadableStreamLike<unknown>;

/**
 * Creates an input from chunks. A chunk is copied before the next one is requested. Begins the iteration at once; closing
 * the input ends it early.
 *
 * @param toBytes Converts a chunk; throws for values that are not chunks. By default every chunk must be a Uint8Array.
 */
export function createChunkInput(
  chunks: Chunks,
  // True for streams of files and sockets, for which no caller needs a check.
  toBytes: (chunk: unknown) => Uint8Array = (chunk) => chunk as Uint8Array,
): ByteInput {
  const iterator = iteratorOf(chunks);
  let chunk = new Uint8Array(0) as Uint8Array;
  let at = 0;
  let ended = false;
  let waiting = false;

  function copyTo(buffer: Uint8Array): number {
    const length = Math.min(buffer.length, chunk.length - at);
    buffer.set(chunk.subarray(at, at + length));
    at += length;
    return length;
  }

  async function fetchInto(buffer: Uint8Array): Promise<number> {
    while (at === chunk.length && !ended) {
      waiting = true;
      const { done, value } = await iterator.next();
      waiting = false;
      if (done === true) {
        ended = true;
      } else {
        chunk = toBytes(value);
        at = 0;
      }
    }
    return copyTo(buffer);
  }

  return {
    readInto: (buffer) => (at < chunk.length ? copyTo(buffer) : fetchInto(buffer)),
    close: async () => {
      if (ended) return;
      ended = true;
      const leaving = Promise.resolve(iterator.return?.());
      // Not awaited: a stream with a pending read may never settle this either.
      if (waiting) leaving.catch(() => {});
      else await leaving;
    },
  };
}

function iteratorOf(chunks: Chunks): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof chunks === "string" || isUint8Array(chunks)) return [chunks][Symbol.iterator]();
  if (Symbol.asyncIterator in chunks) return chunks[Symbol.asyncIterator]();
  if (Symbol.iterator in chunks) return chunks[Symbol.iterator]();
  const reader = chunks.getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done || value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
