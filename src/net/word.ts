/**
 * Reads the big-endian 32-bit word at an offset. It is signed, so that V8 can keep it as a small integer in a register.
 */
export function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
