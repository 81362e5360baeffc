import type { Clock } from "./clock.js";
import { Wakeup } from "./wakeup.js";

/** A read that has begun: settled or not. */
type Read<E> =
  | { readonly state: "pending" }
  | { readonly state: "read"; readonly result: IteratorResult<E> }
  | { readonly state: "failed"; readonly error: unknown };

/** How often a reader is interrupted. */
export interface IntervalReaderOptions {
  /** In milliseconds, from the creation of the reader; undefined for never. */
  readonly intervalMs: number | undefined;
  readonly clock: Pick<Clock, "setTimer">;
}

/**
 * Reads an iterator, and reports when an interval is over, also while a read is pending; the next call then continues
 * that read. Intervals that end while nobody calls {@link next} are reported once, by the next call. Close the reader to
 * stop its timer.
 */
export class IntervalReader<E> {
  readonly #iterator: AsyncIterator<E> | Iterator<E>;
  readonly #changed = new Wakeup();
  #cancelTimer = () => {};
  #read: Read<E> | undefined;
  #isOver = false;
  #isDone = false;

  constructor(input: AsyncIterable<E> | Iterable<E>, { intervalMs, clock }: IntervalReaderOptions) {
    this.#iterator = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
    if (intervalMs === undefined) return;
    const startTimer = () => {
      this.#cancelTimer = clock.setTimer(intervalMs, () => {
        this.#isOver = true;
        this.#changed.wake();
        startTimer();
      });
    };
    startTimer();
  }

  async next(): Promise<IteratorResult<E> | "interval"> {
    for (;;) {
      if (this.#isOver) {
        this.#isOver = false;
        return "interval";
      }
      if (this.#read === undefined) this.#begin();
      const read = this.#read;
      if (read === undefined || read.state === "pending") {
        await this.#changed.wait();
        continue;
      }
      this.#read = undefined;
      if (read.state === "read" && read.result.done !== true) return read.result;
      this.#isDone = true;
      if (read.state === "failed") throw read.error;
      return read.result;
    }
  }

  /** Ends the iterator, unless it has ended. One with a pending read may never answer, so it is not awaited. */
  async close(): Promise<void> {
    this.#cancelTimer();
    if (this.#isDone) return;
    this.#isDone = true;
    const isReading = this.#read?.state === "pending";
    const closed = this.#iterator.return?.();
    if (!isReading) await closed;
    else if (closed instanceof Promise) closed.catch(() => {});
  }

  #begin(): void {
    this.#read = { state: "pending" };
    const settle = (read: Read<E>) => {
      this.#read = read;
      this.#changed.wake();
    };
    // A synchronous iterator may throw.
    new Promise<IteratorResult<E>>((resolve) => resolve(this.#iterator.next())).then(
      (result) => settle({ state: "read", result }),
      (error: unknown) => settle({ state: "failed", error }),
    );
  }
}
