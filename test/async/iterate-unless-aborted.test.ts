import { expect, test } from "vitest";
import { iterateUnlessAborted } from "../../src/async/iterate-or-abort.js";

async function* counting(log: string[], end = Number.POSITIVE_INFINITY) {
  try {
    for (let n = 0; n < end; n++) yield n;
  } finally {
    log.push("returned");
  }
}

test("iterateUnlessAborted: yields every value", async () => {
  const log: string[] = [];
  const seen: number[] = [];
  for await (const n of iterateUnlessAborted(counting(log, 3), new AbortController().signal)) seen.push(n);
  expect(seen).toEqual([0, 1, 2]);
  expect(log).toEqual(["returned"]);
});

test("iterateUnlessAborted: ends between two elements", async () => {
  const log: string[] = [];
  const controller = new AbortController();
  const seen: number[] = [];
  for await (const n of iterateUnlessAborted(counting(log), controller.signal)) {
    seen.push(n);
    if (n === 2) controller.abort();
  }
  expect(seen).toEqual([0, 1, 2]);
  expect(log).toEqual(["returned"]);
});

test("iterateUnlessAborted: ends a pending read that never settles", async () => {
  const never: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
  };
  const controller = new AbortController();
  const ended = iterateUnlessAborted(never, controller.signal).next();
  controller.abort();
  expect(await ended).toEqual({ done: true, value: undefined });
});

test("iterateUnlessAborted: ending early ends the input, and failures are thrown", async () => {
  const log: string[] = [];
  for await (const _ of iterateUnlessAborted(counting(log), new AbortController().signal)) break;
  expect(log).toEqual(["returned"]);

  async function* failing() {
    yield 1;
    throw new Error("damaged");
  }
  const input = iterateUnlessAborted(failing(), new AbortController().signal);
  await input.next();
  await expect(input.next()).rejects.toThrow("damaged");
});

test("iterateUnlessAborted: removes its listener", async () => {
  let listeners = 0;
  // The members of a signal that are used.
  const counted = {
    aborted: false,
    addEventListener: () => listeners++,
    removeEventListener: () => listeners--,
  } as unknown as AbortSignal;
  for await (const _ of iterateUnlessAborted(counting([], 100), counted));
  expect(listeners).toBe(0);
});
