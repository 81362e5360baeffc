import { type ByteInput, prefixedInput } from "./byte-input.js";

/** The result of {@link peek}, and the input from its start. */
export interface Peeked<T> {
  readonly result: T;
  readonly input: ByteInput;
}

const PEEK_BYTES = 4096;

/**
 * Reads the first bytes of an input until `detect` returns a result. Returns an input that yields these bytes again, then
 * the rest.
 *
 * @param detect Called again with more bytes while it returns undefined, which it must not do if `isWhole` is true.
 */
export async function peek<T>(
  input: ByteInput,
  detect: (head: Uint8Array, isWhole: boolean) => T | undefined,
): Promise<Peeked<T>> {
  let buffer = new Uint8Array(PEEK_BYTES);
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      const larger = new Uint8Array(2 * buffer.length);
      larger.set(buffer);
      buffer = larger;
    }
    const read = await input.readInto(buffer.subarray(length));
    length += read;
    const isWhole = read === 0;
    const head = buffer.subarray(0, length);
    const result = detect(head, isWhole);
    if (result !== undefined) return { result, input: prefixedInput(head, isWhole ? ended(input) : input) };
    if (isWhole) throw new TypeError("the contents of a whole input were not detected");
  }
}

/** An input that has ended; it is not read again, as a terminal would wait for more input. */
function ended(input: ByteInput): ByteInput {
  return { readInto: () => 0, close: () => input.close?.() };
}
