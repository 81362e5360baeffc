import { expect, test } from "vitest";
import { createTurnDue, nextTurn, TURN_INTERVAL_MS } from "../../src/async/event-loop-turns.js";

function fakeTurns() {
  let ms = 1000;
  let turns = 0;
  const turnDue = createTurnDue({
    now: () => ms,
    turn: async () => {
      turns++;
      // Others work for long in their turn.
      ms += 500;
    },
  });
  return { turnDue, turns: () => turns, pass: (elapsed: number) => (ms += elapsed) };
}

test("createTurnDue: a turn is due when the interval has passed, and not again before the next one", async () => {
  const { turnDue, turns, pass } = fakeTurns();
  expect(turnDue()).toBeUndefined();
  pass(TURN_INTERVAL_MS - 1);
  expect(turnDue()).toBeUndefined();
  pass(1);
  await turnDue();
  expect(turns()).toBe(1);
  expect(turnDue()).toBeUndefined();
  pass(TURN_INTERVAL_MS);
  await turnDue();
  expect(turns()).toBe(2);
});

test("createTurnDue: a clock that is set back does not delay the turn", async () => {
  const { turnDue, turns, pass } = fakeTurns();
  pass(-3_600_000);
  await turnDue();
  expect(turns()).toBe(1);
  expect(turnDue()).toBeUndefined();
});

test("nextTurn: runs timers", async () => {
  const order: string[] = [];
  const timer = new Promise<void>((resolve) =>
    setTimeout(() => {
      order.push("timer");
      resolve();
    }, 0),
  );
  // A timer is due after a millisecond at the earliest.
  while (!order.includes("timer")) {
    await nextTurn();
    order.push("turn");
  }
  await timer;
  expect(order).toContain("turn");
});
