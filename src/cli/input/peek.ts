/** The result of peeking, and the input from its start. */
export interface Peeked<T> {
  /** The result of `tell`. */
  readonly told: T;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Reads the first bytes of an input until `tell` returns a result.
 *
 * @param tell Called again with more bytes while it returns undefined, which it must not do if `isWhole` is true.
 */
export async function peek<T>(
  input: AsyncIterable<Uint8Array>,
  tell: (head: Uint8Array, isWhole: boolean) => T | undefined,
): Promise<Peeked<T>> {
  const iterator = input[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  for (;;) {
    const { done, value } = await iterator.next();
    const isWhole = done === true;
    // Copy, as a chunk is only valid until the next one.
    if (!isWhole) head = Buffer.concat([head, value]);
    const told = tell(head, isWhole);
    if (told !== undefined) return { told, chunks: chain(head, iterator, isWhole) };
    if (isWhole) throw new TypeError("nothing was told of a whole input");
  }
}

async function* chain(
  head: Uint8Array,
  tail: AsyncIterator<Uint8Array>,
  isWhole: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (head.length > 0) yield head;
    while (!isWhole) {
      const { done, value } = await tail.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await tail.return?.();
  }
}
