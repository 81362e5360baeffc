import type { RegexNode } from "./node.js";

type TextTest = (text: string) => boolean;

/** A test that does not need an engine. */
export interface Shortcut {
  readonly test: TextTest;
  /** Whether the test is only valid for strings without a line feed, which `.` does not match. */
  readonly singleLine: boolean;
}

/**
 * Alternatives with a fixed string are looked up in a set; the number of other alternatives, which are tested one by
 * one, is limited.
 */
interface Limits {
  readonly alternatives: number;
  readonly tests: number;
  /** The maximum number of copies for a counted repetition. */
  readonly copies: number;
}
const LIMITS: Limits = { alternatives: 256, tests: 8, copies: 16 };
/** Used if the pattern is too large for the engine, mainly for long lists of names. */
const LAST_RESORT: Limits = { alternatives: 4096, tests: 1024, copies: 1000 };
const MAX_PIECES = 32;
const MAX_CHARACTERS = 65_536;

/** Returns string tests that are equivalent to a search for the pattern; undefined if there are none. */
export function findShortcut(root: RegexNode, lastResort = false): Shortcut | undefined {
  const limits = lastResort ? LAST_RESORT : LIMITS;
  const exact = new Set<string>();
  const tests: TextTest[] = [];
  let singleLine = false;
  for (const sequence of expand(root, limits) ?? [[MISPLACED]]) {
    const glob = toGlob(sequence);
    if (glob === undefined || tests.length === limits.tests) return undefined;
    const text = exactText(glob);
    if (text === undefined) tests.push(globTest(glob));
    else exact.add(text);
    singleLine ||= glob.gaps.some((gap) => !gap.newline);
  }
  if (exact.size > 0) tests.unshift(oneOf(exact));
  return { test: anyOf(tests), singleLine };
}

/** `.*` or `.+`. */
interface Gap {
  readonly min: 0 | 1;
  readonly newline: boolean;
}
interface Anchor {
  readonly anchor: "begin" | "end" | "misplaced";
}
type Piece = string | Gap | Anchor;
type Sequence = readonly Piece[];

const MISPLACED: Anchor = { anchor: "misplaced" };

/**
 * Expands the pattern into sequences whose union is equivalent to it; undefined if they are too many or too complex.
 */
function expand(node: RegexNode, limits: Limits): readonly Sequence[] | undefined {
  switch (node.kind) {
    case "literal":
      return [[node.text]];
    case "begin":
    case "end":
      return [[{ anchor: node.kind }]];
    case "capture":
      return expand(node.of, limits);
    case "concat":
      return expandConcat(node.parts, limits);
    case "alternate": {
      const sequences: Sequence[] = [];
      for (const choice of node.choices) {
        const next = expand(choice, limits);
        if (next === undefined || sequences.length + next.length > limits.alternatives) return undefined;
        sequences.push(...next);
      }
      return sequences;
    }
    case "repeat": {
      const { min, max } = node;
      if (max < 0) return expandGap(node.of, min);
      if (min === 0 && max === 1) return expandOptional(node.of, limits);
      return min === max && max <= limits.copies ? expandConcat(Array(max).fill(node.of), limits) : undefined;
    }
    default:
      return undefined;
  }
}

function expandConcat(parts: readonly RegexNode[], limits: Limits): readonly Sequence[] | undefined {
  let sequences: readonly Sequence[] | undefined = [[]];
  for (const part of parts) {
    const next = expand(part, limits);
    sequences = next && product(sequences, next, limits);
    if (sequences === undefined) return undefined;
  }
  return sequences;
}

function expandOptional(of: RegexNode, limits: Limits): readonly Sequence[] | undefined {
  const sequences = expand(of, limits);
  return sequences && [...sequences, []];
}

function expandGap(of: RegexNode, min: number): readonly Sequence[] | undefined {
  if (of.kind === "capture") return expandGap(of.of, min);
  if (of.kind !== "any" || (min !== 0 && min !== 1)) return undefined;
  return [[{ min, newline: of.newline }]];
}

function product(
  left: readonly Sequence[],
  right: readonly Sequence[],
  limits: Limits,
): Sequence[] | undefined {
  if (left.length * right.length > limits.alternatives) return undefined;
  const sequences: Sequence[] = [];
  let characters = 0;
  for (const before of left) {
    for (const after of right) {
      const joined = join(before, after);
      if (joined === undefined || joined.length > MAX_PIECES) return undefined;
      for (const piece of joined) if (typeof piece === "string") characters += piece.length;
      if (characters > MAX_CHARACTERS) return undefined;
      sequences.push(joined);
    }
  }
  return sequences;
}

/** Concatenates two sequences and merges adjacent strings and gaps; undefined if gaps cannot be merged. */
function join(before: Sequence, after: Sequence): Sequence | undefined {
  const joined = [...before];
  for (const piece of after) {
    const last = joined.at(-1);
    if (typeof last === "string" && typeof piece === "string") joined[joined.length - 1] = last + piece;
    else if (isGap(last) && isGap(piece)) {
      // `.+.+` needs two characters, which may be more than two code units, so lengths cannot be compared.
      if (last.newline !== piece.newline || (last.min === 1 && piece.min === 1)) return undefined;
      joined[joined.length - 1] = last.min === 1 ? last : piece;
    } else joined.push(piece);
  }
  return joined;
}

/** Strings in a fixed order, with arbitrary characters between, before and after them. */
interface Glob {
  readonly texts: readonly string[];
  /**
   * The minimum number of code units before each string, counted from the end of the previous one; -1 for the first
   * string if it must be at the start.
   */
  readonly minBefore: readonly number[];
  /** The minimum number of code units after the last string; -1 if it must be at the end. */
  readonly minAfter: number;
  readonly gaps: readonly Gap[];
}

function toGlob(sequence: Sequence): Glob | undefined {
  const pieces = [...sequence];
  let begins = false;
  let ends = false;
  for (; isAnchor(pieces[0], "begin"); pieces.shift()) begins = true;
  for (; isAnchor(pieces.at(-1), "end"); pieces.pop()) ends = true;
  // An unanchored search may begin and end anywhere.
  if (!begins && isOptionalGap(pieces[0])) pieces.shift();
  if (!ends && isOptionalGap(pieces.at(-1))) pieces.pop();
  const texts: string[] = [];
  const minBefore: number[] = [];
  const gaps: Gap[] = [];
  let min = begins ? -1 : 0;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      texts.push(piece);
      minBefore.push(min);
      min = ends ? -1 : 0;
    } else if (isGap(piece)) {
      gaps.push(piece);
      min = piece.min;
    } else return undefined;
  }
  if (texts.length === 0 && gaps.length === 0)
    return { texts: [""], minBefore: [begins ? -1 : 0], minAfter: ends ? -1 : 0, gaps };
  return { texts, minBefore, minAfter: min, gaps };
}

function exactText({ texts, minBefore, minAfter }: Glob): string | undefined {
  return texts.length === 1 && minBefore[0] === -1 && minAfter === -1 ? texts[0] : undefined;
}

function globTest({ texts, minBefore, minAfter, gaps }: Glob): TextTest {
  const [first = "", second = ""] = texts;
  if (texts.length === 0) return (text) => text.length >= minAfter;
  if (texts.length === 1 && gaps.length === 0) {
    if (minBefore[0] === -1) return (text) => text.startsWith(first);
    if (minAfter === -1) return (text) => text.endsWith(first);
    return (text) => text.includes(first);
  }
  if (texts.length === 2 && minBefore[0] === -1 && minAfter === -1) {
    const minLength = first.length + second.length + minBefore[1]!;
    return (text) => text.length >= minLength && text.startsWith(first) && text.endsWith(second);
  }
  const last = minAfter === -1 ? texts.length - 1 : texts.length;
  return (text) => {
    let at = 0;
    for (let index = 0; index < last; index++) {
      const wanted = texts[index]!;
      const min = minBefore[index]!;
      // Matching each string at its first possible position leaves the longest rest for the next.
      const found = min < 0 ? (text.startsWith(wanted) ? 0 : -1) : text.indexOf(wanted, at + min);
      if (found < 0) return false;
      at = found + wanted.length;
    }
    if (minAfter >= 0) return text.length >= at + minAfter;
    const wanted = texts[last]!;
    return text.length - wanted.length >= at + minBefore[last]! && text.endsWith(wanted);
  };
}

function oneOf(texts: ReadonlySet<string>): TextTest {
  const [only] = texts;
  return texts.size === 1 ? (text) => text === only : (text) => texts.has(text);
}

function anyOf(tests: readonly TextTest[]): TextTest {
  const [first, second] = tests;
  if (tests.length === 1) return first!;
  if (tests.length === 2) return (text) => first!(text) || second!(text);
  return (text) => {
    for (const test of tests) if (test(text)) return true;
    return false;
  };
}

function isGap(piece: Piece | undefined): piece is Gap {
  return typeof piece === "object" && "min" in piece;
}

function isOptionalGap(piece: Piece | undefined): boolean {
  return isGap(piece) && piece.min === 0;
}

function isAnchor(piece: Piece | undefined, anchor: Anchor["anchor"]): boolean {
  return typeof piece === "object" && "anchor" in piece && piece.anchor === anchor;
}
