import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BoundedQueue,
  QUEUE_TRANSITIONS,
  type QueueEvent,
  type QueueState,
} from "../../src/async/bounded-queue.js";
import { namesOf, nextNames } from "./transitions.js";

const STATES: readonly QueueState[] = [
  { name: "open" },
  { name: "ended", failure: undefined },
  { name: "left" },
];

const EVENTS: readonly QueueEvent[] = [{ name: "end", failure: undefined }, { name: "leave" }];

const done = { done: true, value: undefined };

/** The items until the end of the queue. */
async function rest<T>(queue: BoundedQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

/** Whether a promise has settled. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  return (
    (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) !== pending
  );
}

test("QUEUE_TRANSITIONS: define every event in every state", () => {
  expect(namesOf(QUEUE_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(QUEUE_TRANSITIONS, STATES, EVENTS)).toEqual({
    open: { end: "ended", leave: "left" },
    ended: { end: "-", leave: "left" },
    left: { end: "-", leave: "-" },
  });
});

describe("BoundedQueue: reading", () => {
  test("yields the items in their order, then ends", async () => {
    const queue = new BoundedQueue<string | undefined>(10);
    for (const item of ["a", undefined, "b"]) queue.push(item);
    queue.end();
    expect(await rest(queue)).toEqual(["a", undefined, "b"]);
    expect(await queue.next()).toEqual(done);
  });

  test("a pending read gets the next item, and overlapping reads get theirs in the order of the calls", async () => {
    const queue = new BoundedQueue<number>(10);
    const reads = [queue.next(), queue.next(), queue.next()];
    queue.push(1);
    queue.push(2);
    queue.end();
    expect(await Promise.all(reads)).toEqual([{ done: false, value: 1 }, { done: false, value: 2 }, done]);
  });

  test("throws the failure once, after the queued items", async () => {
    const queue = new BoundedQueue<number>(10);
    const failure = new Error("disk full");
    queue.push(1);
    queue.end({ error: failure });
    queue.end();
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    await expect(queue.next()).rejects.toBe(failure);
    expect(await queue.next()).toEqual(done);
  });

  test.each([
    { how: "without an error", failure: undefined },
    { how: "with the error undefined", failure: { error: undefined } },
  ])("an end $how ends a pending read", async ({ failure }) => {
    const queue = new BoundedQueue<number>(10);
    const read = queue.next();
    queue.end(failure);
    if (failure === undefined) expect(await read).toEqual(done);
    else await expect(read).rejects.toBe(undefined);
  });
});

describe("BoundedQueue: the bound", () => {
  test("push: waits above the bound until the reader has caught up", async () => {
    const queue = new BoundedQueue<string>(5, (item) => item.length);
    expect(queue.push("four")).toBe(undefined);
    expect(queue.push("1")).toBe(undefined);
    const waiting = queue.push("22");
    expect(waiting).toBeInstanceOf(Promise);
    expect(await isSettled(Promise.resolve(waiting))).toBe(false);
    await queue.next();
    await waiting;
    expect(queue.push("22")).toBe(undefined);
  });

  test("push: accepts an item that is larger than the bound, and waits", async () => {
    const queue = new BoundedQueue<string>(0, (item) => item.length);
    const waiting = queue.push("large");
    expect(waiting).toBeInstanceOf(Promise);
    expect(await queue.next()).toEqual({ done: false, value: "large" });
    await waiting;
  });

  test("push: ignores items after the end", async () => {
    const queue = new BoundedQueue<number>(0);
    queue.end();
    expect(queue.push(1)).toBe(undefined);
    expect(await rest(queue)).toEqual([]);
  });

  test("exceeds the bound by at most one item of each writer, and loses nothing", async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(sizes, { maxLength: 3 }), fc.nat(20), async (writers, maxSize) => {
        let queued = 0;
        const queue = new BoundedQueue<{ writer: number; size: number }>(maxSize, ({ size }) => size);
        const write = async (all: readonly number[], writer: number) => {
          for (const size of all) {
            queued += size;
            await queue.push({ writer, size });
          }
        };
        const written = Promise.all(writers.map(write)).then(() => queue.end());
        const read: number[][] = writers.map(() => []);
        for await (const { writer, size } of queue) {
          // One more item, this one, is with the reader.
          expect(queued - size).toBeLessThanOrEqual(maxSize + 9 * writers.length);
          queued -= size;
          read[writer]!.push(size);
        }
        await written;
        expect(read).toEqual(writers);
      }),
    );
  });
});

describe("BoundedQueue: a reader that leaves", () => {
  test("discards the items, and ends pending reads and writes", async () => {
    const queue = new BoundedQueue<number>(1);
    queue.push(1);
    const writes = [queue.push(2), queue.push(3)];
    expect(await queue.return()).toEqual(done);
    await Promise.all(writes);
    expect(queue.push(4)).toBe(undefined);
    expect(await queue.next()).toEqual(done);

    const empty = new BoundedQueue<number>(1);
    const read = empty.next();
    await empty.return();
    expect(await read).toEqual(done);
  });

  test("gets no error afterwards", async () => {
    const queue = new BoundedQueue<number>(1);
    await queue.return();
    queue.end({ error: new Error("late") });
    expect(await queue.next()).toEqual(done);
  });
});
