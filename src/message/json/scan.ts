/**
 * Finds positions in JSON that `JSON.parse` has accepted. Nothing here validates or recurses, so nesting depth is not
 * limited.
 */

const SPACE = 0x20;
export const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;

/** The first position at or after `at` that is not white space. */
export function skipSpace(json: string, at: number): number {
  while (json.charCodeAt(at) <= SPACE) at++;
  return at;
}

/** The position after the string whose opening quote is at `at`. */
export function skipString(json: string, at: number): number {
  for (let end = json.indexOf('"', at + 1); ; end = json.indexOf('"', end + 1)) {
    let before = end - 1;
    while (json.charCodeAt(before) === BACKSLASH) before--;
    // An odd number of backslashes escapes the quote.
    if ((end - before) % 2 === 1) return end + 1;
  }
}

/** The position after the value that begins at `at`. */
export function skipValue(json: string, at: number): number {
  let depth = 0;
  do {
    const code = json.charCodeAt(at);
    switch (code) {
      case QUOTE:
        at = skipString(json, at);
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth++;
        at++;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--;
        at++;
        break;
      default:
        if (depth > 0) at++;
        else while (isLiteral(json.charCodeAt(at))) at++;
    }
  } while (depth > 0);
  return at;
}

/** Whether it is a character of a number, `true`, `false` or `null`; false for NaN, beyond the end. */
function isLiteral(code: number): boolean {
  return code > SPACE && code !== COMMA && code !== CLOSE_LIST && code !== CLOSE_OBJECT;
}

const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** Whether the JSON from `start` to `end` contains a number that is too large for a double, such as 1e400. */
export function hasInfiniteNumber(json: string, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = skipString(json, at);
    else if (code === MINUS || (code >= DIGIT_0 && code <= DIGIT_9)) {
      const numberEnd = skipValue(json, at);
      if (!Number.isFinite(Number(json.slice(at, numberEnd)))) return true;
      at = numberEnd;
    } else at++;
  }
  return false;
}

/** A member of an object, as positions in the JSON. */
export interface JsonMember {
  readonly name: string;
  readonly nameStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Yields the members of the object that begins at `at`, in their order, including duplicates. */
export function* membersAt(json: string, at: number): Generator<JsonMember, void, undefined> {
  let nameStart = skipSpace(json, at + 1);
  while (json.charCodeAt(nameStart) !== CLOSE_OBJECT) {
    const nameEnd = skipString(json, nameStart);
    const valueStart = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const valueEnd = skipValue(json, valueStart);
    yield { name: nameOf(json, nameStart, nameEnd), nameStart, valueStart, valueEnd };
    nameStart = skipSeparator(json, valueEnd);
  }
}

/** Yields the start and end of each element of the list that begins at `at`. */
export function* elementsAt(
  json: string,
  at: number,
): Generator<{ readonly start: number; readonly end: number }, void, undefined> {
  let start = skipSpace(json, at + 1);
  while (json.charCodeAt(start) !== CLOSE_LIST) {
    const end = skipValue(json, start);
    yield { start, end };
    start = skipSeparator(json, end);
  }
}

/** The value of the quoted string between two positions. */
export function nameOf(json: string, start: number, end: number): string {
  const text = json.slice(start + 1, end - 1);
  // A quoted string in valid JSON parses to a string.
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Skips from the end of an element or member to the start of the next one, or to the closing bracket. */
export function skipSeparator(json: string, at: number): number {
  const next = skipSpace(json, at);
  return json.charCodeAt(next) === COMMA ? skipSpace(json, next + 1) : next;
}
