import type { GoRelease } from "../go/release.js";
import { CharacterClass, formatFolded } from "./class.js";
import { parseClass, parseClassEscape } from "./class-syntax.js";
import { GROUP_NAME, parseEscape } from "./escape.js";
import {
  alternateOf,
  BEGIN,
  captureOf,
  concatOf,
  END,
  fitsRepeats,
  OPAQUE,
  OPAQUE_CHARACTER,
  type RegexNode,
  repeatOf,
} from "./node.js";
import { PatternCursor } from "./pattern-cursor.js";
import { RegexLimitError, RegexSyntaxError } from "./syntax-error.js";

export interface ParsedRegex {
  readonly root: RegexNode;
  /**
   * An equivalent pattern that every RE2 implementation interprets alike, regardless of its Unicode version, and that
   * can be embedded in another pattern: no capturing groups, no unterminated quotation, no names of Unicode classes,
   * and no character beyond ASCII whose case folding is left to the engine.
   */
  readonly portable: string;
}

/** Go's `maxHeight`. */
export const MAX_HEIGHT = 1000;
/** Go's `maxRepeat`: the maximum of a count and of the product of nested counts. */
export const MAX_REPEAT = 1000;
/**
 * The maximum number of instructions; Go allows 3.3 million. Within the default length limit, only counted repetition
 * can exceed it.
 */
export const MAX_PROGRAM_SIZE = 20_000;

/** The number of instructions that a Unicode class counts as, because it has many ranges. */
const UNICODE_CLASS_SIZE = 64;

/**
 * Parses a pattern like Go's `regexp/syntax` with the flags of `regexp.Compile`, and Unicode 15.0.0 like the releases of
 * Go that Hubble is built with.
 *
 * @throws RegexSyntaxError
 */
export function parseRegex(pattern: string, release: GoRelease = "go1.23"): ParsedRegex {
  return new Parser(pattern, release).parse();
}

interface Frame {
  readonly captures: boolean;
  /** The flags to restore at the closing parenthesis. */
  readonly fold: boolean;
  readonly lines: boolean;
  readonly dotNewline: boolean;
  readonly choices: RegexNode[];
  items: RegexNode[];
}

/** `{2}`, `{2,}`, `{2,3}`; any other brace is a literal. */
const COUNTS = /\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}/y;
/** Left to the engine: U+FFFD also matches ill-formed sequences in a string, and a surrogate matches nothing. */
const PLAIN = /[^\ufffd\ud800-\udfff]/u;
const WITHOUT_CASE = /[^A-Za-z\u0080-\u{10ffff}]/u;
const BEYOND_ASCII = /[^\0-\x7f]/;

class Parser {
  #fold = false;
  #lines = false;
  #dotNewline = false;
  readonly #open: Frame[] = [];
  #frame: Frame;

  readonly #pattern: string;
  readonly #release: GoRelease;
  readonly #cursor: PatternCursor;

  constructor(pattern: string, release: GoRelease) {
    this.#pattern = pattern;
    this.#release = release;
    this.#cursor = new PatternCursor(pattern);
    this.#frame = this.#newFrame(false);
  }

  parse(): ParsedRegex {
    const pattern = this.#pattern;
    let lastRepeat = -1;
    while (this.#cursor.at < pattern.length) {
      let repeat = -1;
      const character = pattern[this.#cursor.at]!;
      switch (character) {
        case "(":
          this.#openGroup();
          break;
        case ")":
          this.#closeGroup();
          break;
        case "|":
          this.#cursor.at++;
          this.#frame.choices.push(this.#limited(concatOf(this.#frame.items)));
          this.#frame.items = [];
          break;
        case "^":
        case "$":
          this.#cursor.at++;
          this.#push(this.#lines ? OPAQUE : character === "^" ? BEGIN : END);
          break;
        case ".":
          this.#cursor.at++;
          this.#push({ kind: "any", newline: this.#dotNewline, height: 1, size: 1, live: 1, single: true });
          break;
        case "[":
          this.#parseClass();
          break;
        case "*":
        case "+":
        case "?":
          repeat = this.#cursor.at++;
          this.#repeat(character === "+" ? 1 : 0, character === "?" ? 1 : -1, false, repeat, lastRepeat);
          break;
        case "{": {
          COUNTS.lastIndex = this.#cursor.at;
          const counts = COUNTS.exec(pattern);
          if (counts === null) {
            this.#literal(this.#cursor.next());
            break;
          }
          repeat = this.#cursor.at;
          this.#cursor.at += counts[0].length;
          const min = Number(counts[1]);
          const max = counts[2] === undefined ? min : counts[3] === undefined ? -1 : Number(counts[3]);
          if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && min > max)) {
            this.#cursor.fail("invalid repeat count", repeat);
          }
          this.#repeat(min, max, true, repeat, lastRepeat);
          break;
        }
        case "\\":
          this.#parseEscapeOutsideClass();
          break;
        default:
          this.#literalFrom(this.#cursor.at, this.#cursor.next());
      }
      lastRepeat = repeat;
    }
    if (this.#open.length > 0) throw new RegexSyntaxError(`missing closing ): \`${pattern}\``);
    const root = this.#closed(this.#frame);
    return { root, portable: this.#cursor.portable };
  }

  #openGroup(): void {
    const pattern = this.#pattern;
    const cursor = this.#cursor;
    const start = cursor.at;
    if (pattern[start + 1] !== "?") {
      cursor.at++;
      cursor.rewrite(start, cursor.at, "(?:");
      this.#enter(this.#newFrame(true));
      return;
    }
    const nameStart = start + (pattern.startsWith("P<", start + 2) ? 4 : pattern[start + 2] === "<" ? 3 : 0);
    if (nameStart > start && nameStart < pattern.length) {
      const nameEnd = pattern.indexOf(">", start);
      cursor.at = nameEnd < 0 ? pattern.length : nameEnd + 1;
      if (nameEnd < 0 || !GROUP_NAME.test(pattern.slice(nameStart, nameEnd))) {
        cursor.fail("invalid named capture", start);
      }
      cursor.rewrite(start, cursor.at, "(?:");
      this.#enter(this.#newFrame(true));
      return;
    }
    this.#parseFlags(start);
  }

  /** `(?i)`, `(?i-s:`, `(?:`. `U` is ignored because greedy and lazy searches give the same result. */
  #parseFlags(start: number): void {
    const pattern = this.#pattern;
    const before = this.#newFrame(false);
    let [fold, lines, dotNewline] = [this.#fold, this.#lines, this.#dotNewline];
    let value = true;
    let sawFlag = false;
    this.#cursor.at += 2;
    while (this.#cursor.at < pattern.length) {
      const flag = this.#cursor.next();
      if (flag === "i") fold = value;
      else if (flag === "m") lines = value;
      else if (flag === "s") dotNewline = value;
      else if (flag === "-" && value) value = false;
      else if ((flag === ":" || flag === ")") && (value || sawFlag)) {
        if (flag === ":") this.#enter(before);
        this.#fold = fold;
        this.#lines = lines;
        this.#dotNewline = dotNewline;
        return;
      } else if (flag !== "U") break;
      sawFlag = flag !== "-";
    }
    this.#cursor.fail("invalid or unsupported Perl syntax", start);
  }

  #newFrame(captures: boolean): Frame {
    return {
      captures,
      fold: this.#fold,
      lines: this.#lines,
      dotNewline: this.#dotNewline,
      choices: [],
      items: [],
    };
  }

  #enter(frame: Frame): void {
    this.#open.push(this.#frame);
    this.#frame = frame;
  }

  #closeGroup(): void {
    const closed = this.#frame;
    const outer = this.#open.pop();
    if (outer === undefined) throw new RegexSyntaxError(`unexpected ): \`${this.#pattern}\``);
    this.#cursor.at++;
    this.#fold = closed.fold;
    this.#lines = closed.lines;
    this.#dotNewline = closed.dotNewline;
    const of = this.#closed(closed);
    this.#frame = outer;
    this.#push(closed.captures ? this.#limited(captureOf(of)) : of);
  }

  #repeat(min: number, max: number, counted: boolean, start: number, lastRepeat: number): void {
    if (this.#pattern[this.#cursor.at] === "?") this.#cursor.at++;
    if (lastRepeat >= 0) this.#cursor.fail("invalid nested repetition operator", lastRepeat);
    const { items } = this.#frame;
    const of = items.pop();
    if (of === undefined) this.#cursor.fail("missing argument to repetition operator", start);
    const node = repeatOf(of, min, max);
    if (counted && (min >= 2 || max >= 2) && !fitsRepeats(node, MAX_REPEAT)) {
      this.#cursor.fail("invalid repeat count", start);
    }
    items.push(this.#limited(node));
  }

  #parseClass(): void {
    const { literal, unicodeClasses } = parseClass(this.#cursor, this.#fold, this.#release);
    if (literal === undefined) this.#push(classOf(unicodeClasses));
    else this.#literal(literal);
  }

  #parseEscapeOutsideClass(): void {
    const pattern = this.#pattern;
    const cursor = this.#cursor;
    const start = cursor.at;
    switch (pattern[start + 1]) {
      case "A":
        cursor.at += 2;
        this.#push(BEGIN);
        return;
      case "z":
        cursor.at += 2;
        this.#push(END);
        return;
      case "b":
      case "B":
        cursor.at += 2;
        this.#push(OPAQUE);
        return;
      case "Q": {
        const end = pattern.indexOf("\\E", start + 2);
        const quoted = pattern.slice(start + 2, end < 0 ? pattern.length : end);
        cursor.at = end < 0 ? pattern.length : end + 2;
        if (this.#fold && BEYOND_ASCII.test(quoted)) cursor.rewrite(start, cursor.at, quoteFolded(quoted));
        else if (end < 0) cursor.rewrite(cursor.at, cursor.at, "\\E");
        for (const character of quoted) this.#literal(character);
        return;
      }
    }
    const members = new CharacterClass(this.#fold);
    const kind = parseClassEscape(cursor, members, this.#release);
    if (kind === undefined) {
      this.#literalFrom(start, String.fromCodePoint(parseEscape(cursor)));
      return;
    }
    if (kind === "unicode") cursor.rewrite(start, cursor.at, members.format(false));
    this.#push(classOf(kind === "unicode" ? 1 : 0));
  }

  /** Adds a literal character that is written from `start` to the cursor, escaped or not. */
  #literalFrom(start: number, character: string): void {
    if (this.#fold && character > "\x7f")
      this.#cursor.rewrite(start, this.#cursor.at, formatFolded(character));
    this.#literal(character);
  }

  #literal(character: string): void {
    if ((this.#fold ? WITHOUT_CASE : PLAIN).test(character)) {
      this.#push({ kind: "literal", text: character, height: 1, size: 1, live: 1, single: true });
    } else this.#push({ ...OPAQUE_CHARACTER, letter: character });
  }

  #push(node: RegexNode): void {
    this.#frame.items.push(node);
  }

  #closed({ choices, items }: Frame): RegexNode {
    return this.#limited(alternateOf([...choices, this.#limited(concatOf(items))]));
  }

  #limited(node: RegexNode): RegexNode {
    if (node.height > MAX_HEIGHT) {
      throw new RegexSyntaxError(`expression nests too deeply: \`${this.#pattern}\``);
    }
    if (node.size > MAX_PROGRAM_SIZE) this.#tooLarge();
    return node;
  }

  #tooLarge(): never {
    throw new RegexLimitError(`expression too large: \`${this.#pattern}\``);
  }
}

/** Creates a node for a class, sized by its number of Unicode classes. */
function classOf(unicodeClasses: number): RegexNode {
  return { ...OPAQUE_CHARACTER, size: 1 + unicodeClasses * UNICODE_CLASS_SIZE };
}

const META = /[\\.+*?()|[\]{}^$]/g;

/** Formats the literals of a quotation under `(?i)` without the quotation. */
function quoteFolded(quoted: string): string {
  let text = "";
  for (const character of quoted) {
    text += character > "\x7f" ? formatFolded(character) : character.replace(META, "\\$&");
  }
  return text;
}
