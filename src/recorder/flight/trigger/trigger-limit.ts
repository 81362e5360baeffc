import type { Clock } from "../../../async/clock.js";

const MINUTE_MS = 60_000;

/** Allows a number of triggers within any 60 seconds. */
export class TriggerLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  /** The times of the latest allowed triggers, at most as many as are allowed. */
  readonly #allowedMs: number[] = [];
  #refused = 0;

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Whether one more trigger is allowed; counts it. */
  allows(): boolean {
    const now = this.#clock.now();
    while (this.#allowedMs.length > 0 && now - this.#allowedMs[0]! >= MINUTE_MS) this.#allowedMs.shift();
    // If the clock was set back, the old times would refuse triggers for longer than a minute.
    if ((this.#allowedMs.at(-1) ?? now) > now) this.#allowedMs.length = 0;
    if (this.#allowedMs.length >= this.#perMinute) {
      this.#refused++;
      return false;
    }
    this.#allowedMs.push(now);
    return true;
  }
}
