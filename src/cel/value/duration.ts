import { parseDuration as parseGoDuration } from "../../go/time/duration.js";
import type { Fault } from "./fault.js";
import { addInt, INT64_MAX, INT64_MIN, type Ordering, subtractInt } from "./int64.js";
import { conversionFault } from "./number-text.js";
import { CelDuration } from "./value.js";

/**
 * Go's `time.ParseDuration`: `1h30m`, `-1.5h`, `+.5s`, `100µs`, `0`. Fractions of a nanosecond are truncated. Throws a
 * {@link Fault} for other strings and for values that do not fit into 64 bits.
 */
export function parseDuration(text: string): CelDuration {
  const parsed = parseGoDuration(text);
  if ("fault" in parsed) throw conversionFault("google.protobuf.Duration");
  return new CelDuration(parsed.value);
}

/** Formats the seconds with the fewest digits that parse to the same double, followed by `s`. */
export function formatDuration(duration: CelDuration): string {
  return `${plainDecimal(inUnits(duration, SECOND))}s`;
}

/**
 * Converts a `google.protobuf.Duration` like Go's `AsDuration`: values that do not fit become the maximum or minimum
 * duration.
 */
export function durationOf(seconds: bigint, nanos: number): CelDuration {
  const whole = seconds * SECOND;
  const total = whole + BigInt(nanos);
  if (!fits(whole) || !fits(total)) return new CelDuration(seconds < 0n ? INT64_MIN : INT64_MAX);
  return new CelDuration(total);
}

/** Throws a {@link Fault} "integer overflow", as cel-go does. */
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

/** The whole duration in hours, truncated. Computed as a double, which may round up very long durations. */
export function durationHours(duration: CelDuration): number {
  return truncate(inUnits(duration, HOUR));
}

/** The whole duration in minutes, see {@link durationHours}. */
export function durationMinutes(duration: CelDuration): number {
  return truncate(inUnits(duration, MINUTE));
}

/** The whole duration in seconds, see {@link durationHours}. */
export function durationSeconds(duration: CelDuration): number {
  return truncate(inUnits(duration, SECOND));
}

/**
 * The whole duration in milliseconds, truncated; exact. This is what cel-go v0.20.1 does; the CEL specification defines
 * only the part below a second.
 */
export function durationMilliseconds(duration: CelDuration): number {
  return Number(duration.nanos / MILLISECOND);
}

const MILLISECOND = 1_000_000n;
const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;

/** The result of Go's `Duration.Hours`, `Minutes` and `Seconds`. */
function inUnits({ nanos }: CelDuration, unit: bigint): number {
  return Number(nanos / unit) + Number(nanos % unit) / Number(unit);
}

/** Truncates; never returns negative zero. */
function truncate(value: number): number {
  return Math.trunc(value) + 0;
}

/** Go's `strconv.FormatFloat(value, 'f', -1, 64)` for values below 10²¹. */
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
