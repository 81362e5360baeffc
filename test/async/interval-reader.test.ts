import { describe, expect, test } from "vitest";
import { IntervalReader } from "../../src/async/interval-reader.js";
import { fakeClock } from "../support/fake-clock.js";

describe("IntervalReader", () => {
  test("reads an iterable to its end", async () => {
    const reader = new IntervalReader(["a", "b"], { intervalMs: undefined, clock: fakeClock() });
    expect(await reader.next()).toEqual({ done: false, value: "a" });
    expect(await reader.next()).toEqual({ done: false, value: "b" });
    expect(await reader.next()).toMatchObject({ done: true });
  });

  test("reports the end of an interval during a read, and then continues the read", async () => {
    const clock = fakeClock();
    let answer = (_: string) => {};
    async function* input() {
      yield await new Promise<string>((resolve) => {
        answer = resolve;
      });
    }
    const reader = new IntervalReader(input(), { intervalMs: 1000, clock });
    const first = reader.next();
    await Promise.resolve();
    clock.advance(1000);
    expect(await first).toBe("interval");
    const second = reader.next();
    answer("a");
    expect(await second).toEqual({ done: false, value: "a" });
    expect(clock.pending).toBe(1);
    await reader.close();
    expect(clock.pending).toBe(0);
  });

  test("reports several intervals that end between two reads once", async () => {
    const clock = fakeClock();
    const reader = new IntervalReader(["a"], { intervalMs: 1000, clock });
    clock.advance(5000);
    expect(await reader.next()).toBe("interval");
    expect(await reader.next()).toEqual({ done: false, value: "a" });
    await reader.close();
  });

  test.each([
    [
      "asynchronous",
      async function* () {
        yield* [];
        throw new Error("lost");
      },
    ],
    [
      "synchronous",
      function* () {
        yield* [];
        throw new Error("lost");
      },
    ],
  ])("throws the error of an %s input", async (_, input) => {
    const reader = new IntervalReader<never>(input(), { intervalMs: undefined, clock: fakeClock() });
    await expect(reader.next()).rejects.toThrow("lost");
    await reader.close();
  });

  test("ends the input when it is closed, without waiting for a pending read", async () => {
    let returned = 0;
    const input = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<string>>(() => {}),
        return: () => {
          returned++;
          return Promise.reject(new Error("not closed"));
        },
      }),
    };
    const reader = new IntervalReader(input, { intervalMs: undefined, clock: fakeClock() });
    reader.next();
    await reader.close();
    await reader.close();
    expect(returned).toBe(1);
  });
});
