import { quoteFirstByte } from "./strconv/quote-byte.js";

/** The maximum nesting depth of Go's `encoding/json`. */
const MAX_DEPTH = 10_000;

/** Only thrown inside {@link findJsonEnd}. */
class Fault {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Finds the end of the JSON value that begins at `start`, like a Go `json.Decoder`, or the fault with Go's text. Not
 * recursive, so nesting does not use the stack.
 */
export function findJsonEnd(text: string, start: number): { end: number } | { fault: string } {
  try {
    return { end: skipValue(text, start) };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.text };
    throw error;
  }
}

/** Skips JSON white space and returns the position of the next token. */
export function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text[at]!)) at++;
  return at;
}

function skipValue(text: string, start: number): number {
  /** The closing brackets of the open arrays and objects. */
  const open: ("]" | "}")[] = [];
  let at = start;
  for (;;) {
    // At the start of a value.
    const opener = text[at];
    if (opener === "{" || opener === "[") {
      if (open.push(opener === "{" ? "}" : "]") > MAX_DEPTH) throw new Fault("exceeded max depth");
      at = skipSpace(text, at + 1);
      if (text[at] !== open.at(-1)) {
        if (opener === "{") at = skipName(text, at, "looking for beginning of object key string");
        continue;
      }
      open.pop();
      at++;
    } else {
      at = skipScalar(text, at);
    }
    // After a value: any closing brackets, then another value or the end.
    for (;;) {
      const closer = open.at(-1);
      if (closer === undefined) return at;
      at = skipSpace(text, at);
      if (text[at] === closer) {
        open.pop();
        at++;
        continue;
      }
      if (text[at] !== ",") {
        throw unexpected(text, at, `after ${closer === "}" ? "object key:value pair" : "array element"}`);
      }
      at = skipSpace(text, at + 1);
      if (closer === "}") at = skipName(text, at, "looking for beginning of object key string");
      break;
    }
  }
}

function skipName(text: string, start: number, context: string): number {
  if (text[start] !== '"') throw unexpected(text, start, context);
  const colon = skipSpace(text, skipString(text, start));
  if (text[colon] !== ":") throw unexpected(text, colon, "after object key");
  return skipSpace(text, colon + 1);
}

function skipScalar(text: string, start: number): number {
  const character = text[start];
  if (character === '"') return skipString(text, start);
  if (character === "-" || isDigit(text, start)) return skipNumber(text, start);
  if (character === "t") return skipWord(text, start, "true");
  if (character === "f") return skipWord(text, start, "false");
  if (character === "n") return skipWord(text, start, "null");
  throw unexpected(text, start, "looking for beginning of value");
}

function skipString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === undefined || character < " ") throw unexpected(text, at, "in string literal");
    if (character !== "\\") continue;
    at++;
    if (text[at] === "u") {
      for (let digit = 0; digit < 4; digit++) {
        at++;
        if (!isHexDigit(text[at])) throw unexpected(text, at, "in \\u hexadecimal character escape");
      }
    } else if (text[at] === undefined || !'bfnrt\\/"'.includes(text[at]!)) {
      throw unexpected(text, at, "in string escape code");
    }
  }
}

function skipNumber(text: string, start: number): number {
  let at = text[start] === "-" ? start + 1 : start;
  if (!isDigit(text, at)) throw unexpected(text, at, "in numeric literal");
  at = text[at] === "0" ? at + 1 : skipDigits(text, at);
  if (text[at] === ".") {
    if (!isDigit(text, at + 1)) throw unexpected(text, at + 1, "after decimal point in numeric literal");
    at = skipDigits(text, at + 1);
  }
  if (text[at] === "e" || text[at] === "E") {
    at++;
    if (text[at] === "+" || text[at] === "-") at++;
    if (!isDigit(text, at)) throw unexpected(text, at, "in exponent of numeric literal");
    at = skipDigits(text, at);
  }
  return at;
}

function skipWord(text: string, start: number, word: string): number {
  for (let index = 1; index < word.length; index++) {
    if (text[start + index] === word[index]) continue;
    throw unexpected(text, start + index, `in literal ${word} (expecting '${word[index]}')`);
  }
  return start + word.length;
}

function unexpected(text: string, at: number, context: string): Fault {
  const code = text.codePointAt(at);
  if (code === undefined) return new Fault("unexpected EOF");
  return new Fault(`invalid character ${quoteFirstByte(String.fromCodePoint(code))} ${context}`);
}

function skipDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text, at)) at++;
  return at;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

function isHexDigit(character: string | undefined): boolean {
  return character !== undefined && "0123456789abcdefABCDEF".includes(character);
}
