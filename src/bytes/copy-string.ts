/**
 * Copies a string that is kept for long. V8 keeps a whole string in memory as long as a slice of it exists; the copy
 * does not reference the original.
 */
export function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}
