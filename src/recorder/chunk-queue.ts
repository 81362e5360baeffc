import { Serial } from "../async/serial.js";
import { nextState, type TransitionTable } from "../async/state-machine.js";
import { Wakeup } from "../async/wakeup.js";
import { FlowscribeError } from "../errors/errors.js";

export type QueueState =
  | { readonly name: "open" }
  /** No further chunk follows. After the queued ones, the iteration ends or throws the error. */
  | { readonly name: "complete"; readonly failure: { readonly error: unknown } | undefined }
  /** The reader has ended the iteration, or has reached its end. */
  | { readonly name: "left" };

export type QueueEvent =
  | { readonly name: "complete"; readonly failure: { readonly error: unknown } | undefined }
  | { readonly name: "leave" };

const left = (): QueueState => ({ name: "left" });

export const QUEUE_TRANSITIONS: TransitionTable<QueueState, QueueEvent> = {
  open: { complete: (_, { failure }) => ({ name: "complete", failure }), leave: left },
  complete: { complete: "impossible", leave: left },
  left: { complete: "ignored", leave: "ignored" },
};

/** Chunks of bytes for one reader. */
export class ChunkQueue {
  readonly #maxBytes: number;
  readonly #onLeave: () => void;
  readonly #chunks: Uint8Array[] = [];
  /** Wakes the reader: a chunk was queued, or the iteration ends. */
  readonly #readable = new Wakeup();
  /** Wakes the writer: the queue has free bytes, or the iteration ends. */
  readonly #writable = new Wakeup();
  #unreadBytes = 0;
  #isIterated = false;
  #state: QueueState = { name: "open" };

  /**
   * @param maxBytes {@link push} waits while more bytes are unread.
   * @param onLeave Called when the reader ends the iteration early.
   */
  constructor(maxBytes: number, onLeave: () => void) {
    this.#maxBytes = maxBytes;
    this.#onLeave = onLeave;
  }

  /** Can be iterated only once. Ending the iteration early discards the remaining chunks. */
  readonly chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      if (this.#isIterated) {
        throw new FlowscribeError("source_consumed", "the bytes of a recording can be read only once");
      }
      this.#isIterated = true;
      return this.#iterator();
    },
  };

  /** Queues a copy of the chunk. Returns a promise if the reader must catch up first. */
  push(chunk: Uint8Array): void | Promise<void> {
    if (this.#state.name === "left" || chunk.length === 0) return;
    this.#chunks.push(chunk.slice());
    this.#unreadBytes += chunk.length;
    this.#readable.wake();
    if (this.#unreadBytes > this.#maxBytes) return this.#writable.wait();
  }

  /** Ends the iteration after all queued chunks, with an error if there is a failure. */
  complete(failure?: { readonly error: unknown }): void {
    this.#apply({ name: "complete", failure });
    this.#readable.wake();
  }

  #apply(event: QueueEvent): void {
    this.#state = nextState(QUEUE_TRANSITIONS, this.#state, event);
  }

  /** Unlike that of a generator, `return` neither waits for a pending read nor requires that reading has begun. */
  #iterator(): AsyncIterator<Uint8Array, undefined> {
    const reads = new Serial();
    return {
      next: () => reads.run(() => this.#read()),
      return: async () => {
        this.#leave();
        return { done: true, value: undefined };
      },
    };
  }

  async #read(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#state.name !== "left") {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#unreadBytes -= chunk.length;
        if (this.#unreadBytes <= this.#maxBytes) this.#writable.wake();
        return { done: false, value: chunk };
      }
      if (this.#state.name === "complete") {
        const { failure } = this.#state;
        this.#apply({ name: "leave" });
        if (failure !== undefined) throw failure.error;
      } else {
        await this.#readable.wait();
      }
    }
    return { done: true, value: undefined };
  }

  #leave(): void {
    this.#apply({ name: "leave" });
    this.#chunks.length = 0;
    this.#readable.wake();
    this.#writable.wake();
    this.#onLeave();
  }
}
