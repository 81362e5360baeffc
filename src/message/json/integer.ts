/** The maximum number of digits of a 64-bit integer. */
const MAX_DIGITS = 20;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Converts a JSON number with an integer value to plain digits: `1.5e3` becomes `1500`. Returns undefined for a number
 * that is not an integer or has more than {@link MAX_DIGITS} digits. Exact, like Go's protojson; `JSON.parse` rounds
 * beyond 2^53.
 */
export function plainInteger(number: string): string | undefined {
  const [, sign, integer, fraction = "", exponent = "0"] = NUMBER.exec(number) ?? [];
  if (integer === undefined) return undefined;
  const digits = (integer + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  /** The number of zeros to append; if negative, the number of digits after the decimal point. */
  const shift = Number(exponent) - fraction.length;
  if (digits.length + shift > MAX_DIGITS) return undefined;
  if (shift >= 0) return sign + digits + "0".repeat(shift);
  const end = digits.length + shift;
  return end > 0 && isZeros(digits, end) ? sign + digits.slice(0, end) : undefined;
}

function isZeros(digits: string, start: number): boolean {
  for (let at = start; at < digits.length; at++) if (digits[at] !== "0") return false;
  return true;
}
