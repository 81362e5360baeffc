import type { Clock } from "../async/clock.js";

/** What the server says about a request. */
export type Answer =
  | { readonly kind: "done" }
  /** The same request will never succeed. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It may succeed later. */
  | { readonly kind: "failed"; readonly reason: string };

export interface RefusedItem<Item> {
  readonly item: Item;
  readonly reason: string;
}

export interface RequestRunOptions<Item> {
  /** Sends the request for an item. Returns a reason if the item can never be sent. */
  readonly send: (item: Item, index: number) => string | undefined;
  /** The most requests without an answer. */
  readonly maxPending: number;
  /** The longest time without any answer while answers are pending. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, "now" | "setTimer">;
}

/** Sends a request for each item of a list, several ahead, and waits for all answers. */
export class RequestRun<Item> {
  /** Resolves with the refused items, in their order, when all answers have arrived; rejects at the first failure. */
  readonly finished: Promise<readonly RefusedItem<Item>[]>;

  readonly #items: readonly Item[];
  readonly #options: RequestRunOptions<Item>;
  readonly #refused: { readonly index: number; readonly reason: string }[] = [];
  /** By index of the item: 1 if its answer has arrived. */
  readonly #answered: Uint8Array;
  #next = 0;
  #pending = 0;
  #state: "running" | "ended" = "running";
  #lastAnswerMs: number;
  #cancelTimer = () => {};
  #resolve!: (refused: readonly RefusedItem<Item>[]) => void;
  #reject!: (error: unknown) => void;

  constructor(items: readonly Item[], options: RequestRunOptions<Item>) {
    this.#items = items;
    this.#options = options;
    this.#answered = new Uint8Array(items.length);
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#lastAnswerMs = options.clock.now();
    this.#watch(options.timeoutMs);
    this.#send();
  }

  /** Processes the answer for the item with this index. Answers that come twice, or too late, have no effect. */
  answer(index: number, answer: Answer): void {
    if (this.#state === "ended" || !(index >= 0 && index < this.#next) || this.#answered[index] === 1) return;
    this.#answered[index] = 1;
    this.#pending--;
    this.#lastAnswerMs = this.#options.clock.now();
    if (answer.kind === "failed") {
      this.fail(new Error(answer.reason));
      return;
    }
    if (answer.kind === "refused") this.#refused.push({ index, reason: answer.reason });
    // Half of the bound at a time, so that the client sends many requests with one write.
    if (this.#pending <= this.#options.maxPending / 2) this.#send();
  }

  /** Ends the run with an error. No more requests are sent, and later answers are ignored. */
  fail(error: unknown): void {
    if (this.#state === "ended") return;
    this.#end();
    this.#reject(error);
  }

  #send(): void {
    const { send, maxPending } = this.#options;
    try {
      while (this.#next < this.#items.length && this.#pending < maxPending) {
        const index = this.#next++;
        const reason = send(this.#itemAt(index), index);
        if (reason === undefined) {
          this.#pending++;
        } else {
          this.#answered[index] = 1;
          this.#refused.push({ index, reason });
        }
      }
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#next === this.#items.length && this.#pending === 0) this.#succeed();
  }

  #succeed(): void {
    this.#end();
    const refused = this.#refused.sort((a, b) => a.index - b.index);
    this.#resolve(refused.map(({ index, reason }) => ({ item: this.#itemAt(index), reason })));
  }

  #itemAt(index: number): Item {
    // True because callers only pass indices of the list; `Item` may include undefined.
    return this.#items[index] as Item;
  }

  /** One timer for all answers: setting one for each request costs more than sending it. */
  #watch(delayMs: number): void {
    const { clock, timeoutMs } = this.#options;
    this.#cancelTimer = clock.setTimer(delayMs, () => {
      const leftMs = this.#lastAnswerMs + timeoutMs - clock.now();
      if (leftMs > 0) this.#watch(leftMs);
      else this.fail(new Error(`no answer for ${timeoutMs} ms, with ${this.#pending} messages pending`));
    });
  }

  #end(): void {
    this.#state = "ended";
    this.#cancelTimer();
  }
}
