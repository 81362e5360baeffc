import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutMiddle, cutText } from "../../src/errors/cut-text.js";

const text = fc.string({ unit: "binary", maxLength: 20 });
const length = fc.nat(12);

describe("cutText", () => {
  test.each([
    { text: "", limit: 0, cut: "" },
    { text: "abc", limit: 3, cut: "abc" },
    { text: "abcd", limit: 3, cut: "abc…" },
    { text: "ab😀d", limit: 3, cut: "ab…" },
    { text: "ab😀d", limit: 4, cut: "ab😀…" },
    { text: "a", limit: 0, cut: "…" },
  ])("cuts $text to $limit: $cut", ({ text, limit, cut }) => {
    expect(cutText(text, limit)).toBe(cut);
  });

  test("keeps short strings, and the beginning of others without splitting a character", () => {
    fc.assert(
      fc.property(text, length, (whole, limit) => {
        const cut = cutText(whole, limit);
        expect(cut.length).toBeLessThanOrEqual(Math.max(limit + 1, 1));
        if (whole.length <= limit) expect(cut).toBe(whole);
        else {
          expect(cut.endsWith("…")).toBe(true);
          expect([...whole].join("\0").startsWith([...cut.slice(0, -1)].join("\0"))).toBe(true);
        }
      }),
    );
  });
});

describe("cutMiddle", () => {
  test.each([
    { text: "abcde", head: 3, tail: 2, cut: "abcde" },
    { text: "abcdef", head: 3, tail: 2, cut: "abc…ef" },
    { text: "a😀b😀c", head: 2, tail: 2, cut: "a…c" },
    { text: "a😀b😀c", head: 3, tail: 3, cut: "a😀…😀c" },
    { text: "abc", head: 0, tail: 0, cut: "…" },
  ])("cuts $text to $head and $tail: $cut", ({ text, head, tail, cut }) => {
    expect(cutMiddle(text, head, tail)).toBe(cut);
  });

  test("keeps short strings, and both ends of others without splitting a character", () => {
    fc.assert(
      fc.property(text, length, length, (whole, head, tail) => {
        const cut = cutMiddle(whole, head, tail);
        expect(cut.length).toBeLessThanOrEqual(head + tail + 1);
        if (whole.length <= head + tail) expect(cut).toBe(whole);
        else expect(whole.length).toBeGreaterThanOrEqual(cut.length - 1);
      }),
    );
  });
});
