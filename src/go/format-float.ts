/**
 * Go's `fmt.Sprintf("%g", value)`: the fewest digits that give the same double; an exponent if that would be less than
 * -4 or more than 5, and then of two digits at least.
 */
export function formatFloatG(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  // JavaScript drops the sign of a zero.
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const magnitude = Math.abs(value);
  // What JavaScript writes without an exponent between these bounds has the digits wanted.
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value);
  const text = value.toExponential();
  const sign = text.lastIndexOf("e") + 1;
  return text.length - sign > 2 ? text : `${text.slice(0, sign + 1)}0${text.slice(sign + 1)}`;
}

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
