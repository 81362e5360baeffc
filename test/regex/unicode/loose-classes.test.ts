import { describe, expect, test } from "vitest";
import { compileRegex, RegexSyntaxError } from "../../../src/regex/regex.js";
import { unicodeClass } from "../../../src/regex/unicode/classes.js";
import { isFoldable, looseUnicodeClass } from "../../../src/regex/unicode/loose-classes.js";
import type { Ranges } from "../../../src/regex/unicode/ranges.js";
import {
  CATEGORIES,
  CODE_POINTS,
  codePointsOfCategory,
  scriptNames,
} from "../../../tools/unicode-classes/unicode-data.js";

const shortNames = Object.keys(CATEGORIES);
const unassigned = codePointsOfCategory("Unassigned");

/** The long names of groups of categories, which the data does not have. */
const GROUPS = {
  Letter: "L",
  Mark: "M",
  Combining_Mark: "M",
  Number: "N",
  Punctuation: "P",
  punct: "P",
  Symbol: "S",
  Separator: "Z",
  cntrl: "Cc",
  digit: "Nd",
};

function membersOf(ranges: Ranges | undefined): Uint8Array {
  const members = new Uint8Array(CODE_POINTS);
  if (ranges === undefined) return members;
  for (let at = 0; at < ranges.length; at += 2) members.fill(1, ranges[at], ranges[at + 1]! + 1);
  return members;
}

function setOf(codePoints: Iterable<number>): Uint8Array {
  const members = new Uint8Array(CODE_POINTS);
  for (const codePoint of codePoints) members[codePoint] = 1;
  return members;
}

function matches(pattern: string, text: string): boolean {
  return compileRegex(pattern, { classes: "go1.26", memoEntries: 0 })(text);
}

describe("looseUnicodeClass", () => {
  test("knows every name of Go 1.23 with the same code points, except C", () => {
    const names = [...shortNames, ..."LMNPSZ", ...scriptNames(), "Any"].filter((name) => name !== "Cn");
    for (const name of names) expect(looseUnicodeClass(name), name).toBe(unicodeClass(name));
    expect(names).toHaveLength(29 + 6 + 163 + 1);
  });

  test("knows the long name of every category and group", () => {
    for (const short of shortNames.filter((name) => name !== "Cn")) {
      expect(looseUnicodeClass(CATEGORIES[short]!), short).toBe(unicodeClass(short));
    }
    for (const [long, short] of Object.entries(GROUPS)) {
      expect(looseUnicodeClass(long), long).toBe(unicodeClass(short));
    }
  });

  test.each([
    { names: ["Cn", "Unassigned"], codePoints: () => unassigned },
    {
      names: ["C", "Other"],
      codePoints: () =>
        ["Cc", "Cf", "Cn", "Co", "Cs"].flatMap((name) => codePointsOfCategory(CATEGORIES[name]!)),
    },
    {
      names: ["LC", "Cased_Letter"],
      codePoints: () => ["Ll", "Lt", "Lu"].flatMap((name) => codePointsOfCategory(CATEGORIES[name]!)),
    },
    { names: ["ASCII"], codePoints: () => Array(128).keys() },
    {
      names: ["Assigned"],
      codePoints: () => {
        const without = new Set(unassigned);
        return [...Array(CODE_POINTS).keys()].filter((codePoint) => !without.has(codePoint));
      },
    },
  ])("$names.0 has the code points of Unicode 15.0.0", ({ names, codePoints }) => {
    const [first] = names;
    expect(Buffer.compare(membersOf(looseUnicodeClass(first!)), setOf(codePoints()))).toBe(0);
    for (const name of names) expect(looseUnicodeClass(name)).toBe(looseUnicodeClass(first!));
  });

  test.each([
    ["lu", "Lu"],
    ["LU", "Lu"],
    ["greek", "Greek"],
    ["GREEK", "Greek"],
    ["old italic", "Old_Italic"],
    ["olditalic", "Old_Italic"],
    ["Old-Italic", "Old_Italic"],
    ["upper case-let ter", "Lu"],
    ["__upper case-let ter", "Lu"],
    ["any", "Any"],
    ["l", "L"],
  ])("%j means %s", (spelling, name) => {
    expect(unicodeClass(spelling)).toBeUndefined();
    expect(looseUnicodeClass(spelling)).toBe(unicodeClass(name));
  });

  test.each([
    "",
    "-",
    " ",
    "Alphabetic",
    "Zyyy",
    "Zzzz",
    "Unknown",
    "Garay",
    "Todhri",
    "Sunuwar",
    "Katakana_Or_Hiragana",
    "White_Space",
    "Emoji",
    "^L",
    "L.",
    "Lu\n",
    "Script=Greek",
    "gc=L",
    "\u212aawi",
    "\u017fymbol",
    "constructor",
    "__proto__",
  ])("does not know %j", (name) => {
    expect(looseUnicodeClass(name)).toBeUndefined();
  });
});

describe("compileRegex: classes of Go 1.26", () => {
  test.each([
    ["^\\p{Cn}$", ["\u0378", "\ua7cb"], ["a", "漢", ""]],
    ["^\\P{Cn}$", ["a", "漢"], ["\u0378"]],
    ["^\\p{Assigned}$", ["a", "漢", "\ud7a3"], ["\u0378"]],
    ["^\\p{^Assigned}$", ["\u0378"], ["a"]],
    ["^[\\p{lc}5]$", ["a", "A", "5"], ["漢", "6"]],
    ["^[^\\p{Letter}\\p{ascii}]$", ["\u0378", "\u0301"], ["a", "5", "漢"]],
    ["^\\pl$", ["a", "漢"], ["5"]],
    ["^\\p{C}$", ["\0", "\u0378", "\ue000"], ["a"]],
    ["(?i)^\\p{ascii}$", ["a", "\u017f", "\u212a"], ["é"]],
    ["(?i)^\\p{Lu}$", ["a", "A", "\u0345"], ["漢"]],
    // Go has no folding table for this class alone.
    ["(?i)^\\p{LC}$", ["a", "A"], ["\u0345", "漢"]],
    ["(?i)^\\P{LC}$", ["\u0345", "漢"], ["a", "A"]],
    ["(?i)^[\\p{LC}\\p{Lu}]$", ["a", "\u0345"], ["漢"]],
  ] as const)("%s", (pattern, found, missed) => {
    expect(found.filter((text) => !matches(pattern, text))).toEqual([]);
    expect(missed.filter((text) => matches(pattern, text))).toEqual([]);
  });

  test.each(["\\p{Alphabetic}", "\\P{Garay}", "\\p{}", "\\p{_}", "\\p^"])("%s is rejected", (pattern) => {
    expect(() => compileRegex(pattern, { classes: "go1.26" })).toThrow(
      new RegexSyntaxError(`invalid character class range: \`${pattern}\``),
    );
  });

  test("isFoldable: all classes but LC", () => {
    expect(isFoldable(looseUnicodeClass("LC")!)).toBe(false);
    expect(isFoldable(looseUnicodeClass("Lu")!)).toBe(true);
  });
});
