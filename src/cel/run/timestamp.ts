import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import { Fault } from "./fault.js";
import { addInt, INT64_MAX, INT64_MIN, multiplyInt, negateInt, type Ordering } from "./int64.js";
import { conversionFault } from "./number-text.js";
import { zoneOffset } from "./time-zone.js";
import { CelDuration, CelTimestamp } from "./value.js";

/** cel-go's text: common/types/err.go. */
const TIMESTAMP_OVERFLOW = "timestamp overflow";

/**
 * Go's `time.Parse(time.RFC3339, text)`: what RFC 3339 says, with capital `T` and `Z`, and beyond it a comma for the point,
 * one digit for the hour, and offsets up to 24:60 (Go 1.20 and later). Digits after the ninth are dropped. The offset is kept, as Go does: it
 * shows in the getters and the text. Throws a {@link Fault} for all else, and for times outside the years 1 to 9999.
 */
export function parseTimestamp(text: string): CelTimestamp {
  const match = RFC3339.exec(text);
  if (match === null) throw notATimestamp();
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHour, offsetMinute] = match;
  const days = daysOf(Number(year), within(month, 1, 12) - 1, Number(day));
  const seconds =
    days * DAY + within(hour, 0, 23) * HOUR + within(minute, 0, 59) * MINUTE + within(second, 0, 59);
  const magnitude = within(offsetHour ?? "0", 0, 24) * HOUR + within(offsetMinute ?? "0", 0, 60) * MINUTE;
  const offset = sign === "-" ? -magnitude : magnitude;
  return inRange(seconds - offset, Number(fraction.slice(0, 9).padEnd(9, "0")), offset);
}

/** RFC 3339 with the offset it was parsed with, else in UTC; the fraction is as long as it has to be. */
export function formatTimestamp(timestamp: CelTimestamp): string {
  const offset = ownOffset(timestamp);
  const { days, secondOfDay } = localTime(timestamp, undefined);
  const { year, month, day } = civilDate(days);
  const date = `${year < 0 ? "-" : ""}${pad(Math.abs(year), 4)}-${pad(month + 1, 2)}-${pad(day, 2)}`;
  const fraction = timestamp.nanos === 0 ? "" : `.${pad(timestamp.nanos, 9).replace(/0+$/, "")}`;
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${formatClock(Math.abs(offset))}`;
  return `${date}T${formatClock(secondOfDay)}:${pad(secondOfDay % MINUTE, 2)}${fraction}${zone}`;
}

/** Throws a {@link Fault} "timestamp overflow" outside the years 1 to 9999. */
export function timestampFromSeconds(seconds: bigint): CelTimestamp {
  return inRange(Number(seconds), 0, 0);
}

/**
 * A `google.protobuf.Timestamp` as Go's `AsTime` reads it: nanoseconds out of bounds count as seconds, and no year is
 * refused. Seconds beyond 2⁵³ are rounded.
 */
export function timestampOf(seconds: bigint, nanos: number): CelTimestamp {
  const carry = Math.floor(nanos / NANOS);
  return new CelTimestamp(Number(seconds + BigInt(carry)), nanos - carry * NANOS);
}

/** Its seconds since 1970, within 64 bits: rounding may have carried the last of them beyond. */
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

/** As {@link addDuration}; "integer overflow" for the lowest duration, which has no opposite. */
export function subtractDuration(timestamp: CelTimestamp, duration: CelDuration): CelTimestamp {
  return addDuration(timestamp, new CelDuration(negateInt(duration.nanos)));
}

/** From `b` to `a`. Throws a {@link Fault} "integer overflow", as cel-go does, for more than 292 years. */
export function subtractTimestamps(a: CelTimestamp, b: CelTimestamp): CelDuration {
  // In two steps, each of which must fit.
  const whole = multiplyInt(BigInt(a.seconds) - BigInt(b.seconds), BIG_NANOS);
  return new CelDuration(addInt(whole, BigInt(a.nanos - b.nanos)));
}

/** By the instant; the offset does not matter. */
export function compareTimestamps(a: CelTimestamp, b: CelTimestamp): Ordering {
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  return a.nanos === b.nanos ? 0 : a.nanos < b.nanos ? -1 : 1;
}

/**
 * A part of the time in a zone ({@link zoneOffset}; throws a {@link Fault} for what is none), or in the offset that the
 * timestamp was parsed with, else in UTC.
 */
export type TimestampGetter = (timestamp: CelTimestamp, zone?: string) => number;

export const getFullYear: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).year;

/** From 0, January. */
export const getMonth: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).month;

/** From 1. */
export const getDate: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).day;

/** From 0. */
export const getDayOfMonth: TimestampGetter = (timestamp, zone) => localDate(timestamp, zone).day - 1;

/** From 0. */
export const getDayOfYear: TimestampGetter = (timestamp, zone) => {
  const { days } = localTime(timestamp, zone);
  return days - daysBefore(civilDate(days).year, 0);
};

/** From 0, Sunday. */
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

/** Of the second, from 0 to 999. */
export const getMilliseconds: TimestampGetter = (timestamp, zone) => {
  // The zone does not matter, but must be one.
  if (zone !== undefined) zoneOffset(zone, timestamp.seconds);
  return Math.floor(timestamp.nanos / 1_000_000);
};

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const NANOS = 1_000_000_000;
const BIG_NANOS = 1_000_000_000n;

/** Remembers the offset it was parsed with. */
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

/** Throws unless the month has the day. The month is from 0, the day from 1. */
function daysOf(year: number, month: number, day: number): number {
  const first = daysBefore(year, month);
  if (day < 1 || first + day > daysBefore(year, month + 1)) throw notATimestamp();
  return first + day - 1;
}

function localTime(
  timestamp: CelTimestamp,
  zone: string | undefined,
): { readonly days: number; readonly secondOfDay: number } {
  const { seconds } = timestamp;
  const local = seconds + (zone === undefined ? ownOffset(timestamp) : zoneOffset(zone, seconds));
  return { days: Math.floor(local / DAY), secondOfDay: modulo(local, DAY) };
}

function localDate(timestamp: CelTimestamp, zone: string | undefined): CivilDate {
  return civilDate(localTime(timestamp, zone).days);
}

/** In the Gregorian calendar, also before there was one. The month is from 0, the day from 1. */
interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

// No Date: a timestamp in a message may lie beyond what it can hold.
const DAYS_IN_400_YEARS = 146_097;
/** Days before each month of a year that is no leap year. */
const MONTHS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365] as const;
/** From 0000-01-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_528;

/** Days from 1970 to the first of the month, which is from 0 to 12. */
function daysBefore(year: number, month: number): number {
  const last = year - 1;
  const leapDays = Math.floor(last / 4) - Math.floor(last / 100) + Math.floor(last / 400) + 1;
  const own = month >= 2 && isLeap(year) ? 1 : 0;
  return year * 365 + leapDays + MONTHS[month]! + own - DAYS_TO_1970;
}

function civilDate(days: number): CivilDate {
  const era = Math.floor((days + DAYS_TO_1970) / DAYS_IN_400_YEARS);
  const dayOfEra = days + DAYS_TO_1970 - era * DAYS_IN_400_YEARS;
  // One too high at most, at the end of a year.
  let year = era * 400 + Math.floor(dayOfEra / 365);
  while (daysBefore(year, 0) > days) year--;
  // One too low at most.
  let month = Math.floor((days - daysBefore(year, 0)) / 31);
  if (daysBefore(year, month + 1) <= days) month++;
  return { year, month, day: days - daysBefore(year, month) + 1 };
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Hours and minutes. */
function formatClock(seconds: number): string {
  return `${pad(Math.floor(seconds / HOUR), 2)}:${pad(Math.floor((seconds % HOUR) / MINUTE), 2)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

/** Never negative. */
function modulo(value: number, divisor: number): number {
  return value - Math.floor(value / divisor) * divisor;
}
