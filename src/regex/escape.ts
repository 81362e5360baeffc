import type { PatternCursor } from "./pattern-cursor.js";

/** A letter, digit or underscore: the characters of the names of groups. */
export const GROUP_NAME = /^[0-9A-Za-z_]+$/;
const OCTAL = /[0-7]/;
const HEX = /[0-9A-Fa-f]/;
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Parses an escaped character and returns its code point. */
export function parseEscape(cursor: PatternCursor): number {
  const { pattern, at: start } = cursor;
  cursor.at++;
  if (cursor.at >= pattern.length) cursor.fail("trailing backslash at end of expression", pattern.length);
  const character = cursor.next();
  const control = CONTROL[character];
  if (control !== undefined) return control;
  if (character === "x") return parseHex(cursor, start);
  if (OCTAL.test(character)) {
    let digits = character;
    while (digits.length < 3 && cursor.at < pattern.length && OCTAL.test(pattern[cursor.at]!)) {
      digits += cursor.next();
    }
    if (digits.length > 1 || character === "0") return Number.parseInt(digits, 8);
  } else if (character < "\x80" && !GROUP_NAME.test(character)) return character.charCodeAt(0);
  else if (character === "_") return 0x5f;
  return cursor.fail("invalid escape sequence", start);
}

function parseHex(cursor: PatternCursor, start: number): number {
  const braced = cursor.pattern[cursor.at] === "{";
  if (braced) cursor.at++;
  let value = 0;
  for (let count = 0; cursor.at < cursor.pattern.length; count++) {
    const digit = cursor.next();
    if (braced && digit === "}" && count > 0) return value;
    // Once NaN, the value stays NaN.
    value = value * 16 + (HEX.test(digit) ? Number.parseInt(digit, 16) : Number.NaN);
    if (!braced && count === 1 && value >= 0) return value;
    if (braced ? !(value <= 0x10_ffff) : count === 1) break;
  }
  return cursor.fail("invalid escape sequence", start);
}
