/**
 * Positions in JSON text that `JSON.parse` has accepted: nothing here validates, and nothing recurses, so that the depth
 * of a document does not matter.
 */

const SPACE = 0x20;
export const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;

/** The first position from `at` that is not white space. */
export function skipSpace(json: string, at: number): number {
  while (json.charCodeAt(at) <= SPACE) at++;
  return at;
}

/** The position behind the string whose opening quote is at `at`. */
export function skipString(json: string, at: number): number {
  for (let end = json.indexOf('"', at + 1); ; end = json.indexOf('"', end + 1)) {
    let before = end - 1;
    while (json.charCodeAt(before) === BACKSLASH) before--;
    // An odd number of backslashes escapes the quote.
    if ((end - before) % 2 === 1) return end + 1;
  }
}

/** The position behind the value that begins at `at`. */
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

/** Characters of numbers, `true`, `false` and `null`; NaN, beyond the end, is not one. */
function isLiteral(code: number): boolean {
  return code > SPACE && code !== COMMA && code !== CLOSE_LIST && code !== CLOSE_OBJECT;
}

const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** Whether the text from `start` to `end` has a number that is too large for a double, such as 1e400. */
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

/** One member of an object, by positions in the text. */
export interface JsonMember {
  readonly name: string;
  readonly nameStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** The members of the object that begins at `at`, in the order of the text, duplicates included. */
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

/** The start and end of each element of the list that begins at `at`. */
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

/** The string that is quoted between two positions. */
export function nameOf(json: string, start: number, end: number): string {
  const text = json.slice(start + 1, end - 1);
  // A quoted text of valid JSON is a string.
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}

/** From the end of an element or member to the start of the next one, or to the closing bracket. */
export function skipSeparator(json: string, at: number): number {
  const next = skipSpace(json, at);
  return json.charCodeAt(next) === COMMA ? skipSpace(json, next + 1) : next;
}
