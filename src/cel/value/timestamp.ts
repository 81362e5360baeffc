import { type CalendarDate, DAY_SECONDS, dateOfDay, daysOf, daysSince1970 } from "../../go/time/calendar.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import { Fault } from "./fault.js";
import { addInt, INT64_MAX, INT64_MIN, multiplyInt, negateInt, type Ordering } from "./int64.js";
import { conversionFault } from "./number-text.js";
import { zoneOffset } from "./time-zone.js";
import { CelDuration, CelTimestamp } from "./value.js";

/** cel-go's error text: common/types/err.go. */
const TIMESTAMP_OVERFLOW = "timestamp overflow";

/**
 * Go's `time.Parse(time.RFC3339, text)`: RFC 3339 with capital `T` and `Z`. It also accepts a comma before the
 * fraction, a one-digit hour, and offsets up to 24:60 (Go 1.20 and later). Digits after the ninth are dropped. The
 * offset is kept, as in Go, and affects the getters and the string form. Throws a {@link Fault} for other strings and
 * for times outside the years 1 to 9999.
 */
export function parseTimestamp(text: string): CelTimestamp {
  const match = RFC3339.exec(text);
  if (match === null) throw notATimestamp();
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHour, offsetMinute] = match;
  const wholeMonth = within(month, 1, 12);
  const wholeDay = within(day, 1, daysOf(Number(year), wholeMonth));
  const seconds =
    daysSince1970(Number(year), wholeMonth, wholeDay) * DAY_SECONDS +
    within(hour, 0, 23) * HOUR +
    within(minute, 0, 59) * MINUTE +
    within(second, 0, 59);
  const magnitude = within(offsetHour ?? "0", 0, 24) * HOUR + within(offsetMinute ?? "0", 0, 60) * MINUTE;
  const offset = sign === "-" ? -magnitude : magnitude;
  return inRange(seconds - offset, Number(fraction.slice(0, 9).padEnd(9, "0")), offset);
}

/** Formats as RFC 3339 with the parsed offset, otherwise in UTC; the fraction has no trailing zeros. */
export function formatTimestamp(timestamp: CelTimestamp): string {
  const offset = ownOffset(timestamp);
  const { days, secondOfDay } = localTime(timestamp, undefined);
  const { year, month, day } = dateOfDay(days);
  const date = `${year < 0 ? "-" : ""}${pad(Math.abs(year), 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  const fraction = timestamp.nanos === 0 ? "" : `.${pad(timestamp.nanos, 9).replace(/0+$/, "")}`;
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${formatClock(Math.abs(offset))}`;
  return `${date}T${formatClock(secondOfDay)}:${pad(secondOfDay % MINUTE, 2)}${fraction}${zone}`;
}

/** Throws a {@link Fault} "timestamp overflow" outside the years 1 to 9999. */
export function timestampFromSeconds(seconds: bigint): CelTimestamp {
  return inRange(Number(seconds), 0, 0);
}

/**
 * Converts a `google.protobuf.Timestamp` like Go's `AsTime`: nanoseconds out of range carry over into the seconds, and
 * no year is rejected. Seconds beyond 2⁵³ are rounded.
 */
export function timestampOf(seconds: bigint, nanos: number): CelTimestamp {
  const carry = Math.floor(nanos / NANOS);
  return new CelTimestamp(Number(seconds + BigInt(carry)), nanos - carry * NANOS);
}

/** Returns the seconds since 1970, clamped to 64 bits because rounding may have exceeded them. */
export function wholeSeconds({ seconds }: CelTimestamp): bigint {
  const whole = BigInt(seconds);
  if (whole > INT64_MAX) return INT64_MAX;
  return whole < INT64_MIN ? INT64_MIN : whole;
}

/** Throws a {@link Fault} "timestamp overflow" if the sum is outside the years 1 to 9999. */
export function addDuration(timestamp: CelTimestamp, duration: CelDuration): CelTimestamp {
  const nanos = timestamp.nanos + Number(duration.nanos % BIG_NANOS);
  const carry = Math.floor(nanos / NANOS);
  const seconds = timestamp.seconds + Number(duration.nanos / BIG_NANOS) + carry;
  return inRange(seconds, nanos - carry * NANOS, ownOffset(timestamp));
}

/** Like {@link addDuration}; throws "integer overflow" for the minimum duration, which cannot be negated. */
export function subtractDuration(timestamp: CelTimestamp, duration: CelDuration): CelTimestamp {
  return addDuration(timestamp, new CelDuration(negateInt(duration.nanos)));
}

/** The duration from `b` to `a`. Throws a {@link Fault} "integer overflow", like cel-go, for more than 292 years. */
export function subtractTimestamps(a: CelTimestamp, b: CelTimestamp): CelDuration {
  // Two steps, each of which must fit into 64 bits.
  const whole = multiplyInt(BigInt(a.seconds) - BigInt(b.seconds), BIG_NANOS);
  return new CelDuration(addInt(whole, BigInt(a.nanos - b.nanos)));
}

/** Compares the instants; the offset is ignored. */
export function compareTimestamps(a: CelTimestamp, b: CelTimestamp): Ordering {
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  return a.nanos === b.nanos ? 0 : a.nanos < b.nanos ? -1 : 1;
}

/**
 * Returns a part of the time in a zone (see {@link zoneOffset}, which throws a {@link Fault} for an invalid one), in
 * the offset with which the timestamp was parsed, or otherwise in UTC.
 */
export type TimestampGetter = (timestamp: CelTimestamp, zone?: string) => number;

export const getFullYear: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).year;

/** The month, from 0 for January. */
export const getMonth: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).month - 1;

/** The day of the month, from 1. */
export const getDate: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).day;

/** The day of the month, from 0. */
export const getDayOfMonth: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).day - 1;

/** The day of the year, from 0. */
export const getDayOfYear: TimestampGetter = (timestamp, zone) => {
  const { days } = localTime(timestamp, zone);
  return days - daysSince1970(dateOfDay(days).year, 1, 1);
};

/** The day of the week, from 0 for Sunday. */
export const getDayOfWeek: TimestampGetter = (timestamp, zone) => {
  // 1970 began on a Thursday.
  return modulo(localTime(timestamp, zone).days + 4, 7);
};

export const getHours: TimestampGetter = (timestamp, zone) =>
  Math.floor(localTime(timestamp, zone).secondOfDay / HOUR);

export const getMinutes: TimestampGetter = (timestamp, zone) =>
  Math.floor((localTime(timestamp, zone).secondOfDay % HOUR) / MINUTE);

export const getSeconds: TimestampGetter = (timestamp, zone) =>
  localTime(timestamp, zone).secondOfDay % MINUTE;

/** The milliseconds of the second, from 0 to 999. */
export const getMilliseconds: TimestampGetter = (timestamp, zone) => {
  // The zone has no effect but must be valid.
  if (zone !== undefined) zoneOffset(zone, timestamp.seconds);
  return Math.floor(timestamp.nanos / 1_000_000);
};

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

const MINUTE = 60;
const HOUR = 3600;
const NANOS = 1_000_000_000;
const BIG_NANOS = 1_000_000_000n;

/** A timestamp with the offset with which it was parsed. */
class OffsetTimestamp extends CelTimestamp {
  readonly offsetSeconds: number;

  constructor(seconds: number, nanos: number, offsetSeconds: number) {
    super(seconds, nanos);
    this.offsetSeconds = offsetSeconds;
  }
}

function ownOffset(timestamp: CelTimestamp): number {
  return timestamp instanceof OffsetTimestamp ? timestamp.offsetSeconds : 0;
}

function inRange(seconds: number, nanos: number, offset: number): CelTimestamp {
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS) throw new Fault(TIMESTAMP_OVERFLOW);
  return offset === 0 ? new CelTimestamp(seconds, nanos) : new OffsetTimestamp(seconds, nanos, offset);
}

function notATimestamp(): Fault {
  return conversionFault("google.protobuf.Timestamp");
}

function within(text: string | undefined, least: number, most: number): number {
  const value = Number(text);
  if (value < least || value > most) throw notATimestamp();
  return value;
}

function localTime(
  timestamp: CelTimestamp,
  zone: string | undefined,
): { readonly days: number; readonly secondOfDay: number } {
  const { seconds } = timestamp;
  const local = seconds + (zone === undefined ? ownOffset(timestamp) : zoneOffset(zone, seconds));
  return { days: Math.floor(local / DAY_SECONDS), secondOfDay: modulo(local, DAY_SECONDS) };
}

function localDate(timestamp: CelTimestamp, zone: string | undefined): CalendarDate {
  return dateOfDay(localTime(timestamp, zone).days);
}

/** Formats hours and minutes. */
function formatClock(seconds: number): string {
  return `${pad(Math.floor(seconds / HOUR), 2)}:${pad(Math.floor((seconds % HOUR) / MINUTE), 2)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

/** The remainder, never negative. */
function modulo(value: number, divisor: number): number {
  return value - Math.floor(value / divisor) * divisor;
}
