import { vi } from "vitest";
import { TURN_INTERVAL_MS } from "../../src/async/event-loop-turns.js";

/**
 * Turns of the event loop during a piece of work, independent of the speed of the machine: `Date.now` advances by
 * `stepMs` with every call. By default a turn is due at every step.
 */
export async function turnsDuring(
  work: () => Promise<unknown>,
  stepMs: number = TURN_INTERVAL_MS,
): Promise<number> {
  let turns = 0;
  let ms = Date.now();
  const clock = vi.spyOn(Date, "now").mockImplementation(() => {
    ms += stepMs;
    return ms;
  });
  let immediate = setImmediate(function tick() {
    turns++;
    immediate = setImmediate(tick);
  });
  try {
    await work();
    return turns;
  } finally {
    clearImmediate(immediate);
    clock.mockRestore();
  }
}
