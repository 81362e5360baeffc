/**
 * Go's `strconv.ParseFloat(text, 64)`: decimal or hexadecimal (with a `p` exponent), underscores between digits, `inf`
 * and `infinity` with an optional sign, `nan` without a sign; case-insensitive. Rounds to nearest even; too small
 * values become zero. Returns undefined for every other string, and for values that round to infinity.
 */
export function parseFloat64(text: string): number | undefined {
  return finite(text) ?? special(text);
}

// An underscore stands between two digits, or between `0x` and one: underscoreOK in Go's strconv/atoi.go.
const DECIMAL = /^([+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*))(?:[eE]([+-]?)(\d(?:_?\d)*))?$/;
const HEXADECIMAL =
  /^([+-]?)0[xX](?:(_?[\da-fA-F](?:_?[\da-fA-F])*)(?:\.([\da-fA-F](?:_?[\da-fA-F])*)?)?|\.([\da-fA-F](?:_?[\da-fA-F])*))[pP]([+-]?)(\d(?:_?\d)*)$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

function special(text: string): number | undefined {
  const sign = INFINITE.exec(text)?.[1];
  if (sign !== undefined) return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

/** Returns undefined if the value is infinite, too. */
function finite(text: string): number | undefined {
  const value = decimal(text) ?? hexadecimal(text);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function decimal(text: string): number | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, mantissa, sign, digits] = match;
  return Number(`${withoutUnderscores(mantissa!)}e${exponentOf(sign, digits)}`);
}

function hexadecimal(text: string): number | undefined {
  const match = HEXADECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = match[4] ?? "", , exponentSign, exponentDigits] = match;
  const before = withoutUnderscores(whole);
  const after = withoutUnderscores(fraction);
  const exponent = exponentOf(exponentSign, exponentDigits) - 4 * after.length;
  const magnitude = scaleHexadecimal((before + after).replace(/^0+/, ""), exponent);
  return sign === "-" ? -magnitude : magnitude;
}

/** Converts hexadecimal digits without a leading zero, times 2 to the exponent. */
function scaleHexadecimal(digits: string, exponent: number): number {
  if (digits === "") return 0;
  const kept = digits.slice(0, EXACT_HEX_DIGITS);
  const dropped = digits.slice(EXACT_HEX_DIGITS);
  // One additional low bit records whether non-zero digits were dropped, which is all that rounding needs.
  const mantissa = (BigInt(`0x${kept}`) << 1n) | (/[^0]/.test(dropped) ? 1n : 0n);
  const scale = exponent + 4 * dropped.length - 1;
  const top = scale + mantissa.toString(2).length - 1;
  if (top > MAX_EXPONENT) return Number.POSITIVE_INFINITY;
  if (top < MIN_EXPONENT - 1) return 0;
  const unit = Math.max(top - MANTISSA_BITS, MIN_EXPONENT);
  return unit > scale
    ? Number(roundToEven(mantissa, BigInt(unit - scale))) * 2 ** unit
    : Number(mantissa) * 2 ** scale;
}

/** `value / 2 ** bits`, rounded to nearest even. */
function roundToEven(value: bigint, bits: bigint): bigint {
  const quotient = value >> bits;
  const twice = (value - (quotient << bits)) << 1n;
  const one = 1n << bits;
  return twice > one || (twice === one && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

/** Go stops reading an exponent at 10,000, which only matters for numbers with that many digits. */
function exponentOf(sign = "", digits = "0"): number {
  let exponent = 0;
  for (const digit of withoutUnderscores(digits)) {
    if (exponent < 10_000) exponent = exponent * 10 + Number(digit);
  }
  return sign === "-" ? -exponent : exponent;
}

function withoutUnderscores(text: string): string {
  return text.replaceAll("_", "");
}

const EXACT_HEX_DIGITS = 16;
/** The mantissa bits of a double after the first bit. */
const MANTISSA_BITS = 52;
const MAX_EXPONENT = 1023;
/** The exponent of the lowest bit of a double. */
const MIN_EXPONENT = -1074;
