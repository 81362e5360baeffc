import type { GoRelease } from "../go/release.js";
import { CharacterClass, POSIX_NAMES } from "./class.js";
import { parseEscape } from "./escape.js";
import type { PatternCursor } from "./pattern-cursor.js";
import { type UnicodeClassNames, unicodeClass } from "./unicode/classes.js";
import { looseUnicodeClass } from "./unicode/loose-classes.js";

/** The names of Unicode classes. Both releases have Unicode 15.0.0. */
const UNICODE_CLASSES: { readonly [K in GoRelease]: UnicodeClassNames } = {
  "go1.23": unicodeClass,
  "go1.26": looseUnicodeClass,
};

const POSIX_CLASS = new RegExp(`^\\[:(\\^?)(${POSIX_NAMES.join("|")}):\\]$`);

/** A class in brackets. */
export interface ParsedClass {
  /** The only character of a class such as `[.]`. */
  readonly literal: string | undefined;
  /** The number of Unicode classes in it. */
  readonly unicodeClasses: number;
}

/** Parses a class in brackets. With `fold` or Unicode classes it is written out in the portable pattern. */
export function parseClass(cursor: PatternCursor, fold: boolean, release: GoRelease): ParsedClass {
  const { pattern, at: start } = cursor;
  const undoRewrites = cursor.mark();
  cursor.at++;
  const negated = pattern[cursor.at] === "^";
  if (negated) cursor.at++;
  const members = new CharacterClass(fold);
  let count = 0;
  let only = -1;
  let unicodeClasses = 0;
  for (let first = true; first || pattern[cursor.at] !== "]"; first = false) {
    count++;
    only = -1;
    if (parsePosixClass(cursor, members)) continue;
    const memberStart = cursor.at;
    const kind = parseClassEscape(cursor, members, release);
    if (kind !== undefined) {
      if (kind === "unicode") unicodeClasses++;
      continue;
    }
    // This bracket does not begin a [:name:]; re2js would parse [:] as one.
    if (pattern[memberStart] === "[") cursor.rewrite(memberStart, memberStart + 1, "\\[");
    const low = parseClassCharacter(cursor, start);
    let high = low;
    if (pattern[cursor.at] === "-" && pattern[cursor.at + 1] !== "]") {
      cursor.at++;
      high = parseClassCharacter(cursor, start);
      if (high < low) cursor.fail("invalid character class range", memberStart);
    }
    if (low === high) only = low;
    members.addRange(low, high);
  }
  cursor.at++;
  if (fold || unicodeClasses > 0) {
    undoRewrites();
    cursor.rewrite(start, cursor.at, members.format(negated));
  }
  const isLiteral = count === 1 && !negated && only >= 0;
  return { literal: isLiteral ? String.fromCodePoint(only) : undefined, unicodeClasses };
}

/** If the next token is `\d`, `\pL`, `\p{Greek}` or similar, adds it to a class and advances. */
export function parseClassEscape(
  cursor: PatternCursor,
  members: CharacterClass,
  release: GoRelease,
): "perl" | "unicode" | undefined {
  const { pattern, at: start } = cursor;
  const letter = pattern[start + 1];
  if (pattern[start] !== "\\" || letter === undefined || !"dDsSwWpP".includes(letter)) return undefined;
  cursor.at += 2;
  if (letter !== "p" && letter !== "P") {
    members.addPerl(letter);
    return "perl";
  }
  if (cursor.at >= pattern.length) cursor.fail("invalid character class range", start);
  let name = cursor.next();
  if (name === "{") {
    const end = pattern.indexOf("}", start);
    cursor.at = end < 0 ? pattern.length : end + 1;
    if (end < 0) cursor.fail("invalid character class range", start);
    name = pattern.slice(start + 3, end);
  }
  const inverted = name.startsWith("^");
  const ranges = UNICODE_CLASSES[release](inverted ? name.slice(1) : name);
  if (ranges === undefined) cursor.fail("invalid character class range", start);
  members.addNamed(ranges, inverted !== (letter === "P"));
  return "unicode";
}

/** If the next token is `[:alpha:]`, `[:^alpha:]` or similar, adds it to a class and advances. */
function parsePosixClass(cursor: PatternCursor, members: CharacterClass): boolean {
  const { pattern, at: start } = cursor;
  const end = pattern.startsWith("[:", start) ? pattern.indexOf(":]", start + 2) : -1;
  if (end < 0) return false;
  cursor.at = end + 2;
  const [, inverted, name] = POSIX_CLASS.exec(pattern.slice(start, cursor.at)) ?? [];
  if (name === undefined) cursor.fail("invalid character class range", start);
  members.addPosix(name, inverted === "^");
  return true;
}

function parseClassCharacter(cursor: PatternCursor, classStart: number): number {
  if (cursor.at >= cursor.pattern.length) cursor.fail("missing closing ]", classStart);
  if (cursor.pattern[cursor.at] === "\\") return parseEscape(cursor);
  return cursor.next().codePointAt(0)!;
}
