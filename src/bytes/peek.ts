import { type ByteInput, prefixedInput } from "./byte-input.js";

/** The result of {@link peek}, and the input from its start. */
export interface Peeked<T> {
  readonly result: T;
  readonly input: ByteInput;
}

/** Maximum number of bytes to look at. */
export const PEEK_BYTES = 4096;

/**
 * Reads the first bytes of an input until `detect` returns a result. Returns an input that yields these bytes again, then
 * the rest.
 *
 * @param detect Called again with more bytes while it returns undefined, which it must not do if `isLast` is true: for a
 *   whole input, or {@link PEEK_BYTES}.
 */
export async function peek<T>(
  input: ByteInput,
  detect: (head: Uint8Array, isLast: boolean) => T | undefined,
): Promise<Peeked<T>> {
  const buffer = new Uint8Array(PEEK_BYTES);
  for (let length = 0; ; ) {
    const read = await input.readInto(buffer.subarray(length));
    length += read;
    const isLast = read === 0 || length === PEEK_BYTES;
    const head = buffer.subarray(0, length);
    const result = detect(head, isLast);
    if (result !== undefined)
      return { result, input: prefixedInput(head, read === 0 ? ended(input) : input) };
    if (isLast) throw new TypeError("the contents of an input were not detected");
  }
}

/** An input that has ended; it is not read again, as a terminal would wait for more input. */
function ended(input: ByteInput): ByteInput {
  return { readInto: () => 0, close: () => input.close?.() };
}
