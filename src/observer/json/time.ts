import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { DAY_SECONDS, dateOfDay, daysOf, daysSince1970 } from "../../go/time/calendar.js";
import type { JsonBuffer } from "./buffer.js";

const QUOTE = 0x22;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const T = 0x54;
const Z = 0x5a;

/**
 * Parses the RFC 3339 format that protobuf writes: UTC, with up to nine fractional digits. Returns undefined for any
 * other format, including other zones. Throws for a day or hour that does not exist; `Date.parse` would accept February
 * 30.
 */
export function parseUtcTime(text: string): Timestamp | undefined {
  const { length } = text;
  if (
    length < 20 ||
    length > 30 ||
    text.charCodeAt(4) !== DASH ||
    text.charCodeAt(7) !== DASH ||
    text.charCodeAt(10) !== T ||
    text.charCodeAt(13) !== COLON ||
    text.charCodeAt(16) !== COLON ||
    text.charCodeAt(length - 1) !== Z
  ) {
    return undefined;
  }
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  let nanos = 0;
  if (length > 20) {
    if (length === 21 || text.charCodeAt(19) !== DOT) return undefined;
    nanos = digits(text, 20, length - 1) * 10 ** (30 - length);
  }
  // If any part is not numeric, the sum is NaN.
  if (!(year + month + day + hour + minute + second + nanos >= 0)) return undefined;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) throw notATime(text);
  if (hour > 23 || minute > 59 || second > 59) throw notATime(text);
  const seconds = daysSince1970(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos };
}

function notATime(text: string): Error {
  return new Error(`not a time: ${JSON.stringify(text)}`);
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = 10 * value + digit;
  }
  return value;
}

/**
 * Writes a time in quotes, with 0, 3, 6 or 9 fractional digits. The year must be from 1 to 9999, `nanos` from 0 to
 * 999,999,999.
 */
export function writeUtcTime(out: JsonBuffer, seconds: number, nanos: number): void {
  const days = Math.floor(seconds / DAY_SECONDS);
  const ofDay = seconds - days * DAY_SECONDS;
  out.byte(QUOTE);
  const { year, month, day } = dateOfDay(days);
  out.digits(year, 4);
  out.byte(DASH);
  out.digits(month, 2);
  out.byte(DASH);
  out.digits(day, 2);
  out.byte(T);
  out.digits(Math.floor(ofDay / 3600), 2);
  out.byte(COLON);
  out.digits(Math.floor(ofDay / 60) % 60, 2);
  out.byte(COLON);
  out.digits(ofDay % 60, 2);
  if (nanos > 0) {
    out.byte(DOT);
    if (nanos % 1_000_000 === 0) out.digits(nanos / 1_000_000, 3);
    else if (nanos % 1_000 === 0) out.digits(nanos / 1_000, 6);
    else out.digits(nanos, 9);
  }
  out.byte(Z);
  out.byte(QUOTE);
}
