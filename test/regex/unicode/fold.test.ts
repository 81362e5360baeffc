import { describe, expect, test } from "vitest";
import { goFold } from "../../../src/go/strings.js";
import { compileRegex } from "../../../src/regex/regex.js";
import { unicodeClass } from "../../../src/regex/unicode/classes.js";
import { foldOrbit, foldRanges } from "../../../src/regex/unicode/fold.js";
import { CODE_POINTS } from "../../../tools/unicode-classes/unicode-data.js";

/** All code points by the form that those which differ in case only have in common. */
const orbits = new Map<string, number[]>();
for (let codePoint = 0; codePoint < CODE_POINTS; codePoint++) {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
  const form = goFold(String.fromCodePoint(codePoint));
  const orbit = orbits.get(form);
  if (orbit === undefined) orbits.set(form, [codePoint]);
  else orbit.push(codePoint);
}
const together = [...orbits.values()].filter((orbit) => orbit.length > 1);

/** Pairs that Unicode 15.1 to 17 have added. */
const NEWER_PAIRS = [
  ["\u019b", "\ua7dc"],
  ["\u0264", "\ua7cb"],
  ["\u1c89", "\u1c8a"],
  ["\ua7cc", "\ua7cd"],
  ["\ua7da", "\ua7db"],
  ["\u0390", "\u1fd3"],
  ["\u03b0", "\u1fe3"],
  ["\ufb05", "\ufb06"],
  ["\u{10d50}", "\u{10d70}"],
  ["\u{16ea0}", "\u{16ebb}"],
] as const;

describe("foldOrbit", () => {
  test("returns the code points that strings.EqualFold considers equal", () => {
    expect(together).toHaveLength(1_424);
    const wrong: number[] = [];
    for (const orbit of orbits.values()) {
      const text = orbit.join();
      for (const codePoint of orbit) {
        if ([...foldOrbit(codePoint)].sort(byNumber).join() !== text) wrong.push(codePoint);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("foldRanges", () => {
  test.each(["L", "Ll", "Lt", "Lu", "M", "Mn", "Nl", "So", "Common", "Greek", "Inherited", "Latin"])(
    "adds to %s exactly the code points that differ in case only",
    (name) => {
      const members = new Set<number>();
      const ranges = unicodeClass(name)!;
      for (let at = 0; at < ranges.length; at += 2) {
        for (let codePoint = ranges[at]!; codePoint <= ranges[at + 1]!; codePoint++) members.add(codePoint);
      }
      for (const orbit of together) {
        if (orbit.some((codePoint) => members.has(codePoint))) for (const equal of orbit) members.add(equal);
      }
      const folded = foldRanges(ranges);
      const found = new Set<number>();
      for (let at = 0; at < folded.length; at += 2) {
        for (let codePoint = folded[at]!; codePoint <= folded[at + 1]!; codePoint++) found.add(codePoint);
      }
      expect(found).toEqual(members);
    },
  );
});

describe("compileRegex: (?i)", () => {
  test("finds everything that folds together, as itself, escaped and in brackets", () => {
    for (const orbit of together) {
      const [first = 0, ...others] = orbit;
      const hex = first.toString(16);
      for (const pattern of [
        `\\x{${hex}}`,
        `[\\x{${hex}}-\\x{${hex}}]`,
        `\\Q${String.fromCodePoint(first)}\\E`,
      ]) {
        const search = compileRegex(`^(?i:${pattern})$`);
        for (const other of others) expect(search(String.fromCodePoint(other)), pattern).toBe(true);
      }
    }
  });

  test.each(NEWER_PAIRS)(
    "%s and %s do not fold together: the pair is newer than Unicode 15.0",
    (one, other) => {
      const forms = (text: string) => [
        text,
        `\\x{${text.codePointAt(0)!.toString(16)}}`,
        `[${text}]`,
        `[${text}-${text}]`,
        `[\\d${text}]`,
        `\\Qa${text}\\E`.replace("a", ""),
        `[^\\x00-${before(text)}${after(text)}-\u{10ffff}]`,
      ];
      for (const [pattern, text] of [
        ...forms(one).map((form) => [form, other] as const),
        ...forms(other).map((form) => [form, one] as const),
      ]) {
        expect(compileRegex(`^(?i:${pattern})$`)(text), pattern).toBe(false);
        expect(compileRegex(`^(?:${pattern})$`)(text === one ? other : one), pattern).toBe(true);
      }
    },
  );

  test.each([
    ["^\\p{Lu}$", "a", true],
    ["^\\P{Lu}$", "a", false],
    ["^\\p{Ll}$", "ǅ", true],
    ["^\\p{Greek}$", "µ", true],
    ["^\\p{Greek}$", "\u0345", true],
    ["^\\p{Common}$", "μ", true],
    ["^[^\\p{Lu}]$", "a", false],
    ["^\\p{Lu}$", "ꟋɤA"[1]!, false],
    ["^\\w$", "ſ", true],
    ["^[\\w.]$", "\u212a", true],
    ["^[^\\W]$", "ſ", true],
    ["^[[:upper:]]$", "k", true],
    ["^[[:^upper:]]$", "\u212a", false],
    ["^\\Qa.É*\\E$", "A.é*", true],
    ["^\\Qa.É*\\E$", "AxÉ*", false],
    ["^\\QÉ\\E*$", "éÉé", true],
    ["^\\Q(É", "(é", true],
    ["^é{2}$", "Éé", true],
  ] as const)("(?i)%s on %s: %s", (pattern, text, found) => {
    expect(compileRegex(`(?i)${pattern}`)(text)).toBe(found);
  });
});

function byNumber(a: number, b: number): number {
  return a - b;
}

function before(text: string): string {
  return String.fromCodePoint(text.codePointAt(0)! - 1);
}

function after(text: string): string {
  return String.fromCodePoint(text.codePointAt(0)! + 1);
}
