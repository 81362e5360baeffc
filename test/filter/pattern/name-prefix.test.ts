import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { NamePrefix } from "../../../src/filter/field.js";
import { compileNamePrefixes, minimalPrefixes } from "../../../src/filter/pattern/name-prefix.js";

/** One by one, as Hubble does. */
function naive(wanted: readonly NamePrefix[], namespace: string, name: string): boolean {
  if (namespace === "" && name === "") return false;
  return wanted.some(
    (one) => (one.namespace === "" || one.namespace === namespace) && name.startsWith(one.prefix),
  );
}

const letters = fc.string({ unit: fc.constantFrom("a", "b", "-", "\u{1f600}", "\uffff"), maxLength: 4 });
const namespaces = fc.constantFrom("", "a", "b", "default");

describe("compileNamePrefixes", () => {
  test.each([
    { wanted: [["", ""]], namespace: "", name: "", matches: false },
    { wanted: [["", ""]], namespace: "a", name: "", matches: true },
    { wanted: [["", ""]], namespace: "", name: "x", matches: true },
    { wanted: [["a", ""]], namespace: "a", name: "", matches: true },
    { wanted: [["a", ""]], namespace: "", name: "", matches: false },
    {
      wanted: [
        ["a", ""],
        ["", ""],
      ],
      namespace: "",
      name: "",
      matches: false,
    },
    {
      wanted: [
        ["a", "x"],
        ["b", "y"],
      ],
      namespace: "a",
      name: "y",
      matches: false,
    },
    {
      wanted: [
        ["a", "x"],
        ["b", "y"],
        ["", "z"],
      ],
      namespace: "a",
      name: "z1",
      matches: true,
    },
    {
      wanted: [
        ["a", "x"],
        ["b", "y"],
        ["", ""],
      ],
      namespace: "",
      name: "",
      matches: false,
    },
    { wanted: [["a", "web"]], namespace: "a", name: "Web", matches: false },
    { wanted: [], namespace: "a", name: "b", matches: false },
  ])("$wanted and $namespace/$name: $matches", ({ wanted, namespace, name, matches }) => {
    const prefixes = wanted.map(([namespace = "", prefix = ""]) => ({ namespace, prefix }));
    expect(compileNamePrefixes(prefixes)(namespace, name)).toBe(matches);
  });

  test("matches as each prefix alone", () => {
    const seen = { matching: 0, others: 0 };
    const wanted = fc.array(fc.record({ namespace: namespaces, prefix: letters }), { maxLength: 20 });
    fc.assert(
      fc.property(wanted, fc.array(fc.tuple(namespaces, letters), { minLength: 5 }), (prefixes, names) => {
        const matches = compileNamePrefixes(prefixes);
        for (const [namespace, name] of names) {
          const expected = naive(prefixes, namespace, name);
          seen[expected ? "matching" : "others"]++;
          expect(matches(namespace, name)).toBe(expected);
        }
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(seen.matching, seen.others)).toBeGreaterThan(500);
  });

  test("compares as many of 10,000 prefixes as of 10", () => {
    const startsWith = vi.spyOn(String.prototype, "startsWith");
    const comparisons = (size: number) => {
      const prefixes = Array.from({ length: size }, (_, index) => ({
        namespace: "a",
        prefix: `web-${index}-`,
      }));
      const matches = compileNamePrefixes(prefixes);
      startsWith.mockClear();
      expect(matches("a", `web-${size - 1}-x`)).toBe(true);
      expect(matches("a", "zzz")).toBe(false);
      return startsWith.mock.calls.length;
    };
    const few = comparisons(10);
    const many = comparisons(10_000);
    startsWith.mockRestore();
    expect(few).toBeGreaterThan(0);
    expect(many).toBe(few);
  });
});

test("minimalPrefixes: returns the prefixes that have no other one as a prefix, sorted", () => {
  expect(minimalPrefixes(["b", "ab", "a", "abc", "b", "c1", "c"])).toEqual(["a", "b", "c"]);
  fc.assert(
    fc.property(fc.array(letters), (prefixes) => {
      const minimal = prefixes.filter(
        (one) => !prefixes.some((other) => other !== one && one.startsWith(other)),
      );
      expect(minimalPrefixes(prefixes)).toEqual([...new Set(minimal)].sort());
    }),
  );
});
