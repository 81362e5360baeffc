import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileFqdnPatterns,
  compileNodeNamePatterns,
  parseFqdnPattern,
  parseNodeNamePattern,
} from "../../../src/filter/pattern/pattern.js";
import { runs } from "../../support/amount.js";

describe("parseFqdnPattern", () => {
  test.each([
    { text: "cilium.io", literals: ["cilium.io"] },
    { text: "Cilium.IO.", literals: ["cilium.io"] },
    { text: " \t\u0085\u00a0\u2028\u3000cilium.io. \n", literals: ["cilium.io"] },
    { text: "_http._tcp.a-b", literals: ["_http._tcp.a-b"] },
    { text: "\u212a8s", literals: ["k8s"] },
    { text: "İ", literals: ["i"] },
    { text: "*", literals: ["", ""] },
    { text: "**", literals: ["", ""] },
    { text: "*.cilium.io", literals: ["", ".cilium.io"] },
    { text: "a*b**c", literals: ["a", "b", "c"] },
    { text: "*.", literals: ["", ""] },
    { text: "..a", literals: ["..a"] },
  ])("$text", ({ text, literals }) => {
    expect(parseFqdnPattern(text)).toEqual({ literals });
  });

  test.each([
    { text: "", error: "empty pattern" },
    { text: " ", error: "empty pattern" },
    { text: ".", error: "empty pattern" },
    { text: " . ", error: "empty pattern" },
    { text: "..", error: "multiple trailing dots in pattern" },
    { text: "cilium.io..", error: "multiple trailing dots in pattern" },
    { text: "ü..", error: "multiple trailing dots in pattern" },
    { text: "cilium.io .", error: "' ': invalid rune in pattern" },
    { text: "a b?", error: "' ': invalid rune in pattern" },
    { text: "a/b", error: "'/': invalid rune in pattern" },
    { text: "[a]", error: "'[': invalid rune in pattern" },
    { text: "a\\", error: "'\\\\': invalid rune in pattern" },
    { text: "a'", error: "'\\'': invalid rune in pattern" },
    { text: 'a"', error: "'\"': invalid rune in pattern" },
    { text: "\ufeffa", error: "'\\ufeff': invalid rune in pattern" },
    { text: "\u200ba", error: "'\\u200b': invalid rune in pattern" },
    { text: "a\x1f", error: "'\\x1f': invalid rune in pattern" },
    { text: "Ü", error: "'ü': invalid rune in pattern" },
    { text: "😀", error: "'😀': invalid rune in pattern" },
    { text: "\ud800", error: "'\ufffd': invalid rune in pattern" },
    { text: "a\n", error: undefined },
  ])("$text: $error", ({ text, error }) => {
    expect(parseFqdnPattern(text)).toEqual(error ?? { literals: ["a"] });
  });
});

describe("parseNodeNamePattern", () => {
  test.each([
    { text: "k8s1", cluster: undefined, node: ["k8s1"] },
    { text: "/k8s1", cluster: undefined, node: ["k8s1"] },
    { text: "c/k8s*", cluster: ["c"], node: ["k8s", ""] },
    { text: " C. / K8S1. ", cluster: ["c"], node: ["k8s1"] },
    { text: "*/", cluster: ["", ""], node: undefined },
    { text: "/", cluster: undefined, node: undefined },
  ])("$text", ({ text, cluster, node }) => {
    expect(parseNodeNamePattern(text)).toEqual({
      cluster: cluster && { literals: cluster },
      node: node && { literals: node },
    });
  });

  test.each([
    { text: "", error: "empty pattern" },
    { text: " ", error: "empty pattern" },
    { text: " /x", error: "empty pattern" },
    { text: "./x", error: "empty pattern" },
    { text: "x/.", error: "empty pattern" },
    { text: "..", error: "multiple trailing dots in pattern" },
    { text: "x/a..", error: "multiple trailing dots in pattern" },
    { text: "//", error: "too many slashes in pattern" },
    { text: "?/b/c", error: "too many slashes in pattern" },
    { text: "?/,", error: "'?': invalid rune in pattern" },
    { text: "a/,", error: "',': invalid rune in pattern" },
  ])("$text: $error", ({ text, error }) => {
    expect(parseNodeNamePattern(text)).toBe(error);
  });
});

describe("compileFqdnPatterns", () => {
  test.each([
    { patterns: [], name: "", matches: false },
    { patterns: ["cilium.io"], name: "cilium.io", matches: true },
    { patterns: ["cilium.io"], name: "cilium.io.", matches: false },
    { patterns: ["cilium.io"], name: "Cilium.io", matches: false },
    { patterns: ["cilium.io"], name: "ciliumxio", matches: false },
    { patterns: ["cilium.io"], name: "www.cilium.io", matches: false },
    { patterns: ["CILIUM.io."], name: "cilium.io", matches: true },
    { patterns: ["cilium.io*"], name: "cilium.io.", matches: true },
    { patterns: ["cilium.io*"], name: "cilium.io", matches: true },
    { patterns: ["cilium.io*"], name: "cilium.io_", matches: false },
    { patterns: ["a*"], name: "a_b", matches: false },
    { patterns: ["a*", "a_*"], name: "a_b", matches: true },
    { patterns: ["*.cilium.io"], name: "www.cilium.io", matches: true },
    { patterns: ["*.cilium.io"], name: "a.b.cilium.io", matches: true },
    { patterns: ["*.cilium.io"], name: ".cilium.io", matches: true },
    { patterns: ["*.cilium.io"], name: "cilium.io", matches: false },
    { patterns: ["*.cilium.io"], name: "a_b.cilium.io", matches: false },
    { patterns: ["*.cilium.io", "*_b.cilium.io"], name: "a_b.cilium.io", matches: true },
    { patterns: ["*.cilium.io"], name: "WWW.cilium.io", matches: false },
    { patterns: ["*.cilium.io"], name: "www.cilium.io\n", matches: false },
    { patterns: ["*"], name: "", matches: true },
    { patterns: ["*"], name: "a..b", matches: true },
    { patterns: ["*"], name: "a-1.b", matches: true },
    { patterns: ["*"], name: "a_b", matches: false },
    { patterns: ["*"], name: "a/b", matches: false },
    { patterns: ["*"], name: "a,b", matches: false },
    { patterns: ["*"], name: "a:b", matches: false },
    { patterns: ["*"], name: "a`b", matches: false },
    { patterns: ["*"], name: "a{b", matches: false },
    { patterns: ["*"], name: "aAb", matches: false },
    { patterns: ["*"], name: "é", matches: false },
    { patterns: ["*_*"], name: "a_b", matches: true },
    { patterns: ["*_*"], name: "a_b_c", matches: false },
    { patterns: ["*_*_*"], name: "a_b_c", matches: true },
    { patterns: ["a*b"], name: "ab", matches: true },
    { patterns: ["a*b"], name: "a.b", matches: true },
    { patterns: ["a*b"], name: "a_b", matches: false },
    { patterns: ["a*a"], name: "a", matches: false },
    { patterns: ["ab*ba"], name: "aba", matches: false },
    { patterns: ["*ab*"], name: "xaab", matches: true },
    { patterns: ["*aab*"], name: "aaab", matches: true },
    { patterns: ["*a*b*c*"], name: "xaxbxcx", matches: true },
    { patterns: ["*a*b*c*"], name: "xaxcxbx", matches: false },
    { patterns: ["*a_*b"], name: "a_a_b", matches: false },
    { patterns: ["*a_a_*b"], name: "a_a_b", matches: true },
    { patterns: ["a*aba*b"], name: "aababb", matches: true },
    { patterns: ["a*", "*b", "c"], name: "c", matches: true },
    { patterns: ["a*", "*b", "c", "d*d*d"], name: "dxdxd", matches: true },
    { patterns: ["a*", "*b", "c", "d*d*d"], name: "dxd", matches: false },
  ])("$patterns and $name: $matches", ({ patterns, name, matches }) => {
    expect(matchesFqdn(patterns, name)).toBe(matches);
  });

  const part = fc.constantFrom("a", "b", "ab", "aa", ".", "-", "_");
  const pattern = fc
    .array(fc.oneof(part, fc.constant("*")), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join(""));
  const name = fc
    .array(
      fc.oneof(
        { weight: 8, arbitrary: part },
        { weight: 1, arbitrary: fc.constantFrom("A", "/", "é", "\n") },
      ),
      { maxLength: 9 },
    )
    .map((parts) => parts.join(""));

  test("matches as Hubble's regular expression for the pattern does", () => {
    fc.assert(
      fc.property(pattern, name, (text, candidate) => {
        if (typeof parseFqdnPattern(text) === "string") return;
        expect(matchesFqdn([text], candidate)).toBe(naiveFqdn(text).test(candidate));
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("matches if one of many patterns matches", () => {
    const valid = pattern.filter((text) => typeof parseFqdnPattern(text) !== "string");
    fc.assert(
      fc.property(fc.array(valid, { maxLength: 80 }), fc.array(name, { minLength: 5 }), (patterns, names) => {
        for (const candidate of names) {
          const any = patterns.some((text) => matchesFqdn([text], candidate));
          expect(matchesFqdn(patterns, candidate)).toBe(any);
        }
      }),
    );
  });

  test("accepts ten thousand patterns of each kind", () => {
    const numbers = Array.from({ length: 10_000 }, (_, index) => index);
    const patterns = numbers.flatMap((n) => [`exact${n}.io`, `prefix${n}.*`, `*.suffix${n}.io`]);
    const matches = compileFqdnPatterns(patterns.map(parseFqdn));
    expect(matches("exact9999.io")).toBe(true);
    expect(matches("exact10000.io")).toBe(false);
    expect(matches("prefix9999.com")).toBe(true);
    expect(matches("prefix9999.c_m")).toBe(false);
    expect(matches("prefix9999")).toBe(false);
    expect(matches("www.suffix9999.io")).toBe(true);
    expect(matches("w_w.suffix9999.io")).toBe(false);
    expect(matches("suffix9999.io")).toBe(false);
  });

  test.each([
    { name: "many wildcards", pattern: `${"*a".repeat(30)}*b*`, ending: "a", matches: false },
    { name: "many wildcards that match", pattern: `${"*a".repeat(30)}*`, ending: "b", matches: true },
    {
      name: "as many wildcards as characters",
      pattern: `${"*a".repeat(30_000)}*c`,
      ending: "c",
      matches: true,
    },
    {
      name: "a long literal that nearly occurs everywhere",
      pattern: `*${"a".repeat(30_000)}b*c`,
      ending: "c",
      matches: false,
    },
    { name: "a long literal at the end", pattern: `*b${"a".repeat(30_000)}*`, ending: "", matches: false },
  ])("accepts hostile patterns: $name", ({ pattern: text, ending, matches }) => {
    expect(matchesFqdn([text], "a".repeat(65_536) + ending)).toBe(matches);
  });

  test("needs linear time for hostile names and many patterns", () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index + 1);
    const patterns = numbers.flatMap((n) => [
      `*${"a".repeat(n)}`,
      `${"a".repeat(n)}*`,
      `*${"a".repeat(n)}*b`,
    ]);
    const long = "a".repeat(65_536);
    expect(matchesFqdn(patterns, `_${long}_`)).toBe(false);
    expect(matchesFqdn(patterns, `${long}_${long}`)).toBe(false);
    expect(matchesFqdn(patterns, long)).toBe(true);
  });
});

describe("compileNodeNamePatterns", () => {
  test.each([
    { patterns: [], name: "a", matches: false },
    { patterns: ["*"], name: "", matches: false },
    { patterns: ["/"], name: "", matches: false },
    { patterns: ["k8s1"], name: "k8s1", matches: true },
    { patterns: ["k8s1"], name: "c/k8s1", matches: true },
    { patterns: ["k8s1"], name: "c_1.d/k8s1", matches: true },
    { patterns: ["k8s1"], name: "/k8s1", matches: false },
    { patterns: ["k8s1"], name: ".c/k8s1", matches: false },
    { patterns: ["k8s1"], name: "c./k8s1", matches: false },
    { patterns: ["k8s1"], name: "c..d/k8s1", matches: false },
    { patterns: ["k8s1"], name: "C/k8s1", matches: false },
    { patterns: ["k8s1"], name: "K8s1", matches: false },
    { patterns: ["K8s1"], name: "k8s1", matches: true },
    { patterns: ["default/k8s1"], name: "k8s1", matches: true },
    { patterns: ["default/k8s1"], name: "default/k8s1", matches: true },
    { patterns: ["default/k8s1"], name: "c/k8s1", matches: false },
    { patterns: ["def*/k8s1"], name: "k8s1", matches: true },
    { patterns: ["c/k8s1"], name: "k8s1", matches: false },
    { patterns: ["c/k8s1"], name: "c/k8s1", matches: true },
    { patterns: ["c/k8s1", "d/k8s2"], name: "c/k8s2", matches: false },
    { patterns: ["c/k8s1", "c/k8s2"], name: "c/k8s2", matches: true },
    { patterns: ["*/x"], name: "/x", matches: true },
    { patterns: ["*/x"], name: "c_1/x", matches: false },
    { patterns: ["/x"], name: "c_1/x", matches: true },
    { patterns: ["c/"], name: "c/a_b.c", matches: true },
    { patterns: ["c/"], name: "c/", matches: false },
    { patterns: ["c/*"], name: "c/", matches: true },
    { patterns: ["c/*"], name: "c/a_b", matches: false },
    { patterns: ["/"], name: "a_b", matches: true },
    { patterns: ["/"], name: "a.", matches: false },
    { patterns: ["/"], name: "A", matches: false },
    { patterns: ["/"], name: "a/b", matches: true },
    { patterns: ["/"], name: "a/b/c", matches: false },
    { patterns: ["*"], name: "a/b/c", matches: false },
    { patterns: ["*/*"], name: "//", matches: false },
    { patterns: ["*/*"], name: "/", matches: true },
    { patterns: ["cluster-a/k8s*", "*.domain.com"], name: "cluster-a/k8s2", matches: true },
    { patterns: ["cluster-a/k8s*", "*.domain.com"], name: "cluster-b/k8s2", matches: false },
    { patterns: ["cluster-a/k8s*", "*.domain.com"], name: "cluster-b/runtime1.domain.com", matches: true },
  ])("$patterns and $name: $matches", ({ patterns, name, matches }) => {
    expect(matchesNodeName(patterns, name)).toBe(matches);
  });

  const part = fc.constantFrom("a", "b", "ab", ".", "-", "_", "default");
  const pattern = fc
    .tuple(
      fc.array(fc.oneof(part, fc.constant("*")), { maxLength: 3 }),
      fc.option(fc.array(fc.oneof(part, fc.constant("*")), { maxLength: 3 })),
    )
    .map(([first, second]) => (second === null ? first.join("") : `${first.join("")}/${second.join("")}`))
    .filter((text) => typeof parseNodeNamePattern(text) !== "string");
  const name = fc
    .array(fc.oneof(part, fc.constant("/"), fc.constant("A")), { maxLength: 6 })
    .map((parts) => parts.join(""));

  test("matches as Hubble's regular expression for the patterns does", () => {
    const counts = [
      fc.array(pattern, { minLength: 1, maxLength: 3 }),
      fc.array(pattern, { minLength: 30, maxLength: 60 }),
    ];
    fc.assert(
      fc.property(fc.oneof(...counts), fc.array(name, { minLength: 5 }), (patterns, names) => {
        const regExps = patterns.map(naiveNodeName);
        const matches = compileNodeNamePatterns(patterns.map(parseNodeName));
        for (const candidate of names) {
          const full = candidate.includes("/") ? candidate : `default/${candidate}`;
          expect(matches(candidate)).toBe(candidate !== "" && regExps.some((regExp) => regExp.test(full)));
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test("accepts ten thousand clusters and nodes", () => {
    const patterns = Array.from({ length: 10_000 }, (_, n) => [
      `cluster${n}/node${n}`,
      `cluster0/node${n}`,
    ]).flat();
    const matches = compileNodeNamePatterns(patterns.map(parseNodeName));
    expect(matches("cluster9999/node9999")).toBe(true);
    expect(matches("cluster9999/node9998")).toBe(false);
    expect(matches("cluster0/node9998")).toBe(true);
    expect(matches("node9998")).toBe(false);
  });

  test("accepts any string", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" })),
        fc.string({ unit: "binary" }),
        (texts, candidate) => {
          const patterns = texts.map(parseNodeNamePattern).filter((parsed) => typeof parsed !== "string");
          expect(typeof compileNodeNamePatterns(patterns)(candidate)).toBe("boolean");
        },
      ),
    );
    expect(matchesNodeName(["/", "*/*", "a*a*a/b*b*b"], "/".repeat(65_536))).toBe(false);
    expect(matchesNodeName(["/"], "a.".repeat(65_536))).toBe(false);
    expect(matchesNodeName(["/"], `${"a.".repeat(65_536)}a`)).toBe(true);
  });
});

function matchesFqdn(patterns: readonly string[], name: string): boolean {
  return compileFqdnPatterns(patterns.map(parseFqdn))(name);
}

function matchesNodeName(patterns: readonly string[], name: string): boolean {
  return compileNodeNamePatterns(patterns.map(parseNodeName))(name);
}

const parseFqdn = (text: string) => parsed(parseFqdnPattern(text));
const parseNodeName = (text: string) => parsed(parseNodeNamePattern(text));

function parsed<T>(result: T | string): T {
  if (typeof result === "string") throw new Error(result);
  return result;
}

/** Only for patterns and names of few characters: this engine backtracks. */
function naiveFqdn(text: string): RegExp {
  return new RegExp(`^(?:${naivePart(text)})$`);
}

function naiveNodeName(text: string): RegExp {
  const [first = "", second] = text.split("/");
  const [cluster, node] = second === undefined ? ["", first] : [first, second];
  const any = "[-0-9_a-z]+(?:[.][-0-9_a-z]+)*";
  const parts = [cluster, node].map((part) => (part === "" ? any : naivePart(part)));
  return new RegExp(`^(?:${parts.join("/")})$`);
}

function naivePart(text: string): string {
  return text.replace(/[.]$/, "").replaceAll(".", "[.]").replaceAll("*", "[-.0-9a-z]*");
}
