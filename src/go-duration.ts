import type { Parsed } from "./flag.js";

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** The nanoseconds of the longest negative duration: some 292 years. */
const LIMIT = 1n << 63n;

/**
 * Go's `time.ParseDuration`, in nanoseconds: a sign, then numbers with or without fraction, each with a unit, such as
 * `1h30m` or `-1.5s`; or just `0`. Faults are in Go's words.
 */
export function parseDuration(text: string): Parsed<bigint> {
  const invalid = { fault: `time: invalid duration ${quote(text)}` };
  const negative = text.startsWith("-");
  let at = negative || text.startsWith("+") ? 1 : 0;
  if (text.slice(at) === "0") return { value: 0n };
  if (at === text.length) return invalid;

  let total = 0n;
  while (at < text.length) {
    const wholeEnd = skipDigits(text, at);
    const hasPoint = text[wholeEnd] === ".";
    const end = hasPoint ? skipDigits(text, wholeEnd + 1) : wholeEnd;
    const fraction = hasPoint ? text.slice(wholeEnd + 1, end) : "";
    if (wholeEnd === at && fraction === "") return invalid;
    const whole = readWhole(text, at, wholeEnd);
    if (whole === undefined) return invalid;

    const unitEnd = skipUnit(text, end);
    if (unitEnd === end) return { fault: `time: missing unit in duration ${quote(text)}` };
    const name = text.slice(end, unitEnd);
    const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
    if (unit === undefined) {
      return { fault: `time: unknown unit ${quote(name)} in duration ${quote(text)}` };
    }
    if (whole > LIMIT / unit) return invalid;
    const part = whole * unit + readFraction(fraction, unit);
    if (part > LIMIT) return invalid;
    // Go adds in 64 bits, so that twice the limit is nothing.
    total = BigInt.asUintN(64, total + part);
    if (total > LIMIT) return invalid;
    at = unitEnd;
  }
  if (negative) return { value: -total };
  return total === LIMIT ? invalid : { value: total };
}

function readWhole(text: string, start: number, end: number): bigint | undefined {
  let value = 0n;
  for (let index = start; index < end; index++) {
    value = value * 10n + BigInt(text.charCodeAt(index) - 0x30);
    if (value > LIMIT) return undefined;
  }
  return value;
}

/** Go computes with floating point here, and cuts off; digits that no longer fit 63 bits do not count. */
function readFraction(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > (LIMIT - 1n) / 10n) break;
    const next = value * 10n + BigInt(digit);
    if (next > LIMIT) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

function skipDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

function skipUnit(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== "." && !isDigit(text.charCodeAt(at))) at++;
  return at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Package time has a quoting of its own, where all that is not printable ASCII becomes bytes. */
function quote(text: string): string {
  const quoted = text.replaceAll(/["\\]|[^ -\u007f]/gu, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    const bytes = new TextEncoder().encode(character);
    return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `"${quoted}"`;
}
