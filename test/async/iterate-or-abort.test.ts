import { describe, expect, test } from "vitest";
import { iterateOrAbort } from "../../src/async/iterate-or-abort.js";

const NEVER = new Promise<never>(() => {});

describe("iterateOrAbort", () => {
  test("ends a wait when the signal is aborted, even if the input does not settle", async () => {
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
