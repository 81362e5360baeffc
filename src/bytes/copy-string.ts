/**
 * A copy to be kept. V8 keeps the whole of a long text in memory for any part that was sliced off it; the copy is a slice of
 * nothing but itself.
 */
export function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}
