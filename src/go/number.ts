import type { Parsed } from "../observer/flags/flag.js";
import { goQuote } from "./quote.js";

/**
 * Go's `strconv.ParseUint`: decimal digits for base 10; for base 0 also `0x`, `0o`, `0b`, a leading `0` for octal, and `_`
 * between digits. Faults are in Go's words.
 */
export function parseUint(text: string, base: 0 | 10, bits: 32 | 64): Parsed<bigint> {
  const fault = (reason: string) => ({
    fault: `strconv.ParseUint: parsing ${goQuote(text)}: ${reason}`,
  });
  if (text === "") return fault("invalid syntax");
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
    if (digit >= radix) return fault("invalid syntax");
    value = value * BigInt(radix) + BigInt(digit);
    // As in Go, digits that are too many are found before what follows them is looked at.
    if (value >= limit) return fault("value out of range");
  }
  return underscores && !UNDERSCORES.test(text) ? fault("invalid syntax") : { value };
}

/** An underscore stands between digits, or between prefix and digit. */
const UNDERSCORES = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bBoO](?:_?[0-9])+|[0-9](?:_?[0-9])*)$/;

function readPrefix(text: string): { radix: number; start: number } {
  if (text[0] !== "0") return { radix: 10, start: 0 };
  const radix = text.length < 3 ? undefined : { b: 2, o: 8, x: 16 }[text[1]!.toLowerCase()];
  return radix === undefined ? { radix: 8, start: 1 } : { radix, start: 2 };
}

/** 36 for what is no digit. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a ? lower - 0x61 + 10 : 36;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

/** Go's `strconv.ParseBool`. */
export function parseBool(text: string): Parsed<boolean> {
  const value = BOOLEANS.get(text);
  if (value !== undefined) return { value };
  return { fault: `strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax` };
}
