import type { Clock } from "./clock.js";

/**
 * Calls a listener when a signal is aborted, or at once if it already is. Returns a function that removes the listener:
 * a signal that outlives the work would otherwise keep the listener, and everything it references, in memory.
 *
 * A function rather than a disposable object: not every browser has `Symbol.dispose`.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

/**
 * Aborts a controller with the reason of a signal when the signal is aborted. Returns a function that removes the
 * listener.
 */
export function relayAbort(signal: AbortSignal | undefined, controller: AbortController): () => void {
  return onAbort(signal, () => controller.abort(signal?.reason));
}

/** Resolves when one of the signals is aborted. */
export function untilAborted(...signals: readonly AbortSignal[]): Promise<void> {
  const removers: (() => void)[] = [];
  const aborted = new Promise<void>((resolve) => {
    for (const signal of signals) removers.push(onAbort(signal, resolve));
  });
  return aborted.then(() => {
    for (const remove of removers) remove();
  });
}

/** Resolves after `durationMs` or when the signal is aborted, whichever comes first. */
export function sleep(
  durationMs: number,
  clock: Pick<Clock, "setTimer">,
  signal?: AbortSignal,
): Promise<void> {
  let cancel = () => {};
  let remove = () => {};
  const over = new Promise<void>((resolve) => {
    cancel = clock.setTimer(durationMs, resolve);
    remove = onAbort(signal, resolve);
  });
  return over.then(() => {
    cancel();
    remove();
  });
}

/**
 * Settles like `promise`, unless the signal is aborted first: then it rejects with the signal's reason at once. Removes
 * its listener in every case.
 */
export function orAbort<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return waitWith(promise, signal, (_, reject) => reject(signal.reason));
}

/** Like {@link orAbort}, but resolves with undefined when the signal is aborted. */
export function unlessAborted<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T | undefined> {
  return waitWith<T | undefined>(promise, signal, (resolve) => resolve(undefined));
}

function waitWith<T>(
  promise: PromiseLike<T>,
  signal: AbortSignal,
  settle: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const remove = onAbort(signal, () => settle(resolve, reject));
    promise.then(
      (value) => {
        remove();
        resolve(value);
      },
      (error) => {
        remove();
        reject(error);
      },
    );
  });
}
