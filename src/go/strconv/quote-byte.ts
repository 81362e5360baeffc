import { goQuote } from "./quote.js";

/**
 * Quotes the first byte of a character as Go does where it treats bytes as characters (`%q` of a byte, errors of
 * `encoding/json`): `'x'` for ASCII; for others the character whose code point is the first UTF-8 byte.
 */
export function quoteFirstByte(character: string): string {
  const byte = String.fromCharCode(firstByte(character.codePointAt(0) ?? 0));
  if (byte === "'") return "'\\''";
  return byte === '"' ? "'\"'" : `'${goQuote(byte).slice(1, -1)}'`;
}

function firstByte(code: number): number {
  if (code < 0x80) return code;
  if (code < 0x800) return 0xc0 | (code >> 6);
  return code < 0x1_0000 ? 0xe0 | (code >> 12) : 0xf0 | (code >> 18);
}
