/**
 * Waits for a promise, but no longer than until the signal is aborted: the wait then ends with the signal's reason,
 * whatever becomes of the promise. The listener is removed with every outcome.
 */
export function orAbort<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const done = () => signal.removeEventListener("abort", onAbort);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}

/**
 * The same values; every wait for the next one ends when the signal is aborted. The input is asked to end as well, but not
 * waited for: an input that does not settle may not answer that either.
 */
export async function* iterateOrAbort<T>(
  input: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = input[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const result = await orAbort(iterator.next(), signal);
      if (result.done === true) {
        isDone = true;
        return;
      }
      yield result.value;
    }
  } finally {
    if (!isDone) iterator.return?.()?.then(undefined, () => {});
  }
}
