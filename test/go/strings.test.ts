import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileEqualFold, goFold, goToLower, goTrimSpace } from "../../src/go/strings.js";
import { runs } from "../support/amount.js";

const BMP = Array.from({ length: 0x1_0000 }, (_, code) => code).filter(
  (code) => code < 0xd800 || code > 0xdfff,
);

describe("goTrimSpace", () => {
  test.each([
    { text: "", trimmed: "" },
    { text: " \t\n\v\f\r", trimmed: "" },
    { text: "  a b  ", trimmed: "a b" },
    { text: "\u0085a\u0085", trimmed: "a" },
    { text: "\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000a\u3000", trimmed: "a" },
    { text: "\ufeffa\ufeff", trimmed: "\ufeffa\ufeff" },
    { text: "\u180ea", trimmed: "\u180ea" },
    { text: "\u200ba\u2060", trimmed: "\u200ba\u2060" },
    { text: "\u001ca\u001f", trimmed: "\u001ca\u001f" },
    { text: "😀 ", trimmed: "😀" },
  ])("trims %j", ({ text, trimmed }) => {
    expect(goTrimSpace(text)).toBe(trimmed);
  });

  test("trims exactly the characters with the property White_Space", () => {
    const dropped = BMP.filter((code) => goTrimSpace(String.fromCharCode(code)) === "");
    expect(dropped).toEqual(BMP.filter((code) => /\p{White_Space}/u.test(String.fromCharCode(code))));
  });

  test("takes linear time for long runs of white space", () => {
    const space = " ".repeat(1 << 20);
    expect(goTrimSpace(`${space}a${space}b${space}`)).toHaveLength(2 + space.length);
    expect(goTrimSpace(space)).toBe("");
  });
});

describe("goToLower", () => {
  test.each([
    { text: "", lower: "" },
    { text: "Cilium.IO", lower: "cilium.io" },
    { text: "İCMP", lower: "icmp" },
    { text: "I\u0307", lower: "i\u0307" },
    { text: "ΑΣ", lower: "ασ" },
    { text: "ΑΣ Σ", lower: "ασ σ" },
    { text: "ς", lower: "ς" },
    { text: "\u212aelvin", lower: "kelvin" },
    { text: "\u212b\u2126", lower: "åω" },
    { text: "ẞß", lower: "ßß" },
    { text: "ǅ", lower: "ǆ" },
    { text: "ᾈ", lower: "ᾀ" },
    { text: "Ａ", lower: "ａ" },
    { text: "𐐀", lower: "𐐨" },
    { text: "\u{10d50}\u1c89", lower: "\u{10d50}\u1c89" },
    { text: "\ud800A", lower: "\ud800a" },
  ])("converts %j", ({ text, lower }) => {
    expect(goToLower(text)).toBe(lower);
  });

  test("maps each character to one character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect([...goToLower(text)]).toHaveLength([...text].length);
      }),
    );
  });
});

describe("compileEqualFold", () => {
  test.each([
    { a: "", b: "", equal: true },
    { a: "", b: "a", equal: false },
    { a: "get", b: "GET", equal: true },
    { a: "gEt", b: "GeT", equal: true },
    { a: "get", b: "gets", equal: false },
    { a: "get", b: "put", equal: false },
    { a: "@", b: "`", equal: false },
    { a: "[", b: "{", equal: false },
    { a: "1", b: "\u0011", equal: false },
    { a: "POſT", b: "post", equal: true },
    { a: "\u212aEY", b: "key", equal: true },
    { a: "\u212a", b: "K", equal: true },
    { a: "ς", b: "Σ", equal: true },
    { a: "ς", b: "σ", equal: true },
    { a: "ß", b: "ẞ", equal: true },
    { a: "ß", b: "SS", equal: false },
    { a: "ß", b: "ss", equal: false },
    { a: "İ", b: "i", equal: false },
    { a: "İ", b: "İ", equal: true },
    { a: "ı", b: "I", equal: false },
    { a: "ı", b: "i", equal: false },
    { a: "ı", b: "ı", equal: true },
    { a: "I", b: "i", equal: true },
    { a: "µ", b: "Μ", equal: true },
    { a: "å", b: "\u212b", equal: true },
    { a: "ω", b: "\u2126", equal: true },
    { a: "θ", b: "ϴ", equal: true },
    { a: "ϑ", b: "Θ", equal: true },
    { a: "\u0345", b: "ι", equal: true },
    { a: "\u1fbe", b: "Ι", equal: true },
    { a: "ǅ", b: "Ǆ", equal: true },
    { a: "ǆ", b: "ǅ", equal: true },
    { a: "ᾀ", b: "ᾈ", equal: true },
    { a: "ᲀ", b: "В", equal: true },
    { a: "ꙋ", b: "ᲈ", equal: true },
    { a: "Ꭰ", b: "ꭰ", equal: true },
    { a: "ა", b: "Ა", equal: true },
    { a: "𐐀", b: "𐐨", equal: true },
    { a: "ſt", b: "ST", equal: true },
    { a: "\u0390", b: "\u1fd3", equal: false },
    { a: "\u03b0", b: "\u1fe3", equal: false },
    { a: "\ufb05", b: "\ufb06", equal: false },
    { a: "\ufb05", b: "st", equal: false },
    { a: "ŉ", b: "ʼN", equal: false },
    { a: "e\u0301", b: "é", equal: false },
    { a: "É", b: "é", equal: true },
    { a: "Éa", b: "éb", equal: false },
    { a: "aÉ", b: "Aé", equal: true },
    { a: "\ua7cb", b: "\u0264", equal: false },
  ])("compares $a and $b: $equal", ({ a, b, equal }) => {
    expect(compileEqualFold(a)(b)).toBe(equal);
    expect(compileEqualFold(b)(a)).toBe(equal);
    expect(goFold(a) === goFold(b)).toBe(equal);
  });

  test("equals the folding of single characters by RegExp, except for additions of Unicode after 15.0", () => {
    const added = new Set(
      Array.from("\u0390\u1fd3\u03b0\u1fe3\ufb05\ufb06\u1c89\u1c8a\ua7cb\ua7cc\ua7cd\ua7ce\ua7cf", (c) => c),
    );
    for (const character of "\ua7d2\ua7d3\ua7d4\ua7d5\ua7da\ua7db\ua7dc\u019b\u0264") added.add(character);
    const characters = BMP.map((code) => String.fromCharCode(code)).filter(
      (character) => !added.has(character),
    );
    const byFold = groupByFold(characters);
    const all = characters.join("");
    const cased = characters.filter((c) => c.toLowerCase() !== c || c.toUpperCase() !== c);
    expect(cased.length).toBeGreaterThan(2000);
    for (const character of cased) {
      const regExp = new RegExp(character, "giu");
      expect(all.match(regExp), `U+${character.charCodeAt(0).toString(16)}`).toEqual(
        byFold.get(goFold(character)),
      );
    }
  });

  const folding = fc.array(
    fc.constantFrom(..."aAbkK\u212asSſßẞiIİıσςΣµμΜåÅ\u212b𐐀𐐨1-\u0390\u1fd3\ud800", "ss", "SS"),
    { maxLength: 4 },
  );

  test("is an equivalence relation, consistent with goFold", () => {
    fc.assert(
      fc.property(folding, folding, (charactersA, charactersB) => {
        const [a, b] = [charactersA.join(""), charactersB.join("")];
        const equal = compileEqualFold(a)(b);
        expect(compileEqualFold(b)(a)).toBe(equal);
        expect(compileEqualFold(a)(a)).toBe(true);
        expect(goFold(a) === goFold(b)).toBe(equal);
        expect(goFold(goFold(a))).toBe(goFold(a));
      }),
      { numRuns: runs(2000) },
    );
  });

  test("accepts any string, and ignores case", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(compileEqualFold(a)(b)).toBe(goFold(a) === goFold(b));
        expect(compileEqualFold(a)(goFold(a))).toBe(true);
        expect(goFold(a)).toHaveLength(a.length);
      }),
    );
  });

  test("takes linear time for long strings", () => {
    const wanted = compileEqualFold("é".repeat(1 << 16));
    expect(wanted("É".repeat(1 << 16))).toBe(true);
    expect(wanted("E".repeat(1 << 16))).toBe(false);
  });
});

function groupByFold(characters: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const character of characters) {
    const group = groups.get(goFold(character));
    if (group === undefined) groups.set(goFold(character), [character]);
    else group.push(character);
  }
  return groups;
}
