import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRegex, RegexSyntaxError, re2jsEngine } from "../../src/regex/regex.js";
import { runs } from "../support/amount.js";

const literalText = fc
  .array(
    fc.constantFrom("a", "b", "ab", ".", "*", "/", "(", "[", "\\", "^", "$", "{", "}", "\n", "é", "😀", "-"),
    {
      maxLength: 5,
    },
  )
  .map((characters) => characters.join(""));
const anyText = fc.oneof(
  fc
    .array(fc.constantFrom("a", "b", "ab", "A", "k", "\u212a", ".", "/", "1", "\n", "é", "😀", "\ufffd"), {
      maxLength: 8,
    })
    .map((characters) => characters.join("")),
  literalText,
  fc.string({ unit: "grapheme" }),
);

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

const pattern: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    literalText.map(quote),
    fc.constantFrom(
      "^",
      "$",
      "\\A",
      "\\z",
      ".",
      ".*",
      ".+",
      "(?s:.*)",
      "[ab]",
      "\\w",
      "\\b",
      "(?i:a/k)",
      "[.]",
      "(?m:^)",
    ),
    fc.array(tie("node"), { minLength: 1, maxLength: 4 }).map((nodes) => nodes.join("")),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((nodes) => `(${nodes.join("|")})`),
    fc
      .tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{0}", "{1,2}", "{2,}", "+?"))
      .map(([node, operator]) => `(?:${node})${operator}`),
  ),
})).node;

describe("compileRegex: properties", () => {
  test("finds literals, anchored or not, as the engine does", () => {
    const anchored = fc.tuple(
      fc.constantFrom("", "^", "\\A", ".*", "^.*"),
      literalText,
      fc.constantFrom("", "$", "\\z"),
    );
    fc.assert(
      fc.property(anchored, anyText, literalText, ([before, literal, after], text, rest) => {
        const source = before + quote(literal) + after;
        const search = compileRegex(source);
        const engine = re2jsEngine.compile(source);
        for (const candidate of [text, literal, literal + rest, rest + literal, rest + literal + text]) {
          expect(search(candidate)).toBe(engine(candidate));
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  test("has the same results with and without shortcuts", () => {
    fc.assert(
      fc.property(pattern, fc.array(anyText, { minLength: 1, maxLength: 8 }), (source, texts) => {
        const search = compileRegex(source);
        const withoutMemo = compileRegex(source, { memoEntries: 0 });
        const tinyMemo = compileRegex(source, { memoEntries: 2 });
        const engine = re2jsEngine.compile(source);
        for (const text of [...texts, ...texts]) {
          const expected = engine(text);
          expect([search(text), withoutMemo(text), tinyMemo(text)]).toEqual([expected, expected, expected]);
        }
      }),
      { numRuns: runs(2_000) },
    );
  });

  const soup = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "(",
          "(?:",
          "(?i)",
          "(?P<n>",
          ")",
          "|",
          "*",
          "{2}",
          "[",
          "^",
          "]",
          "-",
          "[:",
          ":]",
          "\\",
          "\\Q",
          "\\E",
        ),
        fc.constantFrom("\\p{", "}", "\\x", "\\d", "a", "1", "\ud800", "$", ".", "?"),
        fc.string({ unit: "binary", maxLength: 2 }),
      ),
      { maxLength: 10 },
    )
    .map((parts) => parts.join(""));

  test("any pattern compiles or throws a RegexSyntaxError, and no search throws", () => {
    fc.assert(
      fc.property(soup, fc.array(fc.string({ unit: "binary" }), { maxLength: 4 }), (source, texts) => {
        let search: (text: string) => boolean;
        try {
          search = compileRegex(source);
        } catch (error) {
          expect(error).toBeInstanceOf(RegexSyntaxError);
          expect((error as Error).message).toMatch(/^error parsing regexp: /);
          return;
        }
        for (const text of [...texts, "\udc00", source]) expect(typeof search(text)).toBe("boolean");
      }),
      { numRuns: runs(3_000) },
    );
  });

  test("accepts the same patterns as the engine, which was compared with Go's, with the same errors", () => {
    fc.assert(
      fc.property(soup, (soupOfAll) => {
        // What re2js does otherwise than Go: names twice, [[:]], and characters that are not well-formed.
        const source = soupOfAll
          .replaceAll("P<n>", ":")
          .replaceAll("[:", "[.")
          .replaceAll("\\p{", "\\p{L}")
          .replaceAll(/\p{Surrogate}/gu, "");
        expect(faultOf(() => compileRegex(source))).toBe(faultOf(() => re2jsEngine.compile(source)));
      }),
      { numRuns: runs(5_000) },
    );
  });

  function faultOf(compile: () => unknown): string | undefined {
    try {
      compile();
      return undefined;
    } catch (error) {
      // re2js omits an empty quotation.
      return (error as Error).message.replace(/: ``$/, "");
    }
  }
});
