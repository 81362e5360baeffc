import { CharacterClass, formatFolded, POSIX_NAMES } from "./class.js";
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
import { unicodeClass } from "./unicode/classes.js";

/**
 * A regular expression that Go's `regexp`, or a limit of this package, rejects. The message is Go's where Go has one.
 */
export class RegexSyntaxError extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(`error parsing regexp: ${detail}`, options);
    this.name = "RegexSyntaxError";
  }
}

/** A regular expression that exceeds a limit of this package; Go may accept it. */
export class RegexLimitError extends RegexSyntaxError {}

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
 * Parses a pattern like Go's `regexp/syntax` with the flags of `regexp.Compile`, and the Unicode version of the Go that
 * Hubble is built with.
 *
 * @throws RegexSyntaxError
 */
export function parseRegex(pattern: string): ParsedRegex {
  return new Parser(pattern).parse();
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
const GROUP_NAME = /^[0-9A-Za-z_]+$/;
const OCTAL = /[0-7]/;
const HEX = /[0-9A-Fa-f]/;
const POSIX_CLASS = new RegExp(`^\\[:(\\^?)(${POSIX_NAMES.join("|")}):\\]$`);
/** Left to the engine: U+FFFD also matches ill-formed sequences in a string, and a surrogate matches nothing. */
const PLAIN = /[^\ufffd\ud800-\udfff]/u;
const WITHOUT_CASE = /[^A-Za-z\u0080-\u{10ffff}]/u;
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const BEYOND_ASCII = /[^\0-\x7f]/;

class Parser {
  private at = 0;
  private fold = false;
  private lines = false;
  private dotNewline = false;
  private readonly open: Frame[] = [];
  private frame: Frame;
  private portable = "";
  private copied = 0;

  constructor(private readonly pattern: string) {
    this.frame = this.newFrame(false);
  }

  parse(): ParsedRegex {
    const { pattern } = this;
    let lastRepeat = -1;
    while (this.at < pattern.length) {
      let repeat = -1;
      const character = pattern[this.at]!;
      switch (character) {
        case "(":
          this.openGroup();
          break;
        case ")":
          this.closeGroup();
          break;
        case "|":
          this.at++;
          this.frame.choices.push(this.limited(concatOf(this.frame.items)));
          this.frame.items = [];
          break;
        case "^":
        case "$":
          this.at++;
          this.push(this.lines ? OPAQUE : character === "^" ? BEGIN : END);
          break;
        case ".":
          this.at++;
          this.push({ kind: "any", newline: this.dotNewline, height: 1, size: 1, live: 1, single: true });
          break;
        case "[":
          this.parseClass();
          break;
        case "*":
        case "+":
        case "?":
          repeat = this.at++;
          this.repeat(character === "+" ? 1 : 0, character === "?" ? 1 : -1, false, repeat, lastRepeat);
          break;
        case "{": {
          COUNTS.lastIndex = this.at;
          const counts = COUNTS.exec(pattern);
          if (counts === null) {
            this.literal(this.next());
            break;
          }
          repeat = this.at;
          this.at += counts[0].length;
          const min = Number(counts[1]);
          const max = counts[2] === undefined ? min : counts[3] === undefined ? -1 : Number(counts[3]);
          if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && min > max)) {
            this.fail("invalid repeat count", repeat);
          }
          this.repeat(min, max, true, repeat, lastRepeat);
          break;
        }
        case "\\":
          this.parseEscapeOutsideClass();
          break;
        default:
          this.literalFrom(this.at, this.next());
      }
      lastRepeat = repeat;
    }
    if (this.open.length > 0) throw new RegexSyntaxError(`missing closing ): \`${pattern}\``);
    const root = this.closed(this.frame);
    return { root, portable: this.portable + pattern.slice(this.copied) };
  }

  private openGroup(): void {
    const { pattern, at: start } = this;
    if (pattern[start + 1] !== "?") {
      this.at++;
      this.rewrite(start, this.at, "(?:");
      this.enter(this.newFrame(true));
      return;
    }
    const nameStart = start + (pattern.startsWith("P<", start + 2) ? 4 : pattern[start + 2] === "<" ? 3 : 0);
    if (nameStart > start && nameStart < pattern.length) {
      const nameEnd = pattern.indexOf(">", start);
      this.at = nameEnd < 0 ? pattern.length : nameEnd + 1;
      if (nameEnd < 0 || !GROUP_NAME.test(pattern.slice(nameStart, nameEnd))) {
        this.fail("invalid named capture", start);
      }
      this.rewrite(start, this.at, "(?:");
      this.enter(this.newFrame(true));
      return;
    }
    this.parseFlags(start);
  }

  /** `(?i)`, `(?i-s:`, `(?:`. `U` is ignored because greedy and lazy searches give the same result. */
  private parseFlags(start: number): void {
    const { pattern } = this;
    const before = this.newFrame(false);
    let { fold, lines, dotNewline } = this;
    let value = true;
    let sawFlag = false;
    this.at += 2;
    while (this.at < pattern.length) {
      const flag = this.next();
      if (flag === "i") fold = value;
      else if (flag === "m") lines = value;
      else if (flag === "s") dotNewline = value;
      else if (flag === "-" && value) value = false;
      else if ((flag === ":" || flag === ")") && (value || sawFlag)) {
        if (flag === ":") this.enter(before);
        this.fold = fold;
        this.lines = lines;
        this.dotNewline = dotNewline;
        return;
      } else if (flag !== "U") break;
      sawFlag = flag !== "-";
    }
    this.fail("invalid or unsupported Perl syntax", start);
  }

  private newFrame(captures: boolean): Frame {
    const { fold, lines, dotNewline } = this;
    return { captures, fold, lines, dotNewline, choices: [], items: [] };
  }

  private enter(frame: Frame): void {
    this.open.push(this.frame);
    this.frame = frame;
  }

  private closeGroup(): void {
    const closed = this.frame;
    const outer = this.open.pop();
    if (outer === undefined) throw new RegexSyntaxError(`unexpected ): \`${this.pattern}\``);
    this.at++;
    this.fold = closed.fold;
    this.lines = closed.lines;
    this.dotNewline = closed.dotNewline;
    const of = this.closed(closed);
    this.frame = outer;
    this.push(closed.captures ? this.limited(captureOf(of)) : of);
  }

  private repeat(min: number, max: number, counted: boolean, start: number, lastRepeat: number): void {
    if (this.pattern[this.at] === "?") this.at++;
    if (lastRepeat >= 0) this.fail("invalid nested repetition operator", lastRepeat);
    const { items } = this.frame;
    const of = items.pop();
    if (of === undefined) this.fail("missing argument to repetition operator", start);
    const node = repeatOf(of, min, max);
    if (counted && (min >= 2 || max >= 2) && !fitsRepeats(node, MAX_REPEAT)) {
      this.fail("invalid repeat count", start);
    }
    items.push(this.limited(node));
  }

  private parseEscapeOutsideClass(): void {
    const { pattern, at: start } = this;
    switch (pattern[start + 1]) {
      case "A":
        this.at += 2;
        this.push(BEGIN);
        return;
      case "z":
        this.at += 2;
        this.push(END);
        return;
      case "b":
      case "B":
        this.at += 2;
        this.push(OPAQUE);
        return;
      case "Q": {
        const end = pattern.indexOf("\\E", start + 2);
        const quoted = pattern.slice(start + 2, end < 0 ? pattern.length : end);
        this.at = end < 0 ? pattern.length : end + 2;
        if (this.fold && BEYOND_ASCII.test(quoted)) this.rewrite(start, this.at, quoteFolded(quoted));
        else if (end < 0) this.rewrite(this.at, this.at, "\\E");
        for (const character of quoted) this.literal(character);
        return;
      }
    }
    const members = new CharacterClass(this.fold);
    const kind = this.parseClassEscape(members);
    if (kind === undefined) {
      this.literalFrom(start, String.fromCodePoint(this.parseEscape()));
      return;
    }
    if (kind === "unicode") this.rewrite(start, this.at, members.format(false));
    this.push(classOf(kind === "unicode" ? 1 : 0));
  }

  /** If the next token is `\d`, `\pL`, `\p{Greek}` or similar, adds it to a class and advances. */
  private parseClassEscape(members: CharacterClass): "perl" | "unicode" | undefined {
    const { pattern, at: start } = this;
    const letter = pattern[start + 1];
    if (pattern[start] !== "\\" || letter === undefined || !"dDsSwWpP".includes(letter)) return undefined;
    this.at += 2;
    if (letter !== "p" && letter !== "P") {
      members.addPerl(letter);
      return "perl";
    }
    if (this.at >= pattern.length) this.fail("invalid character class range", start);
    let name = this.next();
    if (name === "{") {
      const end = pattern.indexOf("}", start);
      this.at = end < 0 ? pattern.length : end + 1;
      if (end < 0) this.fail("invalid character class range", start);
      name = pattern.slice(start + 3, end);
    }
    const inverted = name.startsWith("^");
    const ranges = unicodeClass(inverted ? name.slice(1) : name);
    if (ranges === undefined) this.fail("invalid character class range", start);
    members.addNamed(ranges, inverted !== (letter === "P"));
    return "unicode";
  }

  private parseClass(): void {
    const { pattern, at: start, portable, copied, fold } = this;
    this.at++;
    const negated = pattern[this.at] === "^";
    if (negated) this.at++;
    const members = new CharacterClass(fold);
    let count = 0;
    let only = -1;
    let unicodeClasses = 0;
    for (let first = true; first || pattern[this.at] !== "]"; first = false) {
      count++;
      only = -1;
      if (this.parsePosixClass(members)) continue;
      const memberStart = this.at;
      const kind = this.parseClassEscape(members);
      if (kind !== undefined) {
        if (kind === "unicode") unicodeClasses++;
        continue;
      }
      // This bracket does not begin a [:name:]; re2js would parse [:] as one.
      if (pattern[memberStart] === "[") this.rewrite(memberStart, memberStart + 1, "\\[");
      const low = this.parseClassCharacter(start);
      let high = low;
      if (pattern[this.at] === "-" && pattern[this.at + 1] !== "]") {
        this.at++;
        high = this.parseClassCharacter(start);
        if (high < low) this.fail("invalid character class range", memberStart);
      }
      if (low === high) only = low;
      members.addRange(low, high);
    }
    this.at++;
    if (fold || unicodeClasses > 0) {
      this.portable = portable;
      this.copied = copied;
      this.rewrite(start, this.at, members.format(negated));
    }
    if (count === 1 && !negated && only >= 0) this.literal(String.fromCodePoint(only));
    else this.push(classOf(unicodeClasses));
  }

  /** If the next token is `[:alpha:]`, `[:^alpha:]` or similar, adds it to a class and advances. */
  private parsePosixClass(members: CharacterClass): boolean {
    const { pattern, at: start } = this;
    const end = pattern.startsWith("[:", start) ? pattern.indexOf(":]", start + 2) : -1;
    if (end < 0) return false;
    this.at = end + 2;
    const [, inverted, name] = POSIX_CLASS.exec(pattern.slice(start, this.at)) ?? [];
    if (name === undefined) this.fail("invalid character class range", start);
    members.addPosix(name, inverted === "^");
    return true;
  }

  private parseClassCharacter(classStart: number): number {
    if (this.at >= this.pattern.length) this.fail("missing closing ]", classStart);
    if (this.pattern[this.at] === "\\") return this.parseEscape();
    return this.next().codePointAt(0)!;
  }

  /** Parses an escaped character and returns its code point. */
  private parseEscape(): number {
    const { pattern, at: start } = this;
    this.at++;
    if (this.at >= pattern.length) this.fail("trailing backslash at end of expression", pattern.length);
    const character = this.next();
    const control = CONTROL[character];
    if (control !== undefined) return control;
    if (character === "x") return this.parseHex(start);
    if (OCTAL.test(character)) {
      let digits = character;
      while (digits.length < 3 && this.at < pattern.length && OCTAL.test(pattern[this.at]!)) {
        digits += this.next();
      }
      if (digits.length > 1 || character === "0") return Number.parseInt(digits, 8);
    } else if (character < "\x80" && !GROUP_NAME.test(character)) return character.charCodeAt(0);
    else if (character === "_") return 0x5f;
    return this.fail("invalid escape sequence", start);
  }

  private parseHex(start: number): number {
    const braced = this.pattern[this.at] === "{";
    if (braced) this.at++;
    let value = 0;
    for (let count = 0; this.at < this.pattern.length; count++) {
      const digit = this.next();
      if (braced && digit === "}" && count > 0) return value;
      // Once NaN, the value stays NaN.
      value = value * 16 + (HEX.test(digit) ? Number.parseInt(digit, 16) : Number.NaN);
      if (!braced && count === 1 && value >= 0) return value;
      if (braced ? !(value <= 0x10_ffff) : count === 1) break;
    }
    return this.fail("invalid escape sequence", start);
  }

  /** Returns the code point at the cursor as a string and advances. */
  private next(): string {
    const character = String.fromCodePoint(this.pattern.codePointAt(this.at)!);
    this.at += character.length;
    return character;
  }

  /** Adds a literal character that is written from `start` to the cursor, escaped or not. */
  private literalFrom(start: number, character: string): void {
    if (this.fold && character > "\x7f") this.rewrite(start, this.at, formatFolded(character));
    this.literal(character);
  }

  private literal(character: string): void {
    if ((this.fold ? WITHOUT_CASE : PLAIN).test(character)) {
      this.push({ kind: "literal", text: character, height: 1, size: 1, live: 1, single: true });
    } else this.push({ ...OPAQUE_CHARACTER, letter: character });
  }

  private push(node: RegexNode): void {
    this.frame.items.push(node);
  }

  private closed({ choices, items }: Frame): RegexNode {
    return this.limited(alternateOf([...choices, this.limited(concatOf(items))]));
  }

  private limited(node: RegexNode): RegexNode {
    if (node.height > MAX_HEIGHT) {
      throw new RegexSyntaxError(`expression nests too deeply: \`${this.pattern}\``);
    }
    if (node.size > MAX_PROGRAM_SIZE) this.tooLarge();
    return node;
  }

  private tooLarge(): never {
    throw new RegexLimitError(`expression too large: \`${this.pattern}\``);
  }

  /** Throws a fault that quotes the pattern from `start` to the cursor. */
  private fail(what: string, start: number): never {
    throw new RegexSyntaxError(`${what}: \`${this.pattern.slice(start, this.at)}\``);
  }

  /** Replaces the range with `text` in the portable pattern. */
  private rewrite(start: number, end: number, text: string): void {
    this.portable += this.pattern.slice(this.copied, start) + text;
    this.copied = end;
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
