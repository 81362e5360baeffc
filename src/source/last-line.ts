import { readSync } from "node:fs";

const LF = 0x0a;
const CHUNK = 64 * 1024;

/**
 * The offset after the last line feed of a file; 0 if it has none.
 *
 * @param size The size of the file in bytes.
 * @throws The system's error.
 */
export function startOfLastLine(descriptor: number, size: number): number {
  const chunk = Buffer.alloc(Math.min(CHUNK, size));
  for (let end = size; end > 0; end -= chunk.length) {
    const start = Math.max(end - chunk.length, 0);
    const length = readSync(descriptor, chunk, 0, end - start, start);
    const at = chunk.subarray(0, length).lastIndexOf(LF);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}
