import { CLOSE_LIST, CLOSE_OBJECT, OPEN_LIST, OPEN_OBJECT } from "../../message/json/scan.js";

/** The maximum nesting depth. Deeper documents are rejected so that a line of brackets cannot exhaust memory. */
const MAX_DEPTH = 1000;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
/** Represents a number, `true`, `false` or `null`. */
const LITERAL = 0x30;
/** No token yet. */
const NOTHING = 0;
/** Replaces the last token after a line that could not be read. */
const UNKNOWN = 1;

/** The state of a document after a line: incomplete, complete, or invalid JSON. */
export type DocumentState = "open" | "closed" | "broken";

/**
 * Splits JSON that does not have one value per line into its objects: documents that span several lines, lists with
 * their elements on separate lines, and objects without a line feed between them. Implements only as much of the
 * grammar as is needed to detect the first line that does not continue a document; the objects still have to be parsed.
 *
 * Buffers at most one object of up to `maxLength` UTF-16 code units.
 */
export class JsonDocument {
  readonly #maxLength: number;
  /** The open brackets. */
  readonly #stack: number[] = [];
  /** The nesting depth of the objects: 1 in a list, otherwise 0. */
  #base = 0;
  /** The last token. */
  #previous = NOTHING;
  /** The buffered part of an incomplete object. */
  #held = "";
  #isTooLong = false;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether the document is inside an object. */
  get isInObject(): boolean {
    return this.#stack.length > this.#base;
  }

  /** Whether the current object is longer than `maxLength`. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /**
   * Adds a line.
   *
   * @param objects Receives the objects that end in this line; undefined for an object that is too long.
   */
  add(line: string, objects: (string | undefined)[]): DocumentState {
    let start = this.isInObject ? 0 : -1;
    for (let at = 0; at < line.length; ) {
      const code = line.charCodeAt(at);
      if (code <= SPACE) {
        at++;
        continue;
      }
      const token = tokenOf(code);
      if (!this.#isLegal(token)) return "broken";
      const end = tokenEnd(line, at, token);
      if (end === undefined) return "broken";
      if (token === OPEN_LIST && this.#previous === NOTHING) this.#base = 1;
      if (token === OPEN_LIST || token === OPEN_OBJECT) {
        if (token === OPEN_OBJECT && !this.isInObject) start = at;
        if (this.#stack.push(token) > MAX_DEPTH) return "broken";
      } else if (token === CLOSE_LIST || token === CLOSE_OBJECT) {
        this.#stack.pop();
        if (token === CLOSE_OBJECT && !this.isInObject) {
          objects.push(this.#take(line.slice(start, end)));
          start = -1;
        }
      }
      this.#previous = token;
      at = end;
    }
    if (start !== -1) this.#hold(line.slice(start));
    return this.#stack.length === 0 ? "closed" : "open";
  }

  /** Continues after a line that could not be read. The caller must discard the current object when it ends. */
  skipLine(): void {
    this.#previous = UNKNOWN;
  }

  #hold(text: string): void {
    // JSON allows white space at the end of a line.
    this.#held += `${text}\n`;
    if (this.#held.length <= this.#maxLength) return;
    this.#isTooLong = true;
    this.#held = "";
  }

  #take(end: string): string | undefined {
    const object = this.#held + end;
    const isTooLong = this.#isTooLong || object.length > this.#maxLength;
    this.#held = "";
    this.#isTooLong = false;
    return isTooLong ? undefined : object;
  }

  /**
   * Implements https://www.rfc-editor.org/rfc/rfc8259#section-2, but only objects are allowed as documents and as
   * elements of the outer list.
   */
  #isLegal(token: number): boolean {
    const top = this.#stack.at(-1);
    if (top === undefined) {
      return (
        token === OPEN_OBJECT ||
        (token === OPEN_LIST && this.#previous === NOTHING) ||
        isTrailing(token, this.#previous)
      );
    }
    const isValue = token === QUOTE || token === LITERAL || token === OPEN_LIST || token === OPEN_OBJECT;
    if (isValue && !this.isInObject && token !== OPEN_OBJECT) return false;
    switch (this.#previous) {
      case OPEN_OBJECT:
        return token === QUOTE || token === CLOSE_OBJECT;
      case OPEN_LIST:
        return isValue || token === CLOSE_LIST;
      case COMMA:
        return top === OPEN_OBJECT ? token === QUOTE : isValue;
      case COLON:
        return isValue;
      case UNKNOWN:
        // In an object, an opening brace more likely starts the next document than the value of a lost name.
        if (top === OPEN_OBJECT) return token === QUOTE || token === COMMA || token === CLOSE_OBJECT;
        return isValue || token === COMMA || token === CLOSE_LIST;
      default:
        if (token === COLON) return top === OPEN_OBJECT && this.#previous === QUOTE;
        return token === COMMA || token === (top === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST);
    }
  }
}

/** Whether the token is a comma after an object: the line was an element of a list. */
function isTrailing(token: number, previous: number): boolean {
  return token === COMMA && previous === CLOSE_OBJECT;
}

function tokenOf(code: number): number {
  switch (code) {
    case QUOTE:
    case COMMA:
    case COLON:
    case OPEN_LIST:
    case CLOSE_LIST:
    case OPEN_OBJECT:
    case CLOSE_OBJECT:
      return code;
    default:
      return LITERAL;
  }
}

/** Returns the end of the token; undefined for an unterminated string, as JSON strings cannot contain line feeds. */
function tokenEnd(line: string, at: number, token: number): number | undefined {
  if (token === QUOTE) return stringEnd(line, at);
  if (token !== LITERAL) return at + 1;
  let end = at + 1;
  while (end < line.length && line.charCodeAt(end) > SPACE && tokenOf(line.charCodeAt(end)) === LITERAL)
    end++;
  return end;
}

function stringEnd(line: string, at: number): number | undefined {
  for (let end = at + 1; end < line.length; end++) {
    const code = line.charCodeAt(end);
    if (code === QUOTE) return end + 1;
    if (code === BACKSLASH) end++;
  }
  return undefined;
}
