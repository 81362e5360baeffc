import type { Result } from "../result.js";

/** Both the micro sign and the Greek mu are accepted. */
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

const MAX_INT64 = 2n ** 63n - 1n;
/** The magnitude of the minimum duration in nanoseconds: some 292 years. */
const LIMIT = 1n << 63n;

/** Why a string is not a duration. */
type DurationFault =
  | { readonly kind: "invalid" }
  | { readonly kind: "missing unit" }
  | { readonly kind: "unknown unit"; readonly unit: string };

const INVALID: DurationFault = { kind: "invalid" };

/**
 * Go's `time.ParseDuration`. Returns nanoseconds, which fit into 64 bits. Accepts an optional sign, then numbers with
 * an optional fraction and a unit each, such as `1h30m`, `-1.5s`, `+.5s` or `100µs`; or just `0`. Fractions of a
 * nanosecond are truncated. Faults have Go's text.
 */
export function parseDuration(text: string): Result<bigint> {
  const value = parseNanoseconds(text);
  if (typeof value === "bigint") return { value };
  switch (value.kind) {
    case "invalid":
      return { fault: `time: invalid duration ${quote(text)}` };
    case "missing unit":
      return { fault: `time: missing unit in duration ${quote(text)}` };
    case "unknown unit":
      return { fault: `time: unknown unit ${quote(value.unit)} in duration ${quote(text)}` };
  }
}

/**
 * Formats nanoseconds, at least 0, as Go prints a `time.Duration`: `27h46m40s`, `1.5ms`. A value that does not fit into
 * a `time.Duration` is formatted as nanoseconds.
 */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds > MAX_INT64) return `${nanoseconds}ns`;
  if (nanoseconds === 0n) return "0s";
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}µs`;
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 6)}ms`;
  const minutes = nanoseconds / 60_000_000_000n;
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  if (minutes < 60n) return `${minutes}m${seconds}`;
  return `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** Returns nanoseconds. */
function parseNanoseconds(text: string): bigint | DurationFault {
  const negative = text.startsWith("-");
  let at = negative || text.startsWith("+") ? 1 : 0;
  if (text.length === at + 1 && text.endsWith("0")) return 0n;
  if (at === text.length) return INVALID;

  let total = 0n;
  while (at < text.length) {
    const wholeEnd = skipDigits(text, at);
    const hasPoint = text[wholeEnd] === ".";
    const end = hasPoint ? skipDigits(text, wholeEnd + 1) : wholeEnd;
    const fraction = hasPoint ? text.slice(wholeEnd + 1, end) : "";
    if (wholeEnd === at && fraction === "") return INVALID;
    const whole = readWhole(text, at, wholeEnd);
    if (whole === undefined) return INVALID;

    const unitEnd = skipUnit(text, end);
    if (unitEnd === end) return { kind: "missing unit" };
    const name = text.slice(end, unitEnd);
    const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
    if (unit === undefined) return { kind: "unknown unit", unit: name };
    if (whole > LIMIT / unit) return INVALID;
    const part = whole * unit + readFraction(fraction, unit);
    if (part > LIMIT) return INVALID;
    // Go adds in 64 bits, so a sum of twice the limit wraps around to 0.
    total = BigInt.asUintN(64, total + part);
    if (total > LIMIT) return INVALID;
    at = unitEnd;
  }
  if (negative) return -total;
  // The minimum duration has no positive counterpart.
  return total === LIMIT ? INVALID : total;
}

function readWhole(text: string, start: number, end: number): bigint | undefined {
  let value = 0n;
  for (let index = start; index < end; index++) {
    value = value * 10n + BigInt(text.charCodeAt(index) - 0x30);
    if (value > LIMIT) return undefined;
  }
  return value;
}

/** As in Go, computes in floating point and truncates; digits that no longer fit into 63 bits are ignored. */
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

/** Go's package time has its own quoting: everything outside printable ASCII is escaped as bytes. */
function quote(text: string): string {
  const quoted = text.replaceAll(/["\\]|[^ -\u007f]/gu, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    const bytes = new TextEncoder().encode(character);
    return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `"${quoted}"`;
}

/** Formats the value divided by a power of ten, without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  const whole = digits.slice(0, -places);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
