import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RegexBudget } from "../../src/regex/budget.js";
import {
  compileRegex,
  compileRegexes,
  type RegexEngine,
  type RegexOptions,
  type RegexSyntaxError,
  re2jsEngine,
} from "../../src/regex/regex.js";
import { amount, runs } from "../support/amount.js";

const MANY = amount({ quick: 1000, long: 10_000 });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function compile(patterns: readonly string[], options: RegexOptions = {}) {
  const faults: string[] = [];
  const found = compileRegexes(patterns, options, ({ message }: RegexSyntaxError, index) =>
    faults.push(`${index}: ${message.replace("error parsing regexp: ", "")}`),
  );
  return { found, faults };
}

/** Patterns that no string test replaces, of every kind that might mean something else beside others. */
const AWKWARD = [
  "[ab]c|d[ef]",
  "(?i)k[x]",
  "(?s)^.[1]",
  "(?m)^[2]$",
  "^[3]",
  "[4]$",
  "(?P<n>[5]q)",
  "(?P<n>[6]q)",
  "[7]\\Q(|",
  "[8]\\Q|\\",
  "[9]\\\\",
  "\\b[z]\\b",
  "[[y]]",
  "[]x]{2}",
  "[w]{1}?",
  "(?U)[v]+\\|",
  "(?i)[ſ]t",
  "[^\\x00-\\x{10ffff}]",
];

describe("compileRegexes", () => {
  const piece = fc.constantFrom(
    ..."abcdefkxqQ123456789zyvwtEs(|)\\] \n\ud800",
    "\u212a",
    "ſ",
    "dE",
    "7(|",
    "8|\\",
    "z z",
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

  test("matches if any of its patterns matches alone", () => {
    fc.assert(
      fc.property(
        fc.subarray(AWKWARD, { minLength: 9 }),
        fc.array(text, { minLength: 1, maxLength: 20 }),
        (patterns, texts) => {
          const { found, faults } = compile(patterns, { memoEntries: 0 });
          const each = patterns.map((pattern) => compileRegex(pattern));
          expect(faults).toEqual([]);
          for (const one of texts) expect(found?.(one)).toBe(each.some((search) => search(one)));
        },
      ),
      { numRuns: runs(1_000) },
    );
  });

  test("mixes literal patterns and patterns for the engine, with one or several lines", () => {
    const patterns = [
      ...times(20, (index) => `^/exact/${index}$`),
      ...times(20, (index) => `^/begin/${index}/.*/end$`),
      ...times(20, (index) => `^/engine/${index}/[a-z]+$`),
      ...times(20, (index) => `[a-z]-inner${index}-[a-z]`),
      ...times(20, (index) => `[a-c]{${index + 1}}[0-9]$`),
    ];
    const { found } = compile(patterns);
    const texts = [
      "/exact/7",
      "/exact/70",
      "/begin/7/x/end",
      "/begin/7/\n/end",
      "/begin/x/x/end",
      "/engine/7/abc",
      "/engine/7/ABC",
      "/engine/70/abc",
      "a-inner7-b",
      "a-inner7-B",
      "xabc0",
      "xabc0x",
      "\n",
    ];
    const each = patterns.map((pattern) => re2jsEngine.compile(pattern));
    expect(texts.map((one) => found?.(one))).toEqual(texts.map((one) => each.some((search) => search(one))));
  });

  test("reports faults in order, regardless of their origin", () => {
    const good = times(20, (index) => `[ab]{${index + 1}}c`);
    const { found, faults } = compile([...good, "\\p{Nonsense}", "(", "^a.*\\pX", ...good, "a**"]);
    expect(found).toBeUndefined();
    expect(faults).toEqual([
      "20: invalid character class range: `\\p{Nonsense}`",
      "21: missing closing ): `(`",
      "22: invalid character class range: `\\pX`",
      "43: invalid nested repetition operator: `**`",
    ]);
  });

  test("passes single patterns to another engine", () => {
    const seen: string[] = [];
    const engine: RegexEngine = {
      compile(pattern) {
        seen.push(pattern);
        return re2jsEngine.compile(pattern);
      },
    };
    const patterns = times(50, (index) => `[ab]{${index + 1}}c`);
    expect(compile(patterns, { engine }).found?.("abc")).toBe(true);
    expect(seen).toEqual(patterns);
  });

  test("finds nothing without patterns", () => {
    expect(compile([]).found?.("")).toBe(false);
  });
});

describe("RegexBudget", () => {
  test("is shared by all calls, and reports the patterns that exceed it", () => {
    const budget = new RegexBudget(100);
    expect(
      compile(
        times(4, () => "[ab]{20}c"),
        { budget },
      ).faults,
    ).toEqual([]);
    expect(compile(["[ab]{20}c", "[ab]c"], { budget }).faults).toEqual([
      "0: expression too large beside all others: `[ab]{20}c`",
    ]);
  });

  test("counts literals less, and Unicode classes more", () => {
    const literals = times(10, (index) => `^${"x".repeat(79)}${index}$`);
    expect(compile(literals, { budget: new RegexBudget(110) }).faults).toEqual([]);
    expect(compile(["\\pL"], { budget: new RegexBudget(64) }).faults).toHaveLength(1);
  });

  test(`accepts ${MANY} typical patterns`, () => {
    const patterns = times(MANY, (index) => `^/api/v[0-9]{1,3}/(users|orders)/s${index}/[^/]+$`);
    expect(compile(patterns).found?.(`/api/v2/orders/s${MANY - 1}/x`)).toBe(true);
  });

  test("shares memory, with a minimum for each pattern", () => {
    const budget = new RegexBudget();
    expect([budget.automatonBytes(), budget.memoEntries(1024)]).toEqual([2 ** 20, 1024]);
    for (let index = 0; index < 128; index++) {
      budget.addAutomaton();
      budget.addMemo();
    }
    expect([budget.automatonBytes(), budget.memoEntries(1024)]).toEqual([2 ** 19, 512]);
    for (let index = 0; index < 10_000; index++) {
      budget.addAutomaton();
      budget.addMemo();
    }
    expect([budget.automatonBytes(), budget.memoEntries(1024), budget.memoEntries(8)]).toEqual([
      2 ** 15,
      64,
      8,
    ]);
  });
});
