import type { Result } from "../result.js";
import { goQuote } from "./quote.js";

/**
 * Go's `strconv.ParseUint`: decimal digits for base 10; for base 0 also `0x`, `0o`, `0b`, a leading `0` for octal, and
 * `_` between digits. Faults have Go's text.
 */
export function parseUint(text: string, base: 0 | 10, bits: 16 | 32 | 64): Result<bigint> {
  const fault = (reason: string) => ({
    fault: `strconv.ParseUint: parsing ${goQuote(text)}: ${reason}`,
  });
  if (text === "") return fault(INVALID);
  const { radix, start } = base === 10 ? { radix: 10, start: 0 } : readPrefix(text);
  const limit = 1n << BigInt(bits);
  let value = 0n;
  let underscores = false;
  for (let index = start; index < text.length; index++) {
    if (base === 0 && text[index] === "_") {
      underscores = true;
      continue;
    }
    const digit = digitOf(text.charCodeAt(index));
    if (digit >= radix) return fault(INVALID);
    value = value * BigInt(radix) + BigInt(digit);
    // As in Go, the range is checked before the next digit is read.
    if (value >= limit) return fault(OUT_OF_RANGE);
  }
  return underscores && !UNDERSCORES.test(text) ? fault(INVALID) : { value };
}

/**
 * Parses what Go's `strconv.ParseInt(text, 10, 64)` accepts: an optional sign and digits, leading zeros allowed.
 * Returns a number if it has at most {@link EXACT_DIGITS} digits, otherwise a bigint; both can be compared with each
 * other. Undefined if the string is not an int64.
 */
export function parseInt64(text: string): number | bigint | undefined {
  const negative = text.startsWith("-");
  let start = negative || text.startsWith("+") ? 1 : 0;
  if (start === text.length) return undefined;
  // Keep the last zero, which may be the only digit.
  while (start < text.length - 1 && text.charCodeAt(start) === ZERO) start++;
  const count = text.length - start;
  if (count > MAX_INT64_DIGITS) return undefined;
  for (let index = start; index < text.length; index++) {
    if (digitOf(text.charCodeAt(index)) > 9) return undefined;
  }
  if (count <= EXACT_DIGITS) return negative ? -Number(text.slice(start)) : Number(text.slice(start));
  const magnitude = BigInt(text.slice(start));
  if (magnitude > (negative ? -LOWEST : HIGHEST)) return undefined;
  return negative ? -magnitude : magnitude;
}

/** Go's `strconv.Atoi` with 64-bit integers. Faults have Go's text. */
export function parseAtoi(text: string): Result<bigint> {
  const value = parseInt64(text);
  if (value !== undefined) return { value: BigInt(value) };
  // Go reads the digits as a uint64 first, and stops where they exceed it: what follows is not looked at.
  const digits = parseUint(text.replace(/^[+-]/, ""), 10, 64);
  const reason = "fault" in digits && digits.fault.endsWith(INVALID) ? INVALID : OUT_OF_RANGE;
  return { fault: `strconv.Atoi: parsing ${goQuote(text)}: ${reason}` };
}

const INVALID = "invalid syntax";
const OUT_OF_RANGE = "value out of range";
const ZERO = 0x30;
const MAX_INT64_DIGITS = 19;
/** Every integer with this many digits is exact as a double. */
const EXACT_DIGITS = 15;
const HIGHEST = 2n ** 63n - 1n;
const LOWEST = -(2n ** 63n);

/** An underscore may separate digits, or the prefix from a digit. */
const UNDERSCORES = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bBoO](?:_?[0-9])+|[0-9](?:_?[0-9])*)$/;

function readPrefix(text: string): { radix: number; start: number } {
  if (text[0] !== "0") return { radix: 10, start: 0 };
  const radix = text.length < 3 ? undefined : { b: 2, o: 8, x: 16 }[text[1]!.toLowerCase()];
  return radix === undefined ? { radix: 8, start: 1 } : { radix, start: 2 };
}

/** Returns the value of a digit; 36 if the character is not a digit in any base. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a ? lower - 0x61 + 10 : 36;
}
