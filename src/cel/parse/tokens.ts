import { BEFORE_EXPRESSION, CelError, type CelIssue } from "./issue.js";
import { type CelGoVersion, lexCel, type Token, type TokenKind } from "./lex.js";

/** The maximum number of code units of a token that a message quotes. */
const MAX_SHOWN = 40;

/** Reads the tokens of an expression one by one. */
export class TokenReader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #issues: readonly CelIssue[];
  readonly #version: CelGoVersion;
  #position = 0;

  /** @param issues The issues so far, to report together with a syntax error. */
  constructor(source: string, issues: readonly CelIssue[], version: CelGoVersion) {
    this.#source = source;
    this.#version = version;
    this.#tokens = lexCel(source, version);
    this.#issues = issues;
  }

  /** The next token. The last one is the end token, which is never consumed. */
  next(): Token {
    return this.#tokens[this.#position]!;
  }

  /** Consumes the next token. */
  take(): Token {
    return this.#tokens[this.#position++]!;
  }

  /** The kind of a token after the next one; undefined after the end token. */
  kindAt(ahead: number): TokenKind | undefined {
    return this.#tokens[this.#position + ahead]?.kind;
  }

  is(kind: TokenKind): boolean {
    return this.next().kind === kind;
  }

  /** Consumes the next token if it is of this kind. */
  skip(kind: TokenKind): boolean {
    if (!this.is(kind)) return false;
    this.#position++;
    return true;
  }

  /** Consumes a sign. */
  expect(kind: TokenKind): Token {
    if (!this.is(kind)) throw this.unexpected(`'${kind}'`);
    return this.take();
  }

  /** Consumes an identifier. `expected` describes it for a syntax error. */
  identifier(expected: string): string {
    const token = this.next();
    if (token.kind !== "identifier") throw this.unexpected(expected);
    this.take();
    return this.textOf(token);
  }

  textOf({ start, end }: Token): string {
    return this.#source.slice(start, end);
  }

  /** The syntax error at the next token. */
  unexpected(expected: string): CelError {
    const token = this.next();
    const found =
      token.fault !== "" ? token.fault : `found ${this.#describe(token)} where ${expected} was expected`;
    const at = this.#source === "" && this.#version === "0.26" ? BEFORE_EXPRESSION : token.start;
    return new CelError(this.#source, [...this.#issues, { at, message: `Syntax error: ${found}` }]);
  }

  #describe(token: Token): string {
    if (token.kind === "end") return "the end of the expression";
    if (token.kind === "string") return "a string";
    if (token.kind === "bytes") return "bytes";
    const text = this.textOf(token);
    return text.length > MAX_SHOWN ? `'${text.slice(0, MAX_SHOWN)}…'` : `'${text}'`;
  }
}
