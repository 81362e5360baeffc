/** How long synchronous work may run before it yields to the event loop; including the current step, below 20 ms. */
export const TURN_INTERVAL_MS = 10;

/** Node runs it after all due events; browsers lack it. The cast is needed as neither type library declares both. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };

/** Resolves in a later turn of the event loop, after due timers, signals and input. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => (setImmediate ?? setTimeout)(resolve));
}

/** Returns a promise to await if the event loop is due a turn, otherwise undefined. */
export type TurnDue = () => Promise<void> | undefined;

/** Replacements for tests. */
export interface TurnOptions {
  /** Milliseconds, like `Date.now()`. */
  readonly now?: () => number;
  readonly turn?: () => Promise<void>;
}

/**
 * Prevents a loop over data in memory from starving timers, signals and other connections: awaiting a resolved promise
 * does not let them run. Call the returned function between the steps of the loop, of at most a few milliseconds each;
 * a turn is due after {@link TURN_INTERVAL_MS} of work.
 *
 * It measures time, not bytes, because compression or filters can make the same number of bytes a thousand times as
 * expensive.
 *
 * @example
 * const turnDue = createTurnDue();
 * for (const step of steps) {
 *   step();
 *   const turn = turnDue();
 *   if (turn !== undefined) await turn;
 * }
 */
export function createTurnDue({ now = () => Date.now(), turn = nextTurn }: TurnOptions = {}): TurnDue {
  let lastMs = now();
  return () => {
    const elapsedMs = now() - lastMs;
    // If the clock was set back, a turn is due at once.
    if (elapsedMs >= 0 && elapsedMs < TURN_INTERVAL_MS) return undefined;
    return turn().then(() => {
      lastMs = now();
    });
  };
}
