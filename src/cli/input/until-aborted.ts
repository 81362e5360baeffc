/**
 * The same, until the signal is aborted: then it ends at once, even while something is waited for, and the input is told
 * to end when it can.
 */
export async function* untilAborted<T>(
  input: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = input[Symbol.asyncIterator]();
  let isEnded = false;
  try {
    while (!signal.aborted) {
      const result = await nextUnlessAborted(iterator, signal);
      if (result === undefined) return;
      if (result.done === true) {
        isEnded = true;
        return;
      }
      yield result.value;
    }
  } finally {
    // Not waited for: an input that owes something may never answer.
    if (!isEnded) iterator.return?.()?.catch(() => {});
  }
}

/** Listens for this one step only: on a promise that lasts, every step would leave something behind. */
function nextUnlessAborted<T>(
  iterator: AsyncIterator<T>,
  signal: AbortSignal,
): Promise<IteratorResult<T> | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    iterator.next().then(
      (result) => {
        signal.removeEventListener("abort", onAbort);
        resolve(result);
      },
      (error) => {
        signal.removeEventListener("abort", onAbort);
        reject(error);
      },
    );
  });
}
