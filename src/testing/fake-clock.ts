import type { Clock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { aNumber } from "../errors/value-checks.js";

/** A clock that only advances when the test calls `advance`. */
export interface FakeClock extends Clock {
  /**
   * Advances the clock. Due timers run in the order of their times, and of their creation for equal times. While a
   * timer runs, `now()` returns its time. Timers that it sets run as well if they are due by the end.
   *
   * @throws RangeError for a negative number of milliseconds and NaN; TypeError for what is not a number.
   */
  advance(milliseconds: number): void;
  /** Number of timers that have neither run nor been cancelled. */
  readonly pending: number;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * Creates a clock that only advances when the test says so; timers fire when it passes them.
 *
 * @param startMs Initial time of the clock, in milliseconds since 1970; default 0.
 */
export function fakeClock(startMs = 0): FakeClock {
  checkArgument("fakeClock", "startMs", startMs, aNumber);
  const timers = new Set<Timer>();
  let nowMs = startMs;

  /** The next timer to run, if it is due by `byMs`. The set keeps the order of creation. */
  function nextDue(byMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs <= byMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }

  return {
    now: () => nowMs,
    setTimer: (delayMs, callback) => {
      const timer = { dueMs: nowMs + Math.max(delayMs, 0), callback };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance: (milliseconds) => {
      if (typeof milliseconds !== "number") checkArgument("advance", "milliseconds", milliseconds, aNumber);
      if (!(milliseconds >= 0)) throw new RangeError(`time does not pass by ${milliseconds} ms`);
      const endMs = nowMs + milliseconds;
      for (let timer = nextDue(endMs); timer !== undefined; timer = nextDue(endMs)) {
        timers.delete(timer);
        nowMs = timer.dueMs;
        timer.callback();
      }
      nowMs = endMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
