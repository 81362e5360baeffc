import type { ByteInput } from "../../src/bytes/byte-input.js";

/** The remaining bytes of an input. */
export async function readToEnd(input: ByteInput, bufferBytes = 16): Promise<number[]> {
  const buffer = new Uint8Array(bufferBytes);
  const bytes: number[] = [];
  for (;;) {
    const length = await input.readInto(buffer);
    if (length === 0) return bytes;
    bytes.push(...buffer.subarray(0, length));
  }
}
