import { DAY_SECONDS, daysOf, daysSince1970 } from "./calendar.js";

/** A point in time in the form of `google.protobuf.Timestamp`. */
export interface Instant {
  /** Seconds since 1970. */
  readonly seconds: bigint;
  /** 0 to 999,999,999. */
  readonly nanos: number;
}

/**
 * Parses an absolute time like Hubble's `--since` and `--until`, which use Go's `time.Parse` with the layouts
 * `2006-01-02`, the same followed by `T15`, `T15:04` or `T15:04:05` (with an optional fraction) and `Z` or `+07:00`,
 * and `Mon, 02 Jan 2006 15:04:05 -0700`. Returns undefined for other strings.
 *
 * Go accepts more than the layouts suggest: one-digit hours, a comma before the fraction, digits beyond nanoseconds
 * (ignored), offsets up to 24 hours and 60 minutes, and any day of the week.
 */
export function parseTime(text: string): Instant | undefined {
  const fields = DATE_TIME.exec(text)?.groups;
  if (fields !== undefined) return toInstant(fields, Number(fields.month));
  const mail = MAIL_DATE.exec(text)?.groups;
  if (mail === undefined) return undefined;
  return toInstant(mail, MONTHS.indexOf((mail.monthName ?? "").toLowerCase()) + 1);
}

const DATE_TIME =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:T(?<hour>\d\d?)(?::(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?)?(?:Z|(?<sign>[+-])(?<offsetHour>\d\d):(?<offsetMinute>\d\d)))?$/;

/** A space in the layout matches any number of spaces. */
const MAIL_DATE =
  /^(?:sun|mon|tue|wed|thu|fri|sat), +(?<day>\d\d) +(?<monthName>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +(?<year>\d{4}) +(?<hour>\d\d?):(?<minute>\d\d):(?<second>\d\d)(?:[.,](?<fraction>\d+))? +(?<sign>[+-])(?<offsetHour>\d\d)(?<offsetMinute>\d\d)$/i;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

type Fields = Readonly<Record<string, string | undefined>>;

function toInstant(fields: Fields, month: number): Instant | undefined {
  const number = (name: string) => Number(fields[name] ?? 0);
  const [year, day] = [number("year"), number("day")];
  const [hour, minute, second] = [number("hour"), number("minute"), number("second")];
  const [offsetHour, offsetMinute] = [number("offsetHour"), number("offsetMinute")];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 24 || offsetMinute > 60) return undefined;
  const offset = 60 * (60 * offsetHour + offsetMinute);
  const local = daysSince1970(year, month, day) * DAY_SECONDS + 60 * (60 * hour + minute) + second;
  return {
    seconds: BigInt(fields.sign === "-" ? local + offset : local - offset),
    nanos: Number((fields.fraction ?? "").slice(0, 9).padEnd(9, "0")),
  };
}
