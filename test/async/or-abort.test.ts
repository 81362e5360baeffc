import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { iterateOrAbort, orAbort } from "../../src/async/or-abort.js";

const NEVER = new Promise<never>(() => {});

describe("orAbort", () => {
  test("passes on the value and the error, and removes its listener", async () => {
    const { signal } = new AbortController();
    const error = new Error("no");
    await expect(orAbort(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(orAbort(Promise.reject(error), signal)).rejects.toBe(error);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("ends with the signal's reason, whatever the promise does", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const waiting = orAbort(NEVER, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(orAbort(NEVER, controller.signal)).rejects.toBe(reason);
  });
});

describe("iterateOrAbort", () => {
  test("ends a wait when the signal is aborted, though the input does not answer", async () => {
    let isAskedToEnd = false;
    const input: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => NEVER,
        return: () => {
          isAskedToEnd = true;
          return NEVER;
        },
      }),
    };
    const controller = new AbortController();
    const reason = new Error("enough");
    const next = iterateOrAbort(input, controller.signal).next();
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(isAskedToEnd).toBe(true);
  });

  test("yields the same values", async () => {
    async function* three() {
      yield* [1, 2, 3];
    }
    const values: number[] = [];
    for await (const value of iterateOrAbort(three(), new AbortController().signal)) values.push(value);
    expect(values).toEqual([1, 2, 3]);
  });
});
