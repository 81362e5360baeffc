import { foldOrbit, foldRanges } from "./unicode/fold.js";
import { isFoldable } from "./unicode/loose-classes.js";
import { mergeRanges, negateRanges, type Ranges } from "./unicode/ranges.js";

const DIGIT = [0x30, 0x39];
const UPPER = [0x41, 0x5a];
const LOWER = [0x61, 0x7a];
const WORD = [...DIGIT, ...UPPER, 0x5f, 0x5f, ...LOWER];

/** The ranges of `\d`, `\s` and `\w`, by letter. */
const PERL: Readonly<Record<string, Ranges>> = { d: DIGIT, s: [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20], w: WORD };

/** The ranges of `[:alnum:]` and the other POSIX classes, by name. */
const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [...DIGIT, ...UPPER, ...LOWER],
  alpha: [...UPPER, ...LOWER],
  ascii: [0x00, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0x00, 0x1f, 0x7f, 0x7f],
  digit: DIGIT,
  graph: [0x21, 0x7e],
  lower: LOWER,
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: UPPER,
  word: WORD,
  xdigit: [...DIGIT, 0x41, 0x46, 0x61, 0x66],
};

export const POSIX_NAMES: readonly string[] = Object.keys(POSIX);

/** Collects the code points of a character class while it is parsed. */
export class CharacterClass {
  readonly #fold: boolean;
  /** The bounds of the ranges in the class, unordered and before case folding. */
  readonly #ends: number[] = [];
  readonly #named: Ranges[] = [];

  /** With `fold`, code points that differ only in case are added, too. */
  constructor(fold: boolean) {
    this.#fold = fold;
  }

  addRange(low: number, high: number): void {
    this.#ends.push(low, high);
  }

  /** Adds the ranges of a named class. Pass the same array each time because derived results are cached by array. */
  addNamed(ranges: Ranges, negated: boolean): void {
    const folded = this.#fold && isFoldable(ranges) ? foldNamed(ranges) : ranges;
    this.#named.push(negated ? negateNamed(folded) : folded);
  }

  /** Adds `\d`, `\D`, `\s`, `\S`, `\w` or `\W`, by letter. */
  addPerl(letter: string): void {
    const lower = letter.toLowerCase();
    this.addNamed(PERL[lower]!, letter !== lower);
  }

  /** Adds one of {@link POSIX_NAMES}. */
  addPosix(name: string, negated: boolean): void {
    this.addNamed(POSIX[name]!, negated);
  }

  /** Formats the class for an engine, already case-folded. */
  format(negated: boolean): string {
    const named = new Set(this.#named);
    const [only] = named;
    if (only !== undefined && named.size === 1 && this.#ends.length === 0 && !negated) {
      return this.#unfolded(formatNamed(only));
    }
    const merged = mergeRanges(this.#ends);
    const own = this.#fold ? foldRanges(merged) : merged;
    const all = named.size === 0 ? own : mergeRanges([own, ...named].flat());
    return this.#unfolded(formatClass(negated ? negateRanges(all) : all));
  }

  #unfolded(text: string): string {
    return this.#fold ? unfolded(text) : text;
  }
}

const foldNamed = rememberByKey(foldRanges);
const negateNamed = rememberByKey(negateRanges);
const formatNamed = rememberByKey(formatClass);

function rememberByKey<T>(compute: (ranges: Ranges) => T): (ranges: Ranges) => T {
  const known = new WeakMap<Ranges, T>();
  return (ranges) => {
    let value = known.get(ranges);
    if (value === undefined) {
      value = compute(ranges);
      known.set(ranges, value);
    }
    return value;
  };
}

/** Formats code points as a bracketed class. Surrogates are omitted because well-formed strings contain none. */
function formatClass(ranges: Ranges): string {
  let members = "";
  for (let at = 0; at < ranges.length; at += 2) {
    let low = ranges[at]!;
    let high = ranges[at + 1]!;
    if (isSurrogate(low)) low = LAST_SURROGATE + 1;
    if (isSurrogate(high)) high = FIRST_SURROGATE - 1;
    if (low > high) continue;
    members += formatCharacter(low);
    if (high > low) members += `-${formatCharacter(high)}`;
  }
  return members === "" ? "[^\\x00-\u{10ffff}]" : `[${members}]`;
}

function unfolded(text: string): string {
  return `(?-i:${text})`;
}

/**
 * Formats a character under `(?i)` for an engine whose Unicode version may differ. ASCII folds the same in all
 * versions.
 */
export function formatFolded(character: string): string {
  const orbit = foldOrbit(character.codePointAt(0)!);
  return unfolded(formatClass(mergeRanges(orbit.flatMap((equal) => [equal, equal]))));
}

const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

function isSurrogate(codePoint: number): boolean {
  return codePoint >= FIRST_SURROGATE && codePoint <= LAST_SURROGATE;
}

const ALPHANUMERIC = /^[0-9A-Za-z]$/;

function formatCharacter(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  if (codePoint >= 0x80 || ALPHANUMERIC.test(character)) return character;
  return `\\x${codePoint.toString(16).padStart(2, "0")}`;
}
