import { describe, expect, test } from "vitest";
import { compileRegex, RegexSyntaxError } from "../../../src/regex/regex.js";
import { unicodeClass } from "../../../src/regex/unicode/classes.js";
import {
  CATEGORIES,
  CODE_POINTS,
  codePointsOfCategory,
  codePointsOfScript,
  scriptNames,
  UNICODE_VERSION,
} from "../../../tools/unicode-classes/unicode-data.js";

const categoryNames = Object.keys(CATEGORIES).filter((name) => name !== "Cn");
const LETTERS = ["C", "L", "M", "N", "P", "S", "Z"];

/** Every name that Go 1.23 accepts, and its code points by the data of the Unicode Consortium. */
const CLASSES: ReadonlyMap<string, () => readonly number[]> = new Map([
  ["Any", () => Array.from({ length: CODE_POINTS }, (_, codePoint) => codePoint)],
  ...categoryNames.map((name) => [name, () => codePointsOfCategory(CATEGORIES[name]!)] as const),
  ...LETTERS.map(
    (letter) =>
      [
        letter,
        () =>
          categoryNames
            .filter((name) => name.startsWith(letter))
            .flatMap((name) => codePointsOfCategory(CATEGORIES[name]!)),
      ] as const,
  ),
  ...scriptNames().map((name) => [name, () => codePointsOfScript(name)] as const),
]);

function membersOf(codePoints: readonly number[]): Uint8Array {
  const members = new Uint8Array(CODE_POINTS);
  for (const codePoint of codePoints) members[codePoint] = 1;
  return members;
}

/** Code points that a search finds wrongly or misses; surrogates are in no text. */
function wrongAnswers(
  search: (text: string) => boolean,
  members: Uint8Array,
  candidates: Iterable<number>,
): string[] {
  const wrong: string[] = [];
  for (const codePoint of candidates) {
    if (codePoint < 0 || codePoint >= CODE_POINTS || (codePoint >= 0xd800 && codePoint <= 0xdfff)) continue;
    if (search(String.fromCodePoint(codePoint)) !== (members[codePoint] === 1)) {
      wrong.push(`U+${codePoint.toString(16)}`);
    }
  }
  return wrong;
}

/** The first and the last code point of every range, and their neighbours outside. */
function boundariesOf(members: Uint8Array): number[] {
  const boundaries: number[] = [];
  for (let at = 1; at < members.length; at++)
    if (members[at] !== members[at - 1]) boundaries.push(at - 1, at);
  return boundaries;
}

describe("unicodeClass", () => {
  test("data is of Unicode 15.0.0, with the categories and scripts that Go 1.23 has", () => {
    expect(UNICODE_VERSION).toBe("15.0.0");
    expect(categoryNames).toHaveLength(29);
    expect(scriptNames()).toHaveLength(163);
  });

  test("knows exactly the code points of Unicode 15.0.0 for every name", () => {
    for (const [name, codePointsOf] of CLASSES) {
      const members = new Uint8Array(CODE_POINTS);
      const ranges = unicodeClass(name)!;
      for (let at = 0; at < ranges.length; at += 2) members.fill(1, ranges[at], ranges[at + 1]! + 1);
      expect(Buffer.compare(members, membersOf(codePointsOf())), name).toBe(0);
    }
  });

  test.each([
    "Cn",
    "LC",
    "Alphabetic",
    "Assigned",
    "ASCII",
    "Ascii",
    "Letter",
    "Lc",
    "lu",
    "LU",
    "greek",
    "Zyyy",
    "Zzzz",
    "Unknown",
    "Katakana_Or_Hiragana",
    "White_Space",
    "Emoji",
    "Garay",
    "Todhri",
    "Sunuwar",
    "Gurung_Khema",
    "Kirat_Rai",
    "Ol_Onal",
    "Tulu_Tigalari",
    "Beria_Erfe",
    "Sidetic",
    "Tai_Yo",
    "Tolong_Siki",
    "-",
    "",
    "^L",
    "L ",
    "Script=Greek",
    "constructor",
    "__proto__",
  ])("does not know %j", (name) => {
    expect(unicodeClass(name)).toBeUndefined();
  });
});

describe("compileRegex: Unicode classes", () => {
  test("agree with Unicode 15.0.0 at all boundaries of every class", () => {
    for (const [name, codePointsOf] of CLASSES) {
      const members = membersOf(codePointsOf());
      const search = compileRegex(`^\\p{${name}}$`, { memoEntries: 0 });
      expect(wrongAnswers(search, members, boundariesOf(members)), name).toEqual([]);
    }
  });

  test.each(["C", "L", "Mn", "Any", "Common", "Greek"])("\\P{%s} matches all others", (name) => {
    const members = membersOf(CLASSES.get(name)!());
    const search = compileRegex(`^\\P{${name}}$`, { memoEntries: 0 });
    const others = members.map((member) => 1 - member);
    expect(wrongAnswers(search, others, boundariesOf(members))).toEqual([]);
  });

  test.each(["Lu", "C"])("\\p{%s} matches as Unicode 15.0.0 for every code point", (name) => {
    const search = compileRegex(`^\\p{${name}}$`, { memoEntries: 0 });
    expect(wrongAnswers(search, membersOf(CLASSES.get(name)!()), Array(CODE_POINTS).keys())).toEqual([]);
  });

  test.each([
    { pattern: "\\p{Cn}", quoted: "\\p{Cn}" },
    { pattern: "a\\p{LC}b", quoted: "\\p{LC}" },
    { pattern: "[a\\p{Alphabetic}b]", quoted: "\\p{Alphabetic}" },
    { pattern: "\\P{Assigned}", quoted: "\\P{Assigned}" },
    { pattern: "[^\\P{^Garay}]", quoted: "\\P{^Garay}" },
    { pattern: "(?i)\\p{Todhri}", quoted: "\\p{Todhri}" },
    { pattern: "\\p{Sunuwar}(", quoted: "\\p{Sunuwar}" },
    { pattern: "\\p{}", quoted: "\\p{}" },
    { pattern: "\\pX", quoted: "\\pX" },
    { pattern: "\\p^", quoted: "\\p^" },
    { pattern: "\\p😀", quoted: "\\p😀" },
    { pattern: "\\p{^^L}", quoted: "\\p{^^L}" },
    { pattern: "\\p{L", quoted: "\\p{L" },
    { pattern: "\\p{Foo}**", quoted: "\\p{Foo}" },
  ])("$pattern is rejected with Go's message", ({ pattern, quoted }) => {
    const fault = `invalid character class range: \`${quoted}\``;
    expect(() => compileRegex(pattern)).toThrow(new RegexSyntaxError(fault));
  });

  test.each([
    ["^[^\\p{Greek}\\P{Ll}]$", ["a", "é"], ["λ", "A", "1"]],
    ["^[\\p{Greek}\\d[:punct:]a-c-]+$", ["λ9!b-"], ["d", "é"]],
    ["^[^\\p{^Greek}]$", ["λ"], ["a", "\n"]],
    ["^[\\PL\\pL]$", ["λ", "\n", "😀"], []],
    ["^[^\\PL\\pL]$", [], ["λ", "\n", "😀"]],
    ["^\\p{Cs}$", [], ["a", "\ud800", "\ufffd"]],
    ["^[\\p{Cs}b]$", ["b"], ["a", "\ud800"]],
    ["^[\\p{So}]$", ["\ud800", "\ufffd"], ["a"]],
    ["^\\pL{2,3}$", ["éλ", "éλж"], ["é", "éλжa"]],
    ["^\\p{Lu}\\x{264}(?i)\\x{264}$", ["Aɤɤ"], ["aɤɤ", "AɤꟋ", "AꟋɤ"]],
  ] as const)("%s combines with its neighbours", (pattern, found, missed) => {
    const search = compileRegex(pattern, { memoEntries: 0 });
    expect(found.filter((text) => !search(text))).toEqual([]);
    expect(missed.filter(search)).toEqual([]);
  });
});
