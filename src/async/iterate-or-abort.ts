import { orAbort, unlessAborted } from "./abort.js";

/**
 * Yields the same values; every wait for the next one rejects with the signal's reason when the signal is aborted. The
 * input is then told to end, but not waited for: an input that does not settle may not answer that either.
 */
export async function* iterateOrAbort<T>(
  input: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  yield* iterate(input, async (next) => {
    signal.throwIfAborted();
    return orAbort(next(), signal);
  });
}

/** As {@link iterateOrAbort}, but ends without an error when the signal is aborted. */
export async function* iterateUnlessAborted<T>(
  input: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  yield* iterate(input, async (next) => (signal.aborted ? undefined : unlessAborted(next(), signal)));
}

type Wait<T> = (next: () => Promise<IteratorResult<T>>) => Promise<IteratorResult<T> | undefined>;

async function* iterate<T>(input: AsyncIterable<T>, wait: Wait<T>): AsyncGenerator<T, void, undefined> {
  const iterator = input[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const result = await wait(() => iterator.next());
      if (result === undefined) return;
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
