import { Serial } from "../../async/serial.js";

/** Iterates over single responses. A class, because a generator within a generator takes several turns for each. */
export class ResponseIterator<T> implements AsyncIterator<T, undefined> {
  readonly #batches: AsyncIterableIterator<T[]>;
  readonly #reads = new Serial();
  #batch: T[] = [];
  #at = 0;

  constructor(batches: AsyncIterableIterator<T[]>) {
    this.#batches = batches;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#at < this.#batch.length && this.#reads.isIdle) return this.#take();
    return this.#reads.run(async () => {
      if (this.#at === this.#batch.length) {
        const { done, value } = await this.#batches.next();
        if (done === true) return { done, value: undefined };
        this.#batch = value;
        this.#at = 0;
      }
      return this.#take();
    });
  }

  #take(): IteratorResult<T, undefined> {
    return { done: false, value: this.#batch[this.#at++]! };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#batch = [];
    this.#at = 0;
    await this.#batches.return?.();
    return { done: true, value: undefined };
  }
}
