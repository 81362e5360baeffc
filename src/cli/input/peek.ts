/** The beginning of an input, and all of it from the beginning. */
export interface Peeked<T> {
  /** Undefined when the input ended before anything could be told. */
  readonly told: T;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Looks at the first bytes of an input until something can be told by them.
 *
 * @param tell Is asked again with more bytes while it answers undefined, which it must not when they are the whole.
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
    // A copy: chunks are lent.
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
