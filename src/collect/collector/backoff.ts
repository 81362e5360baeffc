import { sleep } from "../../async/abort.js";
import type { Clock } from "../../async/clock.js";
import type { RetryOptions } from "./options.js";

const DEFAULTS: Required<RetryOptions> = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  maxAttempts: Number.POSITIVE_INFINITY,
};

/** Repeats an operation that fails, with growing delays. */
export class Backoff {
  readonly #options: Required<RetryOptions>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  /** @param signal Ends a delay; the operation then rejects with its reason. */
  constructor(options: RetryOptions, clock: Clock, signal: AbortSignal) {
    this.#options = { ...DEFAULTS, ...options };
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * Calls the operation until it resolves. Rejects with its error after the last attempt.
   *
   * @param onFailure Called before each delay.
   */
  async run(
    operation: () => Promise<void>,
    onFailure: (error: unknown, attempt: number, delayMs: number) => void,
  ): Promise<void> {
    const { initialDelayMs, maxDelayMs, maxAttempts } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await operation();
      } catch (error) {
        this.#signal.throwIfAborted();
        if (attempt >= maxAttempts) throw error;
        const delayMs = Math.min(initialDelayMs * 2 ** (attempt - 1), maxDelayMs);
        onFailure(error, attempt, delayMs);
        await sleep(delayMs, this.#clock, this.#signal);
        this.#signal.throwIfAborted();
      }
    }
  }
}
