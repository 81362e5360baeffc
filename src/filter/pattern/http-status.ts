import { goQuote } from "../../go/strconv/quote.js";

/** A pattern for status codes: a single code, or all codes that begin with one or two given digits. */
export interface HttpStatusPattern {
  /** The lowest and the highest three-digit code that the pattern matches. */
  readonly first: number;
  readonly last: number;
  /** Whether longer codes with the same leading digits match, too. */
  readonly prefix: boolean;
}

/** Parses `404`, `40+` or `4+`; the first digit must be 1 to 5. Returns the error text if the string is invalid. */
export function parseHttpStatus(text: string): HttpStatusPattern | string {
  if (/^[1-5][0-9]{2}$/.test(text)) return { first: Number(text), last: Number(text), prefix: false };
  if (!/^[1-5][0-9]?\+$/.test(text)) return `invalid status code prefix: ${goQuote(text)}`;
  const codes = text.length === 2 ? 100 : 10;
  const first = Number(text.slice(0, -1)) * codes;
  return { first, last: first + codes - 1, prefix: true };
}

const TAKES_CODE = 1;
const TAKES_LONGER = 2;

/**
 * Compiles patterns into a test for a status code. Codes are compared in decimal with at least three digits: 4040
 * matches `4+`, and 5 is `005`, which matches no pattern. Code 0 means that there was no response; it never matches.
 */
export function compileHttpStatuses(wanted: readonly HttpStatusPattern[]): (code: number) => boolean {
  const takes = new Uint8Array(1000);
  for (const { first, last, prefix } of wanted) {
    for (let code = first; code <= last; code++)
      takes[code]! |= prefix ? TAKES_CODE | TAKES_LONGER : TAKES_CODE;
  }
  return (code) => {
    if (code < 1000) return (takes[code]! & TAKES_CODE) !== 0;
    let leading = code >>> 0;
    while (leading >= 1000) leading = Math.floor(leading / 10);
    return (takes[leading]! & TAKES_LONGER) !== 0;
  };
}
