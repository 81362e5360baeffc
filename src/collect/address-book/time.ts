import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { isDate, isObject, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";

/** A time: a Date, milliseconds since 1970, or a protobuf Timestamp such as the time of a flow. */
export type BookTime = Date | number | Timestamp;

/**
 * Returns a timestamp in milliseconds since 1970. A number holds a time of this century to a quarter of a microsecond.
 */
export function millisecondsOf({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}

/** Returns a time in milliseconds since 1970; NaN if the value is not a time. */
export function toMilliseconds(time: BookTime): number {
  if (typeof time === "number") return time;
  if (isDate(time)) return time.getTime();
  const { seconds, nanos } = (isObject(time) ? time : {}) as Partial<Timestamp>;
  return typeof seconds === "bigint" && typeof nanos === "number" ? millisecondsOf(time) : Number.NaN;
}

export const aBookTime: ValueCheck<BookTime> = valueCheck(
  "a Date, milliseconds since 1970 or a Timestamp",
  (value) => !Number.isNaN(toMilliseconds(value as BookTime)),
);

const MIN_TIME = MIN_TIMESTAMP_SECONDS * 1000;
/** The end of the year 9999, in milliseconds since 1970. */
export const MAX_TIME = (MAX_TIMESTAMP_SECONDS + 1) * 1000;

/** Whether a value is a time that a flow can have, in milliseconds since 1970. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= MIN_TIME && value <= MAX_TIME;
}
