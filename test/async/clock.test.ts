import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";

const START_MS = 1_700_000_000_000;

interface ClockUnderTest {
  readonly clock: Clock;
  advance(milliseconds: number): void;
  pending(): number;
}

const CLOCKS: readonly { name: string; create: () => ClockUnderTest }[] = [
  {
    name: "the system clock",
    create: () => ({
      clock: systemClock,
      advance: (milliseconds) => vi.advanceTimersByTime(milliseconds),
      pending: () => vi.getTimerCount(),
    }),
  },
  {
    name: "the fake clock",
    create: () => {
      const clock = fakeClock(START_MS);
      return { clock, advance: clock.advance, pending: () => clock.pending };
    },
  },
];

describe.each(CLOCKS)("$name", ({ create }) => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START_MS, toFake: ["setTimeout", "clearTimeout", "Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("now: returns milliseconds since 1970", () => {
    const { clock, advance } = create();
    expect(clock.now()).toBe(START_MS);
    advance(1500);
    expect(clock.now()).toBe(START_MS + 1500);
  });

  test.each([
    { name: "a delay", delayMs: 250, afterMs: 250 },
    { name: "no delay", delayMs: 0, afterMs: 0 },
    { name: "a negative delay counts as 0", delayMs: -5000, afterMs: 0 },
    { name: "the longest delay of setTimeout", delayMs: 2 ** 31 - 1, afterMs: 2 ** 31 - 1 },
    { name: "one more than the longest delay of setTimeout", delayMs: 2 ** 31, afterMs: 2 ** 31 },
    { name: "a hundred days", delayMs: 8_640_000_000, afterMs: 8_640_000_000 },
  ])("calls back once, at the time and not before: $name", ({ delayMs, afterMs }) => {
    const { clock, advance, pending } = create();
    const callback = vi.fn();
    clock.setTimer(delayMs, callback);
    expect(callback).not.toHaveBeenCalled();
    if (afterMs > 0) advance(afterMs - 1);
    expect(callback).not.toHaveBeenCalled();
    // setTimeout waits a millisecond even for a delay of 0.
    advance(1);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(pending()).toBe(0);
    advance(afterMs + 1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([
    { name: "at once", afterMs: 0 },
    { name: "on the way", afterMs: 2 ** 31 + 10 },
  ])("a cancelled timer never calls back: $name", ({ afterMs }) => {
    const { clock, advance, pending } = create();
    const callback = vi.fn();
    const callOff = clock.setTimer(2 ** 32, callback);
    expect(pending()).toBe(1);
    advance(afterMs);
    callOff();
    expect(pending()).toBe(0);
    advance(2 ** 33);
    expect(callback).not.toHaveBeenCalled();
  });

  test("cancelling too late, or twice, has no effect", () => {
    const { clock, advance, pending } = create();
    const other = vi.fn();
    const callOff = clock.setTimer(1, () => {});
    advance(1);
    clock.setTimer(1, other);
    callOff();
    callOff();
    expect(pending()).toBe(1);
    advance(1);
    expect(other).toHaveBeenCalledTimes(1);
  });
});

describe("fakeClock", () => {
  test("timers run in the order of their times, and see them", () => {
    const timers = fc.array(fc.record({ delayMs: fc.integer({ min: -5, max: 50 }), again: fc.nat(20) }));
    fc.assert(
      fc.property(timers, fc.array(fc.nat(30)), (specs, steps) => {
        const clock = fakeClock(1000);
        const ran: { at: number; due: number; order: number }[] = [];
        let order = 0;
        function set(delayMs: number, again: number): void {
          const due = clock.now() + Math.max(0, delayMs);
          const own = order++;
          clock.setTimer(delayMs, () => {
            ran.push({ at: clock.now(), due, order: own });
            if (again > 0) set(again, 0);
          });
        }
        for (const { delayMs, again } of specs) set(delayMs, again);
        for (const step of steps) {
          const before = clock.now();
          clock.advance(step);
          expect(clock.now()).toBe(before + step);
        }
        for (const { at, due } of ran) expect(at).toBe(due);
        expect(ran).toEqual([...ran].sort((a, b) => a.due - b.due || a.order - b.order));
        const end = clock.now();
        expect(ran.every(({ due }) => due <= end)).toBe(true);
        expect(clock.pending).toBe(order - ran.length);
      }),
    );
  });

  test("a timer that another one cancels at the same time does not run", () => {
    const clock = fakeClock();
    const second = vi.fn();
    let callOff = () => {};
    clock.setTimer(5, () => callOff());
    callOff = clock.setTimer(5, second);
    clock.advance(5);
    expect(second).not.toHaveBeenCalled();
  });

  test("advance: rejects what is not a number", () => {
    // The cast is of what callers without types pass.
    expect(() => fakeClock().advance("5" as unknown as number)).toThrow(
      new TypeError('advance: milliseconds must be a number, not "5"'),
    );
  });

  test.each([-1, Number.NaN])("advance: rejects %s", (milliseconds) => {
    expect(() => fakeClock().advance(milliseconds)).toThrow(RangeError);
  });
});
