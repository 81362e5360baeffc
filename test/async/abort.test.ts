import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { onAbort, orAbort, relayAbort, sleep, unlessAborted, untilAborted } from "../../src/async/abort.js";
import { fakeClock } from "../../src/testing/index.js";

const NEVER = new Promise<never>(() => {});

describe("orAbort", () => {
  test("passes on the value and the error, and removes its listener", async () => {
    const { signal } = new AbortController();
    const error = new Error("no");
    await expect(orAbort(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(orAbort(Promise.reject(error), signal)).rejects.toBe(error);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("rejects with the signal's reason, whether or not the promise settles", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const waiting = orAbort(NEVER, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(orAbort(NEVER, controller.signal)).rejects.toBe(reason);
  });
});

function listenersOf(...signals: readonly AbortSignal[]): number {
  return signals.reduce((sum, signal) => sum + getEventListeners(signal, "abort").length, 0);
}

describe("onAbort", () => {
  test("calls the listener once when the signal is aborted", () => {
    const controller = new AbortController();
    let calls = 0;
    onAbort(controller.signal, () => calls++);
    expect(calls).toBe(0);
    controller.abort();
    controller.abort();
    expect(calls).toBe(1);
  });

  test("calls the listener at once if the signal is aborted already", () => {
    let calls = 0;
    const remove = onAbort(AbortSignal.abort(), () => calls++);
    remove();
    expect(calls).toBe(1);
  });

  test("does not call a listener that was removed", () => {
    const controller = new AbortController();
    const remove = onAbort(controller.signal, () => expect.unreachable());
    remove();
    controller.abort();
    expect(listenersOf(controller.signal)).toBe(0);
  });

  test("accepts undefined as the signal", () => {
    onAbort(undefined, () => expect.unreachable())();
  });
});

describe("relayAbort", () => {
  test("aborts the controller with the reason of the signal", () => {
    const outer = new AbortController();
    const inner = new AbortController();
    relayAbort(outer.signal, inner);
    outer.abort("enough");
    expect(inner.signal.reason).toBe("enough");
  });
});

describe("untilAborted", () => {
  test("resolves when one of the signals is aborted, and removes all listeners", async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = untilAborted(first.signal, second.signal);
    second.abort();
    await waiting;
    expect(listenersOf(first.signal, second.signal)).toBe(0);
  });

  test("resolves if one is aborted already", async () => {
    const { signal } = new AbortController();
    await untilAborted(signal, AbortSignal.abort());
    expect(listenersOf(signal)).toBe(0);
  });
});

describe("sleep", () => {
  test("resolves when the time has passed, and removes its listener", async () => {
    const clock = fakeClock();
    const { signal } = new AbortController();
    const waiting = sleep(1000, clock, signal);
    clock.advance(1000);
    await waiting;
    expect(listenersOf(signal)).toBe(0);
  });

  test("resolves when the signal is aborted, and stops its timer", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const waiting = sleep(1000, clock, controller.signal);
    controller.abort();
    await waiting;
    expect(clock.pending).toBe(0);
  });
});

describe("unlessAborted", () => {
  test("resolves with the value, and with undefined when the signal is aborted first", async () => {
    const controller = new AbortController();
    expect(await unlessAborted(Promise.resolve(1), controller.signal)).toBe(1);
    const waiting = unlessAborted(NEVER, controller.signal);
    controller.abort();
    expect(await waiting).toBe(undefined);
  });
});
