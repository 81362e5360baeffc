/** As Go's `%.2f`: ties go to the even digit, and no number gets an exponent. */
export function formatFixed2(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  // From here on numbers are whole, and `toFixed` would write an exponent.
  if (value >= 1e21) return `${BigInt(value)}.00`;
  const eighths = value * 8;
  // The only doubles halfway between two hundredths are odd eighths.
  if (!Number.isInteger(eighths) || eighths % 2 === 0) return value.toFixed(2);
  const below = Math.floor(value * 100);
  return ((below % 2 === 0 ? below : below + 1) / 100).toFixed(2);
}
