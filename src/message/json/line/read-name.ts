import { ARENA } from "./arena.js";
import { fail } from "./failure.js";
import { findName, matchPattern, type NameTable } from "./name-table.js";
import { plainEnd } from "./scalars.js";
import { skipSpace, skipString } from "./skip.js";

// Constants of this file, because V8 loads those of other modules at each use.
const arena = ARENA;
const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The entry of the last name in its table; -1 if the table does not have it. */
let nameEntry = -1;

export function lastNameEntry(): number {
  return nameEntry;
}

/**
 * Reads a name, the colon and white space. Its entry in the table is then {@link lastNameEntry}.
 *
 * @param previous The entry of the name before it; the number of entries for the first one.
 */
export function readName(
  table: NameTable,
  previous: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const expected = table.followers[previous]!;
  if (expected >= 0 && bytes === arena) {
    const after = matchPattern(table, expected, start, end);
    if (after >= 0) {
      nameEntry = expected;
      return after < end && bytes[after]! > SPACE ? after : skipSpace(bytes, after, end);
    }
  }
  const at = readOtherName(table, bytes, start, end);
  if (nameEntry >= 0) table.followers[previous] = nameEntry;
  return at;
}

function readOtherName(table: NameTable, bytes: Uint8Array, start: number, end: number): number {
  nameEntry = -1;
  if (start >= end || bytes[start] !== QUOTE) return fail(start);
  const nameStart = start + 1;
  let at = plainEnd(bytes, nameStart, end);
  if (at >= 0) {
    nameEntry = findName(table, bytes, nameStart, at);
    at++;
  } else {
    at = readUnusualName(table, bytes, nameStart, end);
    if (at < 0) return -1;
  }
  if (at < end && bytes[at] !== COLON) at = skipSpace(bytes, at, end);
  if (at >= end || bytes[at] !== COLON) return fail(at);
  at++;
  return at < end && bytes[at]! > SPACE ? at : skipSpace(bytes, at, end);
}

/** Reads a name with escapes or characters that are not ASCII. */
function readUnusualName(table: NameTable, bytes: Uint8Array, start: number, end: number): number {
  const at = skipString(bytes, start, end);
  if (at < 0) return fail(start - 1);
  const name = unquote(bytes, start - 1, at);
  if (name === undefined) return fail(start - 1);
  const bytesOfName = encoder.encode(name);
  nameEntry = findName(table, bytesOfName, 0, bytesOfName.length);
  return at;
}

/** The string between two positions, quotes included; undefined if it is not valid. */
export function unquote(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    // A quoted string that is valid JSON parses to a string.
    return JSON.parse(utf8.decode(bytes.subarray(start, end))) as string;
  } catch {
    return undefined;
  }
}
