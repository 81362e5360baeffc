import type { Clock } from "../async/clock.js";
import type { StreamMessage } from "./consumer.js";

/**
 * The messages that are delivered and not acknowledged. Those that are kept longer than half the time in which the server
 * expects an acknowledgement are reported as in progress, so that it does not deliver them again.
 */
export class KeptMessages {
  /** When each message was delivered or last reported. */
  readonly #messages = new Map<StreamMessage, number>();
  readonly #ackWaitMs: number;
  readonly #clock: Clock;
  #cancelTimer: (() => void) | undefined;

  constructor(ackWaitMs: number, clock: Clock) {
    this.#ackWaitMs = ackWaitMs;
    this.#clock = clock;
  }

  get size(): number {
    return this.#messages.size;
  }

  add(message: StreamMessage): void {
    this.#messages.set(message, this.#clock.now());
    this.#watch();
  }

  delete(...messages: readonly StreamMessage[]): void {
    for (const message of messages) this.#messages.delete(message);
    if (this.#messages.size === 0) this.clear();
  }

  /** Forgets all messages. */
  clear(): void {
    this.#messages.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #watch(): void {
    this.#cancelTimer ??= this.#clock.setTimer(this.#ackWaitMs / 4, () => {
      this.#cancelTimer = undefined;
      this.#report();
      if (this.#messages.size > 0) this.#watch();
    });
  }

  #report(): void {
    const nowMs = this.#clock.now();
    for (const [message, sinceMs] of this.#messages) {
      if (nowMs - sinceMs < this.#ackWaitMs / 2) continue;
      this.#messages.set(message, nowMs);
      message.working();
    }
  }
}
