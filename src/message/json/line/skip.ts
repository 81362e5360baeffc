import { ARENA, ARENA_WORDS } from "./arena.js";

// Finds the ends of values in JSON that nothing has validated. The functions never read at or beyond `end`, and need
// constant memory however deep a value is nested.

const arena = ARENA;
const words = ARENA_WORDS;
/** Four quotes. */
const QUOTES = 0x22222222;
/** The lowest and the highest bit of each byte of a word. */
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
/** The bit in which `[` differs from `{`, and `]` from `}`. */
const BRACKET_BIT = 0x20;
const CLOSE_OBJECT = 0x7d;

/** The first position at or after `at` that is not white space, or `end`. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const code = bytes[at]!;
    if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) break;
    at++;
  }
  return at;
}

/**
 * The position after the value that begins at `at`; -1 if it has no end or is empty. What is inside a string, list or
 * object is not validated.
 */
export function skipValue(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const first = bytes[at]!;
  if (first === QUOTE) return skipString(bytes, at + 1, end);
  if (first === OPEN_OBJECT || first === OPEN_LIST) return skipNested(bytes, at + 1, end);
  let to = at;
  while (to < end) {
    const code = bytes[to]!;
    if (code <= SPACE || code === COMMA || code === COLON || code === QUOTE) break;
    if ((code | BRACKET_BIT) === CLOSE_OBJECT || (code | BRACKET_BIT) === OPEN_OBJECT) break;
    to++;
  }
  return to > at ? to : -1;
}

/** The position after the closing quote of the string whose content begins at `start`; -1 if it has none. */
export function skipString(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (;;) {
    at = bytes === arena ? findQuoteInArena(at) : findQuote(bytes, at, end);
    if (at >= end) return -1;
    if (at === start || bytes[at - 1] !== BACKSLASH || isEndAfterBackslashes(bytes, start, at)) return at + 1;
    at++;
  }
}

/** The position of the next quote, which is that behind the line if there is no other one. */
function findQuoteInArena(start: number): number {
  let at = start;
  for (;;) {
    // A byte of this word is 0 where there is a quote.
    const word = words.getInt32(at, true) ^ QUOTES;
    // The high bit of each byte that is 0, and perhaps of some behind the first such byte.
    const found = (word - LOW_BITS) & ~word & HIGH_BITS;
    if (found !== 0) return at + ((31 - Math.clz32(found & -found)) >> 3);
    at += 4;
  }
}

/** The position of the next quote; at least `end` if there is none. */
function findQuote(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== QUOTE) at++;
  return at;
}

/** Whether the quote at `at` is not escaped: an even number of backslashes precedes it. */
function isEndAfterBackslashes(bytes: Uint8Array, start: number, at: number): boolean {
  let before = at - 1;
  while (before >= start && bytes[before] === BACKSLASH) before--;
  return (at - before) % 2 === 1;
}

function skipNested(bytes: Uint8Array, at: number, end: number): number {
  let depth = 1;
  while (at < end) {
    const code = bytes[at++]!;
    if (code === QUOTE) {
      at = skipString(bytes, at, end);
      if (at < 0) return -1;
    } else if ((code | BRACKET_BIT) === OPEN_OBJECT) depth++;
    else if ((code | BRACKET_BIT) === CLOSE_OBJECT && --depth === 0) return at;
  }
  return -1;
}
