export { readWord } from "../net/word.js";

/** Reads the big-endian 16-bit unsigned integer at an offset. */
export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
