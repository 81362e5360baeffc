import type { Clock } from "../async/clock.js";
import { describeValue } from "../errors/describe-value.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import type { RefusedEvent } from "../observer/events/flow-sink.js";
import type { Acknowledgement } from "./acknowledgement.js";

/** What a run needs of its sink. */
export interface PublishRunOptions {
  /** Publishes an event, and expects the answer with this number. Returns a reason if the event can never be published. */
  readonly publish: (event: EncodedEvent, index: number) => string | undefined;
  /** The subject of an event, for messages. */
  readonly subjectOf: (event: EncodedEvent) => string;
  /** The most messages without an answer. */
  readonly maxPending: number;
  /** The longest time without any answer while answers are pending. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, "now" | "setTimer">;
}

/** Publishes the events of one call of `write` and waits for their acknowledgements. */
export class PublishRun {
  /** Resolves with the refused events when all answers have arrived; rejects at the first failure. */
  readonly finished: Promise<readonly RefusedEvent[]>;

  readonly #events: readonly EncodedEvent[];
  readonly #options: PublishRunOptions;
  readonly #refused: { readonly index: number; readonly reason: string }[] = [];
  /** By index of the event: whether its answer has arrived. */
  readonly #answered: Uint8Array;
  #next = 0;
  #pending = 0;
  #state: "running" | "ended" = "running";
  #lastAnswerMs: number;
  #cancelTimer = () => {};
  #resolve!: (refused: readonly RefusedEvent[]) => void;
  #reject!: (error: unknown) => void;

  constructor(events: readonly EncodedEvent[], options: PublishRunOptions) {
    this.#events = events;
    this.#options = options;
    this.#answered = new Uint8Array(events.length);
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // The caller may have given up before.
    this.finished.catch(() => {});
    this.#lastAnswerMs = options.clock.now();
    this.#watch(options.timeoutMs);
    this.#publish();
  }

  /** Processes the answer for the event with this index. Answers that come twice, or too late, have no effect. */
  answer(index: number, answer: Acknowledgement): void {
    if (this.#state === "ended" || index >= this.#next || this.#answered[index] === 1) return;
    this.#answered[index] = 1;
    this.#pending--;
    this.#lastAnswerMs = this.#options.clock.now();
    if (answer.kind === "failed") {
      const subject = this.#options.subjectOf(this.#events[index] as EncodedEvent);
      this.fail(new Error(`${describeValue(subject)}: ${answer.reason}`));
      return;
    }
    if (answer.kind === "refused") this.#refused.push({ index, reason: answer.reason });
    // Half of the bound at a time, so that the client sends many messages with one write.
    if (this.#pending <= this.#options.maxPending / 2) this.#publish();
  }

  /** Ends the run with an error. No more events are published, and later answers are ignored. */
  fail(error: unknown): void {
    if (this.#state === "ended") return;
    this.#end();
    this.#reject(error);
  }

  #publish(): void {
    const { publish, maxPending } = this.#options;
    try {
      while (this.#next < this.#events.length && this.#pending < maxPending) {
        const index = this.#next++;
        // True because the index is in range.
        const reason = publish(this.#events[index] as EncodedEvent, index);
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
    if (this.#next === this.#events.length && this.#pending === 0) this.#succeed();
  }

  #succeed(): void {
    this.#end();
    const refused = this.#refused.sort((a, b) => a.index - b.index);
    this.#resolve(
      refused.map(({ index, reason }) => ({ event: this.#events[index] as EncodedEvent, reason })),
    );
  }

  /** One timer for all answers: setting one for each message costs more than publishing it. */
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
