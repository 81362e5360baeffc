import { RegexSyntaxError } from "./syntax-error.js";

/** A position in a pattern, and the portable pattern that is written on the way. */
export class PatternCursor {
  readonly pattern: string;
  at = 0;
  #portable = "";
  /** The end of the part of the pattern that the portable pattern covers. */
  #copied = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  /** The portable pattern, after the last {@link rewrite}. */
  get portable(): string {
    return this.#portable + this.pattern.slice(this.#copied);
  }

  /** Returns the code point at the cursor as a string and advances. */
  next(): string {
    const character = String.fromCodePoint(this.pattern.codePointAt(this.at)!);
    this.at += character.length;
    return character;
  }

  /** Replaces the range with `text` in the portable pattern. Ranges must be in order. */
  rewrite(start: number, end: number, text: string): void {
    this.#portable += this.pattern.slice(this.#copied, start) + text;
    this.#copied = end;
  }

  /** Returns a function that undoes the later calls of {@link rewrite}. */
  mark(): () => void {
    const [portable, copied] = [this.#portable, this.#copied];
    return () => {
      this.#portable = portable;
      this.#copied = copied;
    };
  }

  /** Throws a fault that quotes the pattern from `start` to the cursor. */
  fail(what: string, start: number): never {
    throw new RegexSyntaxError(`${what}: \`${this.pattern.slice(start, this.at)}\``);
  }
}
