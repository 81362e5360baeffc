import { Serial } from "./serial.js";
import { nextState, type TransitionTable } from "./state-machine.js";
import { Wakeup } from "./wakeup.js";

/** Why a queue ends with an error. */
export interface QueueFailure {
  readonly error: unknown;
}

export type QueueState =
  | { readonly name: "open" }
  /** No further item is accepted. After the queued ones, the iteration ends or throws the error. */
  | { readonly name: "ended"; readonly failure: QueueFailure | undefined }
  /** The reader has ended the iteration, or has reached its end. */
  | { readonly name: "left" };

export type QueueEvent =
  | { readonly name: "end"; readonly failure: QueueFailure | undefined }
  | { readonly name: "leave" };

const left = (): QueueState => ({ name: "left" });

export const QUEUE_TRANSITIONS: TransitionTable<QueueState, QueueEvent> = {
  open: { end: (_, { failure }) => ({ name: "ended", failure }), leave: left },
  ended: { end: "ignored", leave: left },
  left: { end: "ignored", leave: "ignored" },
};

/**
 * A queue between writers and one reader, who iterates it. Drops nothing: a writer that awaits {@link push} waits while
 * the items are larger than the bound together, so the queue exceeds it by at most one item of each writer.
 *
 * Reads may overlap; they get the items in the order of the calls.
 *
 * @example
 * const queue = new BoundedQueue<Uint8Array>(64 * 1024, (chunk) => chunk.length);
 * async function write() {
 *   for (const chunk of chunks) await queue.push(chunk);
 *   queue.end();
 * }
 * write().catch((error) => queue.end({ error }));
 * for await (const chunk of queue) use(chunk);
 */
export class BoundedQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #maxSize: number;
  readonly #sizeOf: (item: T) => number;
  readonly #items: T[] = [];
  readonly #reads = new Serial();
  /** Wakes the reader: an item was queued, or the iteration ends. */
  readonly #readable = new Wakeup();
  /** Wakes the writers: the queue is within its bound, or the reader has left. */
  readonly #writable = new Wakeup();
  #size = 0;
  #state: QueueState = { name: "open" };

  /**
   * @param maxSize The bound, in the unit of `sizeOf`.
   * @param sizeOf The size of an item, which must not change while it is queued. By default every item counts as 1.
   */
  constructor(maxSize: number, sizeOf: (item: T) => number = () => 1) {
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
  }

  /**
   * Queues an item, unless the queue has ended or the reader has left. Returns a promise if the queue is now larger than
   * its bound; it resolves when the reader has caught up or left.
   */
  push(item: T): void | Promise<void> {
    if (this.#state.name !== "open") return;
    this.#items.push(item);
    this.#size += this.#sizeOf(item);
    this.#readable.wake();
    if (this.#size > this.#maxSize) return this.#writable.wait();
  }

  /** The item that the next read returns, if it is already queued. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Takes the item that {@link peek} returns. Not while a read is pending. */
  take(): T {
    if (this.#items.length === 0) throw new Error("the queue is empty");
    return this.#shift();
  }

  /** Ends the iteration after all queued items, with an error if there is a failure. Only the first call counts. */
  end(failure?: QueueFailure): void {
    this.#apply({ name: "end", failure });
    this.#readable.wake();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#reads.run(() => this.#read());
  }

  /**
   * Discards the queued items and ends the iteration. Unlike that of a generator, it neither waits for a pending read,
   * which ends, nor requires that reading has begun.
   */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#apply({ name: "leave" });
    this.#items.length = 0;
    this.#size = 0;
    this.#readable.wake();
    this.#writable.wake();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #apply(event: QueueEvent): void {
    this.#state = nextState(QUEUE_TRANSITIONS, this.#state, event);
  }

  async #read(): Promise<IteratorResult<T, undefined>> {
    while (this.#state.name !== "left") {
      if (this.#items.length > 0) return { done: false, value: this.#shift() };
      if (this.#state.name === "ended") {
        const { failure } = this.#state;
        this.#apply({ name: "leave" });
        if (failure !== undefined) throw failure.error;
      } else {
        await this.#readable.wait();
      }
    }
    return { done: true, value: undefined };
  }

  #shift(): T {
    // True because the caller has checked that there is an item; `T` may include undefined.
    const item = this.#items.shift() as T;
    this.#size -= this.#sizeOf(item);
    if (this.#size <= this.#maxSize) this.#writable.wake();
    return item;
  }
}
