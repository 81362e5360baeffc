import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { DAY_SECONDS, daysOf, daysSince1970 } from "../../go/time/calendar.js";

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
