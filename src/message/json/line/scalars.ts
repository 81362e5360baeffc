import { ARENA, ARENA_WORDS } from "./arena.js";

const arena = ARENA;
const words = ARENA_WORDS;
/** Four bytes of the same value in a word. */
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const SPACES = 0x20202020;
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

const SPACE = 0x20;
const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const UPPER_E = 0x45;
const BACKSLASH = 0x5c;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_T = 0x74;
const DELETE = 0x7f;

/** Whether a byte of a string stands for itself: printable ASCII except the quote and the backslash. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= SPACE && code <= DELETE && code !== QUOTE && code !== BACKSLASH ? 1 : 0,
);

/** The position of the closing quote of a string of plain characters; -1 for any other one. */
export function plainEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (bytes === arena) {
    // Whole words of plain characters. The quote behind the line ends the search.
    for (;;) {
      const word = words.getInt32(at, true);
      const quotes = word ^ QUOTES;
      const backslashes = word ^ BACKSLASHES;
      const others =
        word |
        ((word - SPACES) & ~word) |
        ((quotes - LOW_BITS) & ~quotes) |
        ((backslashes - LOW_BITS) & ~backslashes);
      if ((others & HIGH_BITS) !== 0) break;
      at += 4;
    }
  }
  while (at < end && PLAIN[bytes[at]!] === 1) at++;
  return at < end && bytes[at] === QUOTE ? at : -1;
}

/** Whether it is null, if it begins with an n. */
export function isNull(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 4 <= end && bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c;
}

export function isTrue(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    at + 4 <= end &&
    bytes[at] === LOWER_T &&
    bytes[at + 1] === 0x72 &&
    bytes[at + 2] === 0x75 &&
    bytes[at + 3] === LOWER_E
  );
}

export function isFalse(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    at + 5 <= end &&
    bytes[at] === LOWER_F &&
    bytes[at + 1] === 0x61 &&
    bytes[at + 2] === 0x6c &&
    bytes[at + 3] === 0x73 &&
    bytes[at + 4] === LOWER_E
  );
}

/** The last integer. */
let integer = 0;

export function lastInteger(): number {
  return integer;
}

/**
 * Reads an integer in its shortest decimal form, which is then {@link lastInteger}. Returns the position after it; -1 for
 * any other form.
 */
export function readInteger(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxDigits: number,
  isSigned: boolean,
): number {
  const isNegative = isSigned && start < end && bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  let at = first;
  let value = 0;
  let code = 0;
  while (at < end) {
    code = bytes[at]!;
    if (code < DIGIT_0 || code > DIGIT_9) break;
    value = value * 10 + code - DIGIT_0;
    at++;
  }
  const digits = at - first;
  if (digits === 0 || digits > maxDigits) return -1;
  if (bytes[first] === DIGIT_0 && (digits > 1 || isNegative)) return -1;
  if (at < end && (code === DOT || code === UPPER_E || code === LOWER_E)) return -1;
  integer = isNegative ? -value : value;
  return at;
}
