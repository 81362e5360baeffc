import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";

/** The names that `hubble observe --time-format` accepts. */
export const TIME_FORMATS = [
  "YearMonthDay",
  "YearMonthDayHour",
  "YearMonthDayHourMinute",
  "StampMilli",
  "RFC3339",
  "RFC3339Milli",
  "RFC3339Micro",
  "RFC3339Nano",
  "RFC1123Z",
] as const;

/**
 * A time format, always in UTC. `StampMilli` is `Jan _2 15:04:05.000`, with the day padded by a space. The fractions of
 * `RFC3339Milli`, `RFC3339Micro` and `RFC3339Nano` have no trailing zeros.
 */
export type TimeFormat = (typeof TIME_FORMATS)[number];

export type FormatTime = (time: Timestamp | undefined) => string;

/**
 * Creates a formatter that truncates times to its precision. Invalid times (unset, before the year 1, after 9999,
 * nanoseconds out of range) are formatted as `N/A`.
 *
 * @throws TypeError for an unknown name.
 */
export function createTimeFormat(name: TimeFormat): FormatTime {
  const layout: Layout | undefined = Object.hasOwn(LAYOUTS, name) ? LAYOUTS[name] : undefined;
  if (layout === undefined) throw new TypeError(`unknown time format: ${name}`);
  const { whole, digits, zeros, suffix } = layout;
  // Cache the last second, because consecutive events usually share it.
  let lastSecond = Number.NaN;
  let lastWhole = "";
  return (time) => {
    if (time === undefined) return "N/A";
    const second = Number(time.seconds);
    const { nanos } = time;
    if (
      !(
        second >= MIN_TIMESTAMP_SECONDS &&
        second <= MAX_TIMESTAMP_SECONDS &&
        nanos >= 0 &&
        nanos <= 999_999_999
      )
    )
      return "N/A";
    if (second !== lastSecond) {
      lastWhole = whole(new Date(second * 1000));
      lastSecond = second;
    }
    return lastWhole + fraction(nanos, digits, zeros) + suffix;
  };
}

interface Layout {
  /** The part that is constant within a second. */
  readonly whole: (date: Date) => string;
  /** The maximum number of digits of the fraction; `zeros` keeps trailing zeros. */
  readonly digits: 0 | 3 | 6 | 9;
  readonly zeros: boolean;
  readonly suffix: string;
}

const LAYOUTS: { readonly [K in TimeFormat]: Layout } = {
  YearMonthDay: { whole: isoUntil(10), digits: 0, zeros: false, suffix: "" },
  YearMonthDayHour: { whole: isoUntil(13), digits: 0, zeros: false, suffix: "Z" },
  YearMonthDayHourMinute: { whole: isoUntil(16), digits: 0, zeros: false, suffix: "Z" },
  StampMilli: { whole: stamp, digits: 3, zeros: true, suffix: "" },
  RFC3339: { whole: isoUntil(19), digits: 0, zeros: false, suffix: "Z" },
  RFC3339Milli: { whole: isoUntil(19), digits: 3, zeros: false, suffix: "Z" },
  RFC3339Micro: { whole: isoUntil(19), digits: 6, zeros: false, suffix: "Z" },
  RFC3339Nano: { whole: isoUntil(19), digits: 9, zeros: false, suffix: "Z" },
  RFC1123Z: { whole: rfc1123, digits: 0, zeros: false, suffix: " +0000" },
};

function isoUntil(length: number): (date: Date) => string {
  return (date) => date.toISOString().slice(0, length);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function stamp(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2);
  return `${MONTHS[date.getUTCMonth()]} ${day} ${date.toISOString().slice(11, 19)}`;
}

function rfc1123(date: Date): string {
  return date.toUTCString().slice(0, -" GMT".length);
}

function fraction(nanos: number, digits: number, zeros: boolean): string {
  if (digits === 0) return "";
  const text = String(nanos).padStart(9, "0").slice(0, digits);
  if (zeros) return `.${text}`;
  let end = digits;
  while (end > 0 && text[end - 1] === "0") end--;
  return end === 0 ? "" : `.${text.slice(0, end)}`;
}
