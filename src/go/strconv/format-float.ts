/**
 * Go's `fmt.Sprintf("%g", value)`: the fewest digits that parse to the same double, with an exponent of at least two
 * digits if it is less than -4 or more than 5.
 */
export function formatFloatG(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  // JavaScript omits the sign of a negative zero.
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const magnitude = Math.abs(value);
  // Between these bounds, JavaScript's output without an exponent has the right digits.
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value);
  const text = value.toExponential();
  const sign = text.lastIndexOf("e") + 1;
  return text.length - sign > 2 ? text : `${text.slice(0, sign + 1)}0${text.slice(sign + 1)}`;
}

/** Go's `%.2f`: rounds ties to even and never uses an exponent. */
export function formatFixed2(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  // From here on, numbers are integers, and `toFixed` would use an exponent.
  if (value >= 1e21) return `${BigInt(value)}.00`;
  const eighths = value * 8;
  // Only odd eighths are doubles exactly halfway between two hundredths.
  if (!Number.isInteger(eighths) || eighths % 2 === 0) return value.toFixed(2);
  const below = Math.floor(value * 100);
  return ((below % 2 === 0 ? below : below + 1) / 100).toFixed(2);
}
