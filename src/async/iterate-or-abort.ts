import { orAbort, unlessAborted } from "./abort.js";

/**
 * Yields the values of `input`. When the signal is aborted, a pending read rejects with the signal's reason. The
 * input's `return` is then called but not awaited, since an input with a pending read may never settle it.
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

/** Like {@link iterateOrAbort}, but ends without an error when the signal is aborted. */
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
