/** Work that never waits gives others a turn after this long; with the step at hand that makes less than 20 ms. */
export const TURN_INTERVAL_MS = 10;

/** Node runs it after everything that is due; browsers lack it. The cast: neither library of types declares both. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };

/** Resolves in another turn of the event loop, after timers, signals and input that are due. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => (setImmediate ?? setTimeout)(resolve));
}

/** A promise to wait for when the event loop is due a turn, else undefined. */
export type TurnDue = () => Promise<void> | undefined;

/** What tests replace. */
export interface TurnOptions {
  /** Milliseconds, as `Date.now()`. */
  readonly now?: () => number;
  readonly turn?: () => Promise<void>;
}

/**
 * Keeps a loop over data that is already in memory from starving timers, signals and other connections: promises that
 * are resolved already give them no turn. Ask between two steps of the loop, each of a few milliseconds at most; a turn
 * is due after {@link TURN_INTERVAL_MS} of work.
 *
 * It measures time and not bytes, as the same bytes may take a thousand times as long: compressed or not, filtered or not.
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
    // A clock that is set back must not put off the turn.
    if (elapsedMs >= 0 && elapsedMs < TURN_INTERVAL_MS) return undefined;
    return turn().then(() => {
      lastMs = now();
    });
  };
}
