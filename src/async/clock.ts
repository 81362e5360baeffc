import { type ValueCheck, withMethods } from "../errors/value-checks.js";
import { nextTurn } from "./event-loop-turns.js";

/** The source of time and timers, replaceable so that tests need not wait. */
export interface Clock {
  /** Milliseconds since 1970, like `Date.now()`. */
  now(): number;
  /**
   * Calls back once, after at least `delayMs` (negative values count as 0). Returns a function that cancels the timer.
   */
  setTimer(delayMs: number, callback: () => void): () => void;
  /**
   * Resolves in a later turn of the event loop, so that due timers, signals and other work can run. If absent, callers
   * continue without yielding.
   */
  turn?(): Promise<void>;
}

export const aClock: ValueCheck<Clock> = withMethods<Clock>(
  "a clock with `now` and `setTimer`",
  "now",
  "setTimer",
);

/** Maximum delay of `setTimeout`; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The system clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    let left = delayMs;
    let timer: ReturnType<typeof setTimeout>;
    function wait(): void {
      const delay = Math.min(Math.max(left, 0), MAX_DELAY_MS);
      left -= delay;
      timer = setTimeout(left > 0 ? wait : callback, delay);
    }
    wait();
    return () => clearTimeout(timer);
  },
  turn: nextTurn,
};
