import { checkBatch, type PacketBatch } from "../batch.js";
import { type PacketSource, reusedBatchesOf } from "../source.js";

/** Returns the next batch, undefined at the end, or a promise if the source has to wait. */
export type Pull = () => PacketBatch | undefined | Promise<PacketBatch | undefined>;

/** Reads a source once, batch by batch. */
export interface BatchReader {
  /** Whether the batches may be changed in place; if so, each is only valid until the next call. */
  readonly writable: boolean;
  /**
   * The next batch, or undefined at the end. Returns a promise only if the source has to wait, since promises cost more
   * than small batches. Must not be called while a promise is pending. Throws or rejects as the source does.
   */
  next(): ReturnType<Pull>;
  /** Ends the iteration early. */
  leave(): Promise<void>;
}

/** Begins the single iteration over a source, the fastest that it supports. */
export function readBatches(source: PacketSource): BatchReader {
  const { batches, writable } = reusedBatchesOf(source);
  const iterator = batches[Symbol.asyncIterator]();
  const next: Pull =
    iterator instanceof BatchIterator
      ? () => iterator.pull()
      : async () => {
          const { done, value } = await iterator.next();
          if (done === true) return undefined;
          // Without the check, a source that yields undefined would appear to end.
          checkBatch("source", value);
          return value;
        };
  return {
    writable,
    next,
    leave: async () => {
      await iterator.return?.();
    },
  };
}

/**
 * The iteration over a source. A class, because a generator takes several times as long for every batch; like a
 * generator it serializes overlapping calls, and ends after an error.
 */
export class BatchIterator implements AsyncIterator<PacketBatch, undefined> {
  readonly #pull: Pull;
  readonly #leave: () => Promise<void>;
  #ended = false;
  #pending: Promise<unknown> | undefined;

  constructor(pull: Pull, leave: () => Promise<void>) {
    this.#pull = pull;
    this.#leave = leave;
  }

  async next(): Promise<IteratorResult<PacketBatch, undefined>> {
    while (this.#pending !== undefined) await this.#pending;
    const batch = await this.pull();
    return batch === undefined ? { done: true, value: undefined } : { done: false, value: batch };
  }

  /** The next batch, without a promise if it is available at once. Must not be called while a promise is pending. */
  pull(): ReturnType<Pull> {
    if (this.#ended) return undefined;
    try {
      const batch = this.#pull();
      if (batch instanceof Promise) return this.#waitFor(batch);
      if (batch === undefined) this.#ended = true;
      return batch;
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  async #waitFor(promise: Promise<PacketBatch | undefined>): Promise<PacketBatch | undefined> {
    this.#pending = promise.then(
      () => {},
      () => {},
    );
    try {
      const batch = await promise;
      if (batch === undefined) this.#ended = true;
      return batch;
    } catch (error) {
      this.#ended = true;
      throw error;
    } finally {
      this.#pending = undefined;
    }
  }

  async return(): Promise<IteratorResult<PacketBatch, undefined>> {
    if (!this.#ended) {
      this.#ended = true;
      await this.#leave();
    }
    return { done: true, value: undefined };
  }
}
