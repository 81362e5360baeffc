import { Fault } from "./fault.js";
import { addInt, INT64_MAX, INT64_MIN, negateInt, type Ordering, subtractInt } from "./int64.js";
import { conversionFault } from "./number-text.js";
import { CelDuration } from "./value.js";

/**
 * Go's `time.ParseDuration`: `1h30m`, `-1.5h`, `+.5s`, `100µs`, `0`. What is less than a nanosecond is dropped. Throws a
 * {@link Fault} for all else and for what does not fit in 64 bits.
 */
export function parseDuration(text: string): CelDuration {
  const nanos = readDuration(text);
  if (nanos === undefined) throw conversionFault("google.protobuf.Duration");
  return new CelDuration(nanos);
}

/** Seconds as the shortest decimal fraction that gives the same double, and an `s`. */
export function formatDuration(duration: CelDuration): string {
  return `${plainDecimal(inUnits(duration, SECOND))}s`;
}

/** A `google.protobuf.Duration` as Go's `AsDuration` reads it: what does not fit becomes the highest or lowest duration. */
export function durationOf(seconds: bigint, nanos: number): CelDuration {
  const whole = seconds * SECOND;
  const total = whole + BigInt(nanos);
  if (!fits(whole) || !fits(total)) return new CelDuration(seconds < 0n ? INT64_MIN : INT64_MAX);
  return new CelDuration(total);
}

/** Throws a {@link Fault} "integer overflow", as cel-go does here. */
export function addDurations(a: CelDuration, b: CelDuration): CelDuration {
  return new CelDuration(addInt(a.nanos, b.nanos));
}

/** Throws a {@link Fault} "integer overflow". */
export function subtractDurations(a: CelDuration, b: CelDuration): CelDuration {
  return new CelDuration(subtractInt(a.nanos, b.nanos));
}

/** Throws a {@link Fault} "integer overflow" for the lowest duration. */
export function negateDuration(duration: CelDuration): CelDuration {
  return new CelDuration(negateInt(duration.nanos));
}

export function compareDurations(a: CelDuration, b: CelDuration): Ordering {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

/** All of it in hours, towards zero; by way of a double, which may round a very long one up. */
export function durationHours(duration: CelDuration): number {
  return truncate(inUnits(duration, HOUR));
}

/** All of it in minutes, as {@link durationHours}. */
export function durationMinutes(duration: CelDuration): number {
  return truncate(inUnits(duration, MINUTE));
}

/** All of it in seconds, as {@link durationHours}. */
export function durationSeconds(duration: CelDuration): number {
  return truncate(inUnits(duration, SECOND));
}

/** All of it in milliseconds, towards zero; exact. The CEL specification has the part below a second, cel-go v0.20.1 has not. */
export function durationMilliseconds(duration: CelDuration): number {
  return Number(duration.nanos / MILLISECOND);
}

const MILLISECOND = 1_000_000n;
const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;

/** Both letters that look like `µ` are taken. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1000n],
  ["\u00b5s", 1000n],
  ["\u03bcs", 1000n],
  ["ms", MILLISECOND],
  ["s", SECOND],
  ["m", MINUTE],
  ["h", HOUR],
]);

/** One number with its unit. A unit ends where the next number begins. */
const PART = /(\d*)(?:\.(\d*))?([^\d.]+)/y;
/** More digits are more than {@link MOST}. */
const MAX_DIGITS = 19;
/** Nanoseconds that a part and the sum may have, without the sign. */
const MOST = 2n ** 63n;

function readDuration(text: string): bigint | undefined {
  const negative = text.startsWith("-");
  let index = negative || text.startsWith("+") ? 1 : 0;
  if (index === text.length) return undefined;
  if (text.length === index + 1 && text.endsWith("0")) return 0n;
  let total = 0n;
  while (index < text.length) {
    PART.lastIndex = index;
    const match = PART.exec(text);
    if (match === null) return undefined;
    const [part, whole = "", fraction = "", unitName = ""] = match;
    const unit = UNITS.get(unitName);
    const nanos = unit === undefined ? undefined : readPart(whole, fraction, unit);
    if (nanos === undefined) return undefined;
    // Go adds up in 64 bits, so that twice the most allowed is nothing at all.
    total = BigInt.asUintN(64, total + nanos);
    if (total > MOST) return undefined;
    index += part.length;
  }
  if (negative) return -total;
  // The lowest duration has no positive counterpart.
  return total < MOST ? total : undefined;
}

function readPart(whole: string, fraction: string, unit: bigint): bigint | undefined {
  if (whole === "" && fraction === "") return undefined;
  const digits = whole.replace(/^0+/, "");
  if (digits.length > MAX_DIGITS) return undefined;
  const nanos = BigInt(digits) * unit;
  if (nanos > MOST) return undefined;
  const sum = nanos + readFraction(fraction, unit);
  return sum > MOST ? undefined : sum;
}

/** Go reads as many digits as 63 bits hold, and goes on in doubles. */
function readFraction(fraction: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of fraction) {
    const next = value * 10n + BigInt(digit);
    if (next > MOST) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** What Go's `Duration.Hours`, `Minutes` and `Seconds` give. */
function inUnits({ nanos }: CelDuration, unit: bigint): number {
  return Number(nanos / unit) + Number(nanos % unit) / Number(unit);
}

/** Without a negative zero. */
function truncate(value: number): number {
  return Math.trunc(value) + 0;
}

/** `strconv.FormatFloat(value, 'f', -1, 64)` for less than 10²¹. */
function plainDecimal(value: number): string {
  const text = String(value);
  const exponentAt = text.indexOf("e-");
  if (exponentAt < 0) return text;
  const sign = value < 0 ? "-" : "";
  const digits = text.slice(sign.length, exponentAt).replace(".", "");
  return `${sign}0.${digits.padStart(digits.length + Number(text.slice(exponentAt + 2)) - 1, "0")}`;
}

function fits(nanos: bigint): boolean {
  return nanos >= INT64_MIN && nanos <= INT64_MAX;
}
