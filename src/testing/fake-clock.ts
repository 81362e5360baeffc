import type { Clock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { aNumber } from "../errors/value-checks.js";

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /**
   * Lets time pass. Timers that come due run in the order of their times, those of the same time in the order in which
   * they were set; each sees its own time as `now()`, and timers it sets run as well when they come due by the end.
   */
  advance(milliseconds: number): void;
  /** Timers that have neither run nor been called off. */
  readonly pending: number;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * A clock that stands until it is moved; timers fire as it passes them.
 *
 * @param startMs The time at which the clock stands at first, in milliseconds since 1970.
 */
export function fakeClock(startMs = 0): FakeClock {
  checkArgument("fakeClock", "startMs", startMs, aNumber);
  const timers = new Set<Timer>();
  let nowMs = startMs;

  /** The timer to run next, if it is due by a time. A set keeps the order of setting. */
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
