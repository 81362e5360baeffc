import type { Literal } from "./ast.js";
import { escapeLength, type TokenKind } from "./lex.js";

/** The value of a literal, or cel-go's error text. */
export type LiteralResult<Value> = { readonly value: Value } | { readonly fault: string };

/** Parses a token as a literal, with a preceding minus sign if `negative`; undefined if the token is not a literal. */
export function literalOf(
  kind: TokenKind,
  text: string,
  negative: boolean,
): LiteralResult<Literal> | undefined {
  switch (kind) {
    case "null":
      return { value: { type: "null" } };
    case "true":
    case "false":
      return { value: { type: "bool", value: kind === "true" } };
    case "int":
      return typed("int", parseIntLiteral(text, negative));
    case "uint":
      return typed("uint", parseUintLiteral(text));
    case "double":
      return typed("double", parseDoubleLiteral(text, negative));
    case "string":
      return typed("string", parseStringLiteral(text));
    case "bytes":
      return typed("bytes", parseBytesLiteral(text));
    default:
      return undefined;
  }
}

function typed<Type extends Literal["type"], Value>(
  type: Type,
  result: LiteralResult<Value>,
): LiteralResult<{ type: Type; value: Value }> {
  return "fault" in result ? result : { value: { type, value: result.value } };
}

/** Parses a 64-bit int, decimal or hexadecimal after `0x`, with a preceding minus sign if `negative`. */
export function parseIntLiteral(text: string, negative: boolean): LiteralResult<bigint> {
  const magnitude = parseMagnitude(text);
  if (magnitude === undefined || magnitude > (negative ? MAX_INT + 1n : MAX_INT)) {
    return { fault: "invalid int literal" };
  }
  return { value: negative ? -magnitude : magnitude };
}

/** Parses a 64-bit uint including its `u`, decimal or hexadecimal after `0x`. */
export function parseUintLiteral(text: string): LiteralResult<bigint> {
  const magnitude = parseMagnitude(text.slice(0, -1));
  if (magnitude === undefined || magnitude > MAX_UINT) return { fault: "invalid uint literal" };
  return { value: magnitude };
}

/**
 * Parses a double, rounded like Go's `strconv.ParseFloat`. A value that is too large is a fault, one that is too small
 * becomes zero.
 */
export function parseDoubleLiteral(text: string, negative: boolean): LiteralResult<number> {
  const magnitude = Number(text);
  if (magnitude === Infinity) return { fault: "invalid double literal" };
  return { value: negative ? -magnitude : magnitude };
}

/**
 * Parses a string including its quotes and prefix. Unpaired surrogates become U+FFFD, as in a conversion to UTF-8; so
 * does every escaped surrogate, even if two of them would form a pair.
 */
export function parseStringLiteral(text: string): LiteralResult<string> {
  const { body, raw } = unquote(text);
  if (raw || !body.includes("\\")) return { value: body };
  let value = "";
  for (const part of parts(body)) {
    const point = typeof part === "string" ? undefined : part.code;
    if (point !== undefined && point > MAX_CODE_POINT) return { fault: "invalid unicode code point" };
    value += point === undefined ? part : isSurrogate(point) ? "\ufffd" : String.fromCodePoint(point);
  }
  return { value };
}

/**
 * Parses bytes including quotes and prefix: hexadecimal and octal escapes are bytes, characters are encoded in UTF-8.
 */
export function parseBytesLiteral(text: string): LiteralResult<Uint8Array> {
  const { body, raw } = unquote(text.slice(1));
  if (raw || !body.includes("\\")) return { value: new TextEncoder().encode(body) };
  const chunks: Uint8Array[] = [];
  for (const part of parts(body)) {
    if (typeof part === "string") chunks.push(new TextEncoder().encode(part));
    else if (part.letter === "u" || part.letter === "U") return { fault: "unable to unescape string" };
    else chunks.push(Uint8Array.of(part.code));
  }
  return { value: concatenate(chunks) };
}

const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/**
 * Returns undefined if there are more digits than 64 bits can have, because `BigInt` takes more than linear time for
 * long strings.
 */
function parseMagnitude(text: string): bigint | undefined {
  const isHex = text.startsWith("0x");
  const digits = text.slice(isHex ? 2 : 0).replace(/^0+/, "");
  if (digits.length > MAX_DIGITS) return undefined;
  return BigInt(`${isHex ? "0x" : ""}0${digits}`);
}

// The number of decimal digits of 2^64 - 1.
const MAX_DIGITS = 20;

/** Returns the content between the quotes, with line ends converted to `\n` as in cel-go. */
function unquote(text: string): { body: string; raw: boolean } {
  const raw = text[0] === "r" || text[0] === "R";
  const open = raw ? 1 : 0;
  const quote = text[open]!;
  const length = text.length - open >= 6 && text.startsWith(quote.repeat(3), open) ? 3 : 1;
  const body = text.slice(open + length, text.length - length);
  return { body: body.replace(/\r\n?/g, "\n").replace(/\p{Surrogate}/gu, "\ufffd"), raw };
}

interface Escape {
  /** The character after the backslash. */
  readonly letter: string;
  /** The code point or byte that it represents. */
  readonly code: number;
}

/** Yields runs of plain characters and escape sequences. The lexer has checked that every escape sequence is valid. */
function* parts(body: string): Generator<string | Escape> {
  let index = 0;
  while (index < body.length) {
    const backslash = body.indexOf("\\", index);
    if (backslash < 0) {
      yield body.slice(index);
      return;
    }
    if (backslash > index) yield body.slice(index, backslash);
    index = backslash + escapeLength(body, backslash);
    yield escapeOf(body.slice(backslash + 1, index));
  }
}

/** Parses an escape sequence, given without its backslash. */
function escapeOf(sequence: string): Escape {
  const letter = sequence[0]!;
  if (sequence.length === 1) return { letter, code: ESCAPES.get(letter) ?? letter.charCodeAt(0) };
  const isOctal = letter >= "0" && letter <= "3";
  return { letter, code: isOctal ? Number.parseInt(sequence, 8) : Number.parseInt(sequence.slice(1), 16) };
}

/** Escapes that do not represent the letter itself. */
const ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 0x07],
  ["b", 0x08],
  ["t", 0x09],
  ["n", 0x0a],
  ["v", 0x0b],
  ["f", 0x0c],
  ["r", 0x0d],
]);

const MAX_CODE_POINT = 0x10_ffff;

/** Whether UTF-8 cannot represent the code point. */
function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
