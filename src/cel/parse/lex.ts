/** The kind of a token; keywords and signs are their own kinds. */
export type TokenKind =
  | "end"
  | "invalid"
  | "identifier"
  | "quoted identifier"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | Keyword
  | Sign;

type Keyword = "in" | "true" | "false" | "null";

type Sign =
  | SignOfTwo
  | "<"
  | ">"
  | "["
  | "]"
  | "{"
  | "}"
  | "("
  | ")"
  | "."
  | ","
  | "-"
  | "!"
  | "?"
  | ":"
  | "+"
  | "*"
  | "/"
  | "%";

type SignOfTwo = "==" | "!=" | "<=" | ">=" | "&&" | "||";

export interface Token {
  readonly kind: TokenKind;
  /** The start as an offset in UTF-16 code units. */
  readonly start: number;
  /** The end, exclusive. */
  readonly end: number;
  /** The fault of an invalid token; empty for all others. */
  readonly fault: string;
}

/** A version of cel-go: 0.20.1 or 0.26.1. */
export type CelGoVersion = "0.20" | "0.26";

/**
 * Splits an expression into tokens like cel-go (https://github.com/google/cel-go/blob/v0.20.1/parser/gen/CEL.g4). The
 * last token is the end, or the first invalid token. Takes time linear in the length.
 */
export function lexCel(expression: string, version: CelGoVersion = "0.20"): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (true) {
    index = skipBlank(expression, index);
    const token = (version === "0.26" && quotedIdentifierAt(expression, index)) || tokenAt(expression, index);
    tokens.push(token);
    if (token.kind === "end" || token.kind === "invalid") return tokens;
    index = token.end;
  }
}

/** Skips white space and comments, which extend to the end of their line. */
function skipBlank(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    if (BLANK.has(text[index]!)) {
      index++;
    } else if (text.startsWith("//", index)) {
      const newline = text.indexOf("\n", index);
      index = newline < 0 ? text.length : newline;
    } else break;
  }
  return index;
}

const BLANK: ReadonlySet<string> = new Set([" ", "\t", "\r", "\n", "\f"]);

/** An identifier in back quotes, which is in the grammar since cel-go 0.24. */
function quotedIdentifierAt(text: string, start: number): Token | undefined {
  const quoted = /`[\w.\-/ ]+`/y;
  quoted.lastIndex = start;
  return quoted.test(text) ? token("quoted identifier", start, quoted.lastIndex) : undefined;
}

function tokenAt(text: string, start: number): Token {
  if (start === text.length) return token("end", start, start);
  const first = text.charCodeAt(start);
  if (isLetter(first)) return wordAt(text, start);
  if (isDigit(first) || (first === DOT && isDigit(text.charCodeAt(start + 1)))) return numberAt(text, start);
  if (first === SINGLE_QUOTE || first === DOUBLE_QUOTE) return stringAt(text, start, start, "string", false);
  const two = text.slice(start, start + 2);
  // The strings in both sets are also the names of their kinds.
  if (SIGNS_OF_TWO.has(two)) return token(two as TokenKind, start, start + 2);
  const one = text[start]!;
  if (SIGNS.has(one)) return token(one as TokenKind, start, start + 1);
  return strangeAt(text, start);
}

const SIGNS_OF_TWO: ReadonlySet<string> = new Set(["==", "!=", "<=", ">=", "&&", "||"] satisfies TokenKind[]);
const SIGNS: ReadonlySet<string> = new Set([..."<>[]{}().,-!?:+*/%"]);

/** An identifier, a keyword, or a string or bytes literal that begins with letters. */
function wordAt(text: string, start: number): Token {
  const prefix = /[bB]?[rR]?(?=["'])/y;
  prefix.lastIndex = start;
  const letters = prefix.exec(text)?.[0] ?? "";
  if (letters !== "") {
    const kind = letters[0] === "b" || letters[0] === "B" ? "bytes" : "string";
    return stringAt(text, start, start + letters.length, kind, letters.toLowerCase().endsWith("r"));
  }
  let end = start + 1;
  while (isLetter(text.charCodeAt(end)) || isDigit(text.charCodeAt(end))) end++;
  const word = text.slice(start, end);
  return token(KEYWORDS.has(word) ? (word as Keyword) : "identifier", start, end);
}

const KEYWORDS: ReadonlySet<string> = new Set(["in", "true", "false", "null"] satisfies Keyword[]);

/** Reads the longest possible number: `1.` and `1e` are an int followed by something else. */
function numberAt(text: string, start: number): Token {
  if (text.startsWith("0x", start) && isHexDigit(text.charCodeAt(start + 2))) {
    let end = start + 3;
    while (isHexDigit(text.charCodeAt(end))) end++;
    return wholeNumber(text, start, end);
  }
  const whole = skipDigits(text, start);
  let end = whole;
  if (text.charCodeAt(end) === DOT && isDigit(text.charCodeAt(end + 1))) end = skipDigits(text, end + 1);
  if (text[end] === "e" || text[end] === "E") {
    const digits = text[end + 1] === "+" || text[end + 1] === "-" ? end + 2 : end + 1;
    if (isDigit(text.charCodeAt(digits))) end = skipDigits(text, digits);
  }
  return end > whole ? token("double", start, end) : wholeNumber(text, start, end);
}

function wholeNumber(text: string, start: number, end: number): Token {
  const unsigned = text[end] === "u" || text[end] === "U";
  return unsigned ? token("uint", start, end + 1) : token("int", start, end);
}

function skipDigits(text: string, from: number): number {
  let index = from;
  while (isDigit(text.charCodeAt(index))) index++;
  return index;
}

/** Reads a string or bytes literal that begins at `start`; its opening quote is at `open`. */
function stringAt(text: string, start: number, open: number, kind: "string" | "bytes", raw: boolean): Token {
  const quote = text[open]!;
  const isLong = text.startsWith(quote.repeat(3), open);
  const close = isLong ? quote.repeat(3) : quote;
  let index = open + close.length;
  while (index < text.length) {
    const character = text[index]!;
    if (character === quote && (!isLong || text.startsWith(close, index))) {
      return token(kind, start, index + close.length);
    }
    if (character === "\\" && !raw) {
      const length = escapeLength(text, index);
      if (length === 0) return invalid(index, index + 1, "found a '\\' that begins no escape sequence");
      index += length;
    } else if (!isLong && (character === "\n" || character === "\r")) {
      return invalid(index, index + 1, `found the end of the line where ${close} was expected`);
    } else {
      index++;
    }
  }
  return invalid(
    start,
    text.length,
    `found no ${close} that ends the ${kind === "bytes" ? "bytes" : "string"}`,
  );
}

/** Returns the length of the escape sequence at a backslash in code units; 0 if it is invalid. */
export function escapeLength(text: string, backslash: number): number {
  const sequence = /\\(?:[abfnrtv"'\\?`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})/y;
  sequence.lastIndex = backslash;
  return sequence.exec(text)?.[0].length ?? 0;
}

function strangeAt(text: string, start: number): Token {
  const character = String.fromCodePoint(text.codePointAt(start)!);
  const end = start + character.length;
  const meant = MEANT.get(character);
  if (meant !== undefined) return invalid(start, end, `found ${character} where ${meant} was expected`);
  const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  const shown = /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `${character} (U+${code})` : `U+${code}`;
  return invalid(start, end, `found ${shown}, which only a string or a comment can contain`);
}

const MEANT: ReadonlyMap<string, string> = new Map([
  ["=", "=="],
  ["&", "&&"],
  ["|", "||"],
  ["“", '"'],
  ["”", '"'],
  ["‘", "'"],
  ["’", "'"],
]);

function token(kind: TokenKind, start: number, end: number): Token {
  return { kind, start, end, fault: "" };
}

function invalid(start: number, end: number, fault: string): Token {
  return { kind: "invalid", start, end, fault };
}

const DOT = 0x2e;
const SINGLE_QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;

/** Past the end, `charCodeAt` returns NaN, which is neither a digit nor a letter. */
function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}

function isLetter(code: number): boolean {
  return ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) || code === 0x5f;
}

/** Reserved words, which cannot name a variable or a function, but can name a field. */
export const RESERVED: ReadonlySet<string> = new Set([
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
  "var",
  "void",
  "while",
]);
