import { CLOSE_LIST, CLOSE_OBJECT, OPEN_LIST, OPEN_OBJECT } from "../json/scan.js";

/** How deep a document may nest; deeper ones are refused, so that a line of brackets does not fill the memory. */
const MAX_DEPTH = 1000;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
/** Stands for a number, `true`, `false` or `null`. */
const LITERAL = 0x30;
/** Before the first token. */
const NOTHING = 0;
/** The last token of a line that could not be read. */
const UNKNOWN = 1;

/** What a line did to a document: goes on, has ended, or cannot be JSON. */
export type DocumentState = "open" | "closed" | "broken";

/**
 * Cuts JSON that is not a value a line into its objects: documents printed on several lines, a list with its elements on
 * lines of their own, objects without a line feed between them. Knows enough of the grammar to find the first line that
 * does not continue a document, and no more: the objects are still to be parsed.
 *
 * Holds one object, of at most `maxLength` UTF-16 code units.
 */
export class JsonDocument {
  readonly #maxLength: number;
  /** The brackets that are open. */
  readonly #stack: number[] = [];
  /** The depth at which the objects are: 1 in a list. */
  #base = 0;
  /** The last token. */
  #previous = NOTHING;
  /** The beginning of an object that goes on. */
  #held = "";
  #isTooLong = false;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether an object has begun and not ended. */
  get isInObject(): boolean {
    return this.#stack.length > this.#base;
  }

  /** Whether the object that has begun is longer than can be held. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /**
   * Adds a line.
   *
   * @param objects Gets the objects that end in this line; undefined for one that is too long.
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

  /** Continues behind a line that could not be read. An object that has begun must not be used when it ends. */
  skipLine(): void {
    this.#previous = UNKNOWN;
  }

  #hold(text: string): void {
    // JSON allows white space where lines end.
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

  /** https://www.rfc-editor.org/rfc/rfc8259#section-2; between documents, as between elements, only objects may be. */
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
        // An object without a name more likely begins the next document than the value of a lost name.
        if (top === OPEN_OBJECT) return token === QUOTE || token === COMMA || token === CLOSE_OBJECT;
        return isValue || token === COMMA || token === CLOSE_LIST;
      default:
        if (token === COLON) return top === OPEN_OBJECT && this.#previous === QUOTE;
        return token === COMMA || token === (top === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST);
    }
  }
}

/** A comma behind an object: the line was an element of a list. */
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

/** Undefined for a string that does not end: JSON has no line feeds in strings. */
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
