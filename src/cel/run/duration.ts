import { parseDuration as parseGoDuration } from "../../go/duration.js";
import type { Fault } from "./fault.js";
import { addInt, INT64_MAX, INT64_MIN, type Ordering, subtractInt } from "./int64.js";
import { conversionFault } from "./number-text.js";
import { CelDuration } from "./value.js";

/**
 * Go's `time.ParseDuration`: `1h30m`, `-1.5h`, `+.5s`, `100µs`, `0`. What is less than a nanosecond is dropped. Throws a
 * {@link Fault} for all else and for what does not fit in 64 bits.
 */
export function parseDuration(text: string): CelDuration {
  const parsed = parseGoDuration(text);
  if ("fault" in parsed) throw conversionFault("google.protobuf.Duration");
  return new CelDuration(parsed.value);
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
