import { Fault } from "./fault.js";
import { CelUint } from "./value.js";

/** cel-go's error texts: common/types/err.go. */
const INT_OVERFLOW = "integer overflow";
const UINT_OVERFLOW = "unsigned integer overflow";
const DIVISION_BY_ZERO = "division by zero";
const MODULUS_BY_ZERO = "modulus by zero";

export const INT64_MIN: bigint = -(2n ** 63n);
export const INT64_MAX: bigint = 2n ** 63n - 1n;
export const UINT64_MAX: bigint = 2n ** 64n - 1n;

/** Throws a {@link Fault} "integer overflow" if the sum is not an int64, like all functions for ints. */
export function addInt(a: bigint, b: bigint): bigint {
  return checkInt(a + b);
}

export function subtractInt(a: bigint, b: bigint): bigint {
  return checkInt(a - b);
}

export function multiplyInt(a: bigint, b: bigint): bigint {
  return checkInt(a * b);
}

/** Truncates toward zero. Throws a {@link Fault} for a zero divisor, and for -2⁶³ / -1. */
export function divideInt(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Fault(DIVISION_BY_ZERO);
  return checkInt(a / b);
}

/**
 * The result has the sign of the dividend. Throws a {@link Fault} for a zero divisor, and, like cel-go, for -2⁶³ % -1.
 */
export function moduloInt(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Fault(MODULUS_BY_ZERO);
  if (a === INT64_MIN && b === -1n) throw new Fault(INT_OVERFLOW);
  return a % b;
}

export function negateInt(a: bigint): bigint {
  return checkInt(-a);
}

/** Throws a {@link Fault} "unsigned integer overflow" if the sum is not a uint64, like all functions for uints. */
export function addUint(a: bigint, b: bigint): bigint {
  return checkUint(a + b);
}

export function subtractUint(a: bigint, b: bigint): bigint {
  return checkUint(a - b);
}

export function multiplyUint(a: bigint, b: bigint): bigint {
  return checkUint(a * b);
}

export function divideUint(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Fault(DIVISION_BY_ZERO);
  return a / b;
}

export function moduloUint(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Fault(MODULUS_BY_ZERO);
  return a % b;
}

/** Throws a {@link Fault} for a negative int. */
export function intToUint(value: bigint): bigint {
  return checkUint(value);
}

/** Throws a {@link Fault} for a uint above 2⁶³ - 1. */
export function uintToInt(value: bigint): bigint {
  return checkInt(value);
}

/**
 * Truncates toward zero. Throws a {@link Fault} for NaN, infinities and values out of range; the minimum int, -2⁶³, is
 * rejected, too (cel-go, common/types/overflow.go).
 */
export function doubleToInt(value: number): bigint {
  if (value > -TWO_TO_63 && value < TWO_TO_63) return BigInt(Math.trunc(value));
  throw new Fault(INT_OVERFLOW);
}

/**
 * Truncates toward zero. Throws a {@link Fault} for NaN, infinity, values from 2⁶⁴ on, and all negative values,
 * including -0.5.
 */
export function doubleToUint(value: number): bigint {
  if (value >= 0 && value < TWO_TO_64) return BigInt(Math.trunc(value));
  throw new Fault(UINT_OVERFLOW);
}

/**
 * Compares ints, uints and doubles with each other. Returns undefined if one is NaN, which equals nothing and which
 * cel-go refuses to order ({@link NAN_UNORDERED}). Two integers compare exactly. To compare an integer with a double,
 * cel-go first rounds it to the nearest double (common/types/compare.go), so 2⁶³ - 1 equals 2⁶³ as a double.
 */
export function compareNumbers(
  a: bigint | CelUint | number,
  b: bigint | CelUint | number,
): Ordering | undefined {
  const left = a instanceof CelUint ? a.value : a;
  const right = b instanceof CelUint ? b.value : b;
  // JavaScript would compare a bigint with a number exactly, unlike cel-go.
  if (typeof left === "bigint" && typeof right === "bigint") return order(left, right);
  return order(Number(left), Number(right));
}

export type Ordering = -1 | 0 | 1;

/** cel-go's error text for ordering NaN with `<`, `<=`, `>` or `>=`. */
export const NAN_UNORDERED = "NaN values cannot be ordered";

const TWO_TO_63 = 2 ** 63;
const TWO_TO_64 = 2 ** 64;

function order(a: bigint | number, b: bigint | number): Ordering | undefined {
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : undefined;
}

function checkInt(value: bigint): bigint {
  if (value < INT64_MIN || value > INT64_MAX) throw new Fault(INT_OVERFLOW);
  return value;
}

function checkUint(value: bigint): bigint {
  if (value < 0n || value > UINT64_MAX) throw new Fault(UINT_OVERFLOW);
  return value;
}
