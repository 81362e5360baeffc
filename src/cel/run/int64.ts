import { Fault } from "./fault.js";
import { CelUint } from "./value.js";

/** cel-go's texts: common/types/err.go. */
const INT_OVERFLOW = "integer overflow";
const UINT_OVERFLOW = "unsigned integer overflow";
const DIVISION_BY_ZERO = "division by zero";
const MODULUS_BY_ZERO = "modulus by zero";

export const INT64_MIN: bigint = -(2n ** 63n);
export const INT64_MAX: bigint = 2n ** 63n - 1n;
export const UINT64_MAX: bigint = 2n ** 64n - 1n;

/** Throws a {@link Fault} "integer overflow" if the sum is no int64, as all functions for int do. */
export function addInt(a: bigint, b: bigint): bigint {
  return checkInt(a + b);
}

export function subtractInt(a: bigint, b: bigint): bigint {
  return checkInt(a - b);
}

export function multiplyInt(a: bigint, b: bigint): bigint {
  return checkInt(a * b);
}

/** Rounds towards zero. Throws a {@link Fault} for a zero divisor, and for -2⁶³ / -1. */
export function divideInt(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Fault(DIVISION_BY_ZERO);
  return checkInt(a / b);
}

/** Takes its sign from the dividend. Throws a {@link Fault} for a zero divisor, and, as cel-go does, for -2⁶³ % -1. */
export function moduloInt(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Fault(MODULUS_BY_ZERO);
  if (a === INT64_MIN && b === -1n) throw new Fault(INT_OVERFLOW);
  return a % b;
}

export function negateInt(a: bigint): bigint {
  return checkInt(-a);
}

/** Throws a {@link Fault} "unsigned integer overflow" if the sum is no uint64, as all functions for uint do. */
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
 * Rounds towards zero. Throws a {@link Fault} for NaN, the infinities and what is out of range; the lowest int, -2⁶³, is
 * refused too (cel-go, common/types/overflow.go).
 */
export function doubleToInt(value: number): bigint {
  if (value > -TWO_TO_63 && value < TWO_TO_63) return BigInt(Math.trunc(value));
  throw new Fault(INT_OVERFLOW);
}

/** Rounds towards zero. Throws a {@link Fault} for NaN, infinity, 2⁶⁴ and more, and whatever is below zero, -0.5 too. */
export function doubleToUint(value: number): bigint {
  if (value >= 0 && value < TWO_TO_64) return BigInt(Math.trunc(value));
  throw new Fault(UINT_OVERFLOW);
}

/**
 * Orders an int, a uint and a double with each other. Undefined if one is NaN, which is equal to nothing, and which
 * cel-go refuses to order ({@link NAN_UNORDERED}). Two integers compare exactly. With a double, cel-go rounds the integer
 * to the nearest double first (common/types/compare.go), so that 2⁶³ - 1 equals 2⁶³ as a double.
 */
export function compareNumbers(
  a: bigint | CelUint | number,
  b: bigint | CelUint | number,
): Ordering | undefined {
  const left = a instanceof CelUint ? a.value : a;
  const right = b instanceof CelUint ? b.value : b;
  // JavaScript compares a bigint with a number exactly, which is not what is wanted.
  if (typeof left === "bigint" && typeof right === "bigint") return order(left, right);
  return order(Number(left), Number(right));
}

export type Ordering = -1 | 0 | 1;

/** What cel-go says to `<` and its kin with a NaN. */
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
