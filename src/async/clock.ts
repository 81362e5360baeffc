import { type ValueCheck, withMethods } from "../errors/value-checks.js";
import { nextTurn } from "./event-loop-turns.js";

/** Time as the recorder sees it, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Calls back once, after at least `delayMs` (below 0 counts as 0); the function returned calls it off. */
  setTimer(delayMs: number, callback: () => void): () => void;
  /**
   * Resolves in another turn of the event loop, so that timers, signals and everybody else get theirs; at once when
   * absent.
   */
  turn?(): Promise<void>;
}

export const aClock: ValueCheck<Clock> = withMethods<Clock>(
  "a clock with `now` and `setTimer`",
  "now",
  "setTimer",
);

/** The longest delay that `setTimeout` takes; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The machine's own clock. */
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
