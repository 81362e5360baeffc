import { DAY_SECONDS, dateOfDay } from "../../go/time/calendar.js";
import type { JsonBuffer } from "./buffer.js";

const QUOTE = 0x22;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const T = 0x54;
const Z = 0x5a;

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
