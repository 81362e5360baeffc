/**
 * Reads what Go's `strconv.ParseInt(text, 10, 64)` reads: an optional sign and digits, leading zeros allowed. A number
 * where that is exact, else a bigint; the two compare with each other. Undefined: not an int64.
 */
export function parseInt64(text: string): number | bigint | undefined {
  const negative = text.startsWith("-");
  let start = negative || text.startsWith("+") ? 1 : 0;
  if (start === text.length) return undefined;
  // One zero remains, which may be all there is.
  while (start < text.length - 1 && text.charCodeAt(start) === ZERO) start++;
  const count = text.length - start;
  if (count > MAX_DIGITS) {
    return undefined; // out of range, or no number
  }
  for (let index = start; index < text.length; index++) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
  }
  if (count <= EXACT_DIGITS) return negative ? -Number(text.slice(start)) : Number(text.slice(start));
  const magnitude = BigInt(text.slice(start));
  if (magnitude > (negative ? -LOWEST : HIGHEST)) return undefined;
  return negative ? -magnitude : magnitude;
}

const ZERO = 0x30;
const MAX_DIGITS = 19;
/** As many digits as every number of that many fits in a double. */
const EXACT_DIGITS = 15;
const HIGHEST = 2n ** 63n - 1n;
const LOWEST = -(2n ** 63n);
