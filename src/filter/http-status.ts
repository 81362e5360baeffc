import { goQuote } from "../go/quote.js";

/** Status codes that are wanted: one, or all that begin with one or two digits. */
export interface HttpStatusPattern {
  /** The least and the greatest code of three digits that the pattern takes. */
  readonly first: number;
  readonly last: number;
  /** Whether it also takes longer codes that begin so. */
  readonly prefix: boolean;
}

/** Reads `404`, `40+` or `4+`, the first digit being 1 to 5. What is none of these gives the error text instead. */
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
 * Whether a status code, written in decimal with at least three digits, is one of the wanted ones: 4040 begins with `4+`,
 * 5 is `005` and begins with nothing that can be wanted. Code 0 is no response and never matches.
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
