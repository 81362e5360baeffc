import { orAbort } from "./abort.js";

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
