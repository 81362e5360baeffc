import { RE2JS } from "re2js";
import { messageOf } from "../errors/message.js";
import { type ValueCheck, withMethods } from "../errors/value-checks.js";
import type { GoRelease } from "../go/release.js";
import { compileAutomaton } from "./automaton.js";
import { RegexBudget } from "./budget.js";
import { memoize } from "./memo.js";
import { compileAnyRequired, findRequired, type Required } from "./required.js";
import { findShortcut } from "./shortcut.js";
import { parseRegex } from "./syntax.js";
import { RegexLimitError, RegexSyntaxError } from "./syntax-error.js";

export { RegexLimitError, RegexSyntaxError } from "./syntax-error.js";

/**
 * Runs regular expressions with RE2's syntax in linear time, without backtracking. Patterns and strings are well-formed
 * UTF-16.
 */
export interface RegexEngine {
  /**
   * Compiles a pattern for unanchored searches. Throws an `Error` that describes the fault if the pattern is not
   * supported.
   */
  compile(pattern: string): (text: string) => boolean;
}

/** The check for a regular expression engine. */
export const aRegexEngine: ValueCheck<RegexEngine> = withMethods<RegexEngine>(
  "an engine with `compile`",
  "compile",
);

/**
 * RE2 in JavaScript. Filters that are compiled with it share a memory budget and combine searches for many patterns.
 */
export const re2jsEngine: RegexEngine = {
  compile(pattern) {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.test(text);
  },
};

export interface RegexOptions {
  readonly engine?: RegexEngine;
  /** The maximum length of a pattern in UTF-16 code units. */
  readonly maxPatternLength?: number;
  /** The maximum number of strings whose results are cached for all patterns together; 0 disables the cache. */
  readonly memoEntries?: number;
  /** The budget shared with the patterns of other calls. */
  readonly budget?: RegexBudget;
  /** The release of Go that decides the names of Unicode classes; Go 1.23 by default. */
  readonly classes?: GoRelease;
}

type TextTest = (text: string) => boolean;

export const MAX_PATTERN_LENGTH = 10_000;
export const MEMO_ENTRIES = 1024;
/**
 * The maximum number of instructions that can be active at one position of a string, for one pattern or for several
 * that are combined: without an automaton, a search takes that many steps per character. It allows Go's maximum repeat
 * count of a character.
 */
export const MAX_LIVE = 1024;
/**
 * From this many patterns on, several are combined into one search, which builds larger automata but scans the string
 * less often.
 */
const MANY = 9;
/** The ranges of a Unicode class need memory in the engine: about as much as an instruction for this many code units. */
const UNITS_PER_INSTRUCTION = 4;
/** String comparisons are cheaper than an engine by this factor. */
const SHORTCUT_DISCOUNT = 8;

/**
 * Compiles an unanchored search with the semantics of Go's `regexp`. Uses string comparisons where they are equivalent,
 * otherwise the engine. The returned function never throws. Unpaired surrogates in the pattern or the string are
 * treated as U+FFFD.
 *
 * @throws RegexSyntaxError
 */
export function compileRegex(pattern: string, options: RegexOptions = {}): TextTest {
  const search = compileRegexes([pattern], options, (fault) => {
    throw fault;
  });
  return search ?? (() => false);
}

/**
 * The maximum number of instructions of a pattern that can be active at one position of a string, which approximates
 * the cost per character.
 *
 * @throws RegexSyntaxError
 */
export function regexWeight(pattern: string, classes?: GoRelease): number {
  return parseRegex(toWellFormed(pattern), classes).root.live;
}

/**
 * The strings with which every match of the pattern begins and ends, for anchored patterns such as `^/api/`; "" if the
 * pattern requires none.
 *
 * @throws RegexSyntaxError
 */
export function requiredEnds(
  pattern: string,
  classes?: GoRelease,
): { readonly prefix: string; readonly suffix: string } {
  // A literal never contains U+FFFD, so it is also the beginning or the end of a string with unpaired surrogates.
  return findRequired(parseRegex(toWellFormed(pattern), classes).root) ?? { prefix: "", suffix: "" };
}

/**
 * Compiles patterns into a test that holds if {@link compileRegex} would find any of them. Reports every invalid
 * pattern with its index, and returns undefined if there are any. The built-in engine receives many patterns as one
 * alternation; any other engine receives each pattern separately.
 */
export function compileRegexes(
  patterns: readonly string[],
  options: RegexOptions,
  report: (fault: RegexSyntaxError, index: number) => void,
): TextTest | undefined {
  const { engine = re2jsEngine, memoEntries = MEMO_ENTRIES, budget = new RegexBudget() } = options;
  const anyLine: TextTest[] = [];
  const singleLine: TextTest[] = [];
  const forLines: Search[] = [];
  const forEngine: Search[] = [];
  const faults: { fault: RegexSyntaxError; index: number }[] = [];
  const fail = (fault: RegexSyntaxError, index: number) => faults.push({ fault, index });
  patterns.forEach((pattern, index) => {
    try {
      const { shortcut, ...search } = prepare(pattern, index, options, budget);
      if (shortcut === undefined) forEngine.push(search);
      else if (shortcut.singleLine) {
        singleLine.push(shortcut.test);
        forLines.push({ ...search, required: undefined });
      } else anyLine.push(shortcut.test);
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error;
      fail(error, index);
    }
  });
  const context = { engine, budget, fail };
  const searches = compileSearches(forEngine, context);
  const searchesOfLines = compileSearches(forLines, context);
  if (faults.length > 0) {
    // Faults from the engine are added after those of the parser.
    faults.sort((a, b) => a.index - b.index);
    for (const { fault, index } of faults) report(fault, index);
    return undefined;
  }
  const tests = [...anyLine];
  if (singleLine.length > 0) {
    const inLine = anyOf(singleLine);
    const inLines = anyOf(searchesOfLines.map(guarded));
    tests.push((text) => (text.includes("\n") ? inLines(text) : inLine(text)));
  }
  if (searches.length > 0) tests.push(remembering(searches, memoEntries, budget));
  return anyOf(tests);
}

/** A pattern that needs an engine. */
interface Search {
  readonly index: number;
  readonly pattern: string;
  readonly live: number;
  readonly required: Required | undefined;
}

/** One or several compiled patterns; the engine only runs for strings that pass the guard. */
interface Compiled {
  readonly test: TextTest;
  readonly guard: TextTest | undefined;
}

interface Context {
  readonly engine: RegexEngine;
  readonly budget: RegexBudget;
  readonly fail: (fault: RegexSyntaxError, index: number) => void;
}

/** Parses a pattern and determines how to search for it within the limits. */
function prepare(
  pattern: string,
  index: number,
  { maxPatternLength = MAX_PATTERN_LENGTH, classes }: RegexOptions,
  budget: RegexBudget,
): Search & { shortcut: ReturnType<typeof findShortcut> } {
  if (pattern.length > maxPatternLength) {
    throw new RegexLimitError(
      `expression too large: ${pattern.length} characters, at most ${maxPatternLength} are allowed`,
    );
  }
  const { root, portable } = parseRegex(toWellFormed(pattern), classes);
  const { size, live } = root;
  const shortcut = findShortcut(root, live > MAX_LIVE);
  const needsEngine = shortcut === undefined || shortcut.singleLine;
  if (needsEngine && live > MAX_LIVE) throw new RegexLimitError(`expression too large: \`${pattern}\``);
  const instructions = Math.max(size, portable.length / UNITS_PER_INSTRUCTION);
  if (!budget.spend(Math.ceil(needsEngine ? instructions : size / SHORTCUT_DISCOUNT))) {
    throw new RegexLimitError(`expression too large beside all others: \`${pattern}\``);
  }
  return { index, pattern: portable, live, required: findRequired(root), shortcut };
}

function compileSearches(searches: readonly Search[], context: Context): Compiled[] {
  const { engine, budget } = context;
  if (engine !== re2jsEngine) {
    return searches.flatMap((search) => compileOne(search, context, (pattern) => engine.compile(pattern)));
  }
  const compile = (pattern: string) => compileAutomaton(pattern, budget);
  const groups = searches.length < MANY ? searches.map((search) => [search]) : groupSearches(searches);
  return groups.flatMap((group) => {
    if (group.length > 1) {
      try {
        const test = compile(group.map(({ pattern }) => `(?:${pattern})`).join("|"));
        const required = group.map((search) => search.required);
        const guard = required.every((texts) => texts !== undefined)
          ? compileAnyRequired(required)
          : undefined;
        return [{ test: neverThrowing(test), guard }];
      } catch {
        // Compiling each pattern separately reports the faulty one.
      }
    }
    return group.flatMap((search) => compileOne(search, context, compile));
  });
}

function compileOne(
  { index, pattern, required }: Search,
  { fail }: Context,
  compile: (pattern: string) => TextTest,
): Compiled[] {
  try {
    const test = neverThrowing(compile(pattern));
    return [{ test, guard: required && compileAnyRequired([required]) }];
  } catch (error) {
    fail(new RegexSyntaxError(faultOf(error), { cause: error }), index);
    return [];
  }
}

/** Groups patterns with similar requirements, as long as the combined search stays within {@link MAX_LIVE}. */
function groupSearches(searches: readonly Search[]): Search[][] {
  const rank = ({ required }: Search) => (required === undefined ? 2 : required.prefix === "" ? 1 : 0);
  const groups: Search[][] = [];
  let group: Search[] = [];
  let live = 0;
  for (const search of [...searches].sort((a, b) => rank(a) - rank(b))) {
    const begins = group[0] === undefined || rank(group[0]) !== rank(search);
    if (begins || live + search.live + 1 > MAX_LIVE) {
      group = [];
      groups.push(group);
      live = 0;
    }
    group.push(search);
    live += search.live + 1;
  }
  return groups;
}

/** Guards are faster than the memo, which is faster than an engine. */
function remembering(searches: readonly Compiled[], memoEntries: number, budget: RegexBudget): TextTest {
  const [first] = searches;
  const guards = searches.map(({ guard }) => guard);
  const search = searches.length === 1 ? first!.test : anyOf(searches.map(guarded));
  const remembered = memoEntries > 0 ? memoizeWithin(budget, search, memoEntries) : search;
  const guard = guards.every((test) => test !== undefined) ? anyOf(guards) : undefined;
  return guard === undefined ? remembered : (text) => guard(text) && remembered(text);
}

function memoizeWithin(budget: RegexBudget, search: TextTest, entries: number): TextTest {
  budget.addMemo();
  return memoize(search, () => budget.memoEntries(entries));
}

function guarded({ test, guard }: Compiled): TextTest {
  return guard === undefined ? test : (text) => guard(text) && test(text);
}

function anyOf(tests: readonly TextTest[]): TextTest {
  const [first, second] = tests;
  if (first === undefined) return () => false;
  if (second === undefined) return first;
  if (tests.length === 2) return (text) => first(text) || second(text);
  return (text) => {
    for (let index = 0; index < tests.length; index++) if (tests[index]!(text)) return true;
    return false;
  };
}

function neverThrowing(search: TextTest): TextTest {
  return (text) => {
    try {
      return search(isWellFormed(text) ? text : toWellFormed(text));
    } catch {
      // A custom engine that throws finds nothing; the built-in engine does not throw.
      return false;
    }
  };
}

function faultOf(error: unknown): string {
  if (error instanceof RangeError) return "expression nests too deeply";
  const message = messageOf(error);
  return message.replace(/^error parsing regexp: /, "");
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

function isWellFormed(text: string): boolean {
  // Exists on every string since ES2024, but is not declared by the configured `lib`.
  const string = text as { isWellFormed?(): boolean };
  return string.isWellFormed?.() ?? !LONE_SURROGATE.test(text);
}

function toWellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, "\ufffd");
}
