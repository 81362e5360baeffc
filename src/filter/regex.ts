import { RE2JS } from "re2js";
import { memoize } from "./regex-memo.js";
import { findRequired } from "./regex-required.js";
import { findShortcut } from "./regex-shortcut.js";
import { parseRegex, RegexSyntaxError } from "./regex-syntax.js";

export { RegexSyntaxError } from "./regex-syntax.js";

/**
 * Runs regular expressions of RE2's syntax in time linear in the text, and never by backtracking. `compile` returns an
 * unanchored search and throws an `Error` that says what is wrong with a pattern that it does not accept. Patterns and
 * texts are well-formed UTF-16.
 */
export interface RegexEngine {
  /** Compiles one pattern for unanchored searches. */
  compile(pattern: string): (text: string) => boolean;
}

/** RE2 in JavaScript; at most 8 MiB of automaton for a pattern. */
export const re2jsEngine: RegexEngine = {
  compile(pattern) {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.test(text);
  },
};

export interface RegexOptions {
  readonly engine?: RegexEngine;
  /** In UTF-16 code units. */
  readonly maxPatternLength?: number;
  /** Texts whose answers are remembered for the pattern; 0 for none. */
  readonly memoEntries?: number;
}

export const MAX_PATTERN_LENGTH = 10_000;
export const MEMO_ENTRIES = 1024;

/**
 * An unanchored search with the semantics of Go's `regexp`. The engine is asked only where string tests cannot tell.
 * Throws a {@link RegexSyntaxError}, and the search returned never throws. Lone surrogates, in the pattern or in a
 * text, read as U+FFFD.
 */
export function compileRegex(
  pattern: string,
  {
    engine = re2jsEngine,
    maxPatternLength = MAX_PATTERN_LENGTH,
    memoEntries = MEMO_ENTRIES,
  }: RegexOptions = {},
): (text: string) => boolean {
  if (pattern.length > maxPatternLength) {
    throw new RegexSyntaxError(
      `expression too large: ${pattern.length} characters, at most ${maxPatternLength} are allowed`,
    );
  }
  const { root, portable } = parseRegex(toWellFormed(pattern));
  const shortcut = findShortcut(root);
  if (shortcut !== undefined && !shortcut.singleLine) return shortcut.test;
  const search = compileWith(engine, portable);
  if (shortcut !== undefined) {
    const { test } = shortcut;
    return (text) => (text.includes("\n") ? search(text) : test(text));
  }
  const remembered = memoEntries > 0 ? memoize(search, memoEntries) : search;
  const required = findRequired(root);
  return required === undefined ? remembered : (text) => required(text) && remembered(text);
}

function compileWith(engine: RegexEngine, pattern: string): (text: string) => boolean {
  let search: (text: string) => boolean;
  try {
    search = engine.compile(pattern);
  } catch (error) {
    throw new RegexSyntaxError(faultOf(error), { cause: error });
  }
  return (text) => {
    try {
      return search(isWellFormed(text) ? text : toWellFormed(text));
    } catch {
      // An engine of the user's that fails finds nothing; ours does not fail.
      return false;
    }
  };
}

function faultOf(error: unknown): string {
  if (error instanceof RangeError) return "expression nests too deeply";
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^error parsing regexp: /, "");
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

function isWellFormed(text: string): boolean {
  // True of every string since ES2024, which the configured library does not know of.
  const string = text as { isWellFormed?(): boolean };
  return string.isWellFormed?.() ?? !LONE_SURROGATE.test(text);
}

function toWellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, "\ufffd");
}
