const LF = 0x0a;

/** Joins lines, each followed by a line feed, into a buffer that belongs to the caller. */
export function joinLines(lines: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, 0));
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
    bytes[at++] = LF;
  }
  return bytes;
}
