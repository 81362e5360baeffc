import { describe, expect, test } from "vitest";
import { CidrKeyMemo } from "../../../src/filter/labels/cidr-label.js";
import { compileLabelSelector, compileLabelSelectors } from "../../../src/filter/labels/index.js";

const LENGTH = 65_536;
/** Ends quadratic code, which needs minutes: every test here needs a fiftieth of it. */
const LIMIT_MS = 120_000;

describe("compileLabelSelectors: long selectors", { timeout: LIMIT_MS }, () => {
  test.each([
    { name: "one key", text: "a".repeat(LENGTH) },
    { name: "a key that fails at its end", text: `${"a".repeat(LENGTH)}_` },
    { name: "a key of dots", text: ".".repeat(LENGTH) },
    { name: "a prefix that fails at its end", text: `${"a.".repeat(LENGTH / 2)}_/x` },
    { name: "a prefix of dashes", text: `a${"-".repeat(LENGTH)}/x` },
    { name: "slashes", text: "/".repeat(LENGTH) },
    { name: "colons", text: ":".repeat(LENGTH) },
    { name: "exclamation marks", text: "!".repeat(LENGTH) },
    { name: "white space", text: " ".repeat(LENGTH) },
    { name: "NULs", text: `a ${"\0".repeat(LENGTH)}=`, valid: true },
    { name: "equals signs", text: "=".repeat(LENGTH) },
    { name: "open parentheses", text: `a in ${"(".repeat(LENGTH)}` },
    { name: "closed parentheses", text: `a in (${")".repeat(LENGTH)}` },
    { name: "commas", text: ",".repeat(LENGTH) },
    { name: "a list of commas", text: `a in (${",".repeat(LENGTH + 1)}b)`, valid: true },
    { name: "a value", text: `a=${"x".repeat(LENGTH)}` },
    { name: "a value that fails at its end", text: `a=${"x".repeat(LENGTH)}-` },
    {
      name: "invalid values",
      text: `a in (${Array.from({ length: LENGTH / 8 }, (_, index) => `${index}-`).join(",")})`,
    },
    { name: "surrogates", text: "\u{1f600}".repeat(LENGTH / 2) },
  ])("$name", ({ text, valid = false }) => {
    if (valid) expect(compileLabelSelector(text).requirements).toHaveLength(1);
    else expect(() => compileLabelSelector(text)).toThrow();
  });

  test("10,000 requirements", () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);
    const labels = keys.map((key, index) => `k8s:${key}=${index}`);
    const all = compileLabelSelectors([keys.map((key, index) => `${key}=${index}`).join(",")]);
    const none = compileLabelSelectors([keys.map((key) => `!${key}`).join(",")]);
    const any = compileLabelSelectors(keys.map((key, index) => `k8s:${key}=${index}`));
    expect(all(labels)).toBe(true);
    expect(all(labels.slice(1))).toBe(false);
    expect(all([...labels].reverse())).toBe(true);
    expect(none(["k8s:other"])).toBe(true);
    expect(none(["k8s:key-9999"])).toBe(false);
    expect(any(["k8s:key-9999=9999"])).toBe(true);
    expect(any(["k8s:key-9999=9998"])).toBe(false);
  });

  test("10,000 requirements on one key", () => {
    const text = Array.from({ length: 10_000 }, (_, index) => `app!=${index}`).join(",");
    const matches = compileLabelSelectors([text]);
    expect(matches(["k8s:app=x"])).toBe(true);
    expect(matches(["k8s:app=9999"])).toBe(false);
  });

  test("10,000 sources of one key", () => {
    const texts = Array.from({ length: 10_000 }, (_, index) => `s${index}:app=x`);
    const matches = compileLabelSelectors(texts);
    expect(matches(["s9999:app=x"])).toBe(true);
    expect(matches(["t:app=x"])).toBe(false);
  });

  test.each([
    { name: "of one key", selector: (index: number) => `k8s:app=a${index}` },
    { name: "of lists", selector: (index: number) => `app in (a${index},b${index})` },
    { name: "of many keys", selector: (index: number) => `k8s:app-${index}` },
    { name: "of many sources", selector: (index: number) => `s${index}:app` },
    {
      name: "of all kinds",
      selector: (index: number) => [`app=a${index}`, `reserved:w${index}`, `k${index}`][index % 3]!,
    },
    { name: "with a common beginning", selector: (index: number) => `tier=front,!none,app=a${index}` },
    { name: "that end alike", selector: (index: number) => `app=a${index},version<4,tier` },
    { name: "of prefixes", selector: (index: number) => `cidr:10.${index >> 8}.${index & 255}.0/24` },
  ])("10,000 selectors $name, and 50,000 events", ({ selector }) => {
    const matches = compileLabelSelectors(Array.from({ length: 10_000 }, (_, index) => selector(index)));
    const labels = ["k8s:app=web", "k8s:tier=front", "k8s:version=3", "cidr:11.0.0.0/8"];
    let matching = 0;
    for (let event = 0; event < 50_000; event++) if (matches(labels)) matching++;
    expect(matching).toBe(0);
  });

  test("10,000 values", () => {
    const values = Array.from({ length: 10_000 }, (_, index) => `v${index}`);
    const matches = compileLabelSelectors([`app in (${values.join(",")})`]);
    for (const value of values) expect(matches([`k8s:app=${value}`])).toBe(true);
    expect(matches(["k8s:app=v10000"])).toBe(false);
  });
});

describe("compileLabelSelectors: hostile events", { timeout: LIMIT_MS }, () => {
  const matches = compileLabelSelectors(["app=x,!tier", "reserved:host", "version>3", "cidr:10.0.0.0/8=x"]);

  test.each([
    { name: "a million characters", labels: ["a".repeat(1_000_000)] },
    { name: "a million colons", labels: [":".repeat(1_000_000)] },
    { name: "a long number", labels: [`version=${"9".repeat(1_000_000)}`] },
    { name: "a long prefix", labels: [`cidr:${"1".repeat(1_000_000)}/8`] },
    { name: "a prefix of dashes", labels: [`cidr:${"-".repeat(1_000_000)}`] },
    {
      name: "many labels with one key",
      labels: Array.from({ length: 20_000 }, (_, index) => `s${index}:app=${index}`),
    },
    {
      name: "many prefixes with values",
      labels: Array.from(
        { length: 20_000 },
        (_, index) => `cidr:10.${index & 255}.${index >> 8}.0/24=${index}`,
      ),
    },
  ])("$name", ({ labels }) => {
    expect(matches(labels)).toBe(false);
  });

  test.each([
    {
      name: "different prefixes",
      label: (index: number) => `cidr:10.${index & 255}.${(index >> 8) & 255}.${index % 7}/32=v${index % 5}`,
    },
    { name: "the same prefixes again", label: (index: number) => `cidr:10.${index & 63}.1.1/32=v${index}` },
  ])("1,000 prefixes, 10,000 labels of $name", ({ label }) => {
    const wanted = Array.from(
      { length: 1000 },
      (_, index) => `cidr:10.${index & 255}.${index >> 8}.0/24=none`,
    );
    const labels = Array.from({ length: 10_000 }, (_, index) => label(index));
    const matchesMany = compileLabelSelectors(wanted);
    for (let round = 0; round < 10; round++) expect(matchesMany(labels)).toBe(false);
  });

  test("1,000 keys, each in many labels", () => {
    const matchesMany = compileLabelSelectors(Array.from({ length: 1000 }, (_, index) => `k${index}=none`));
    const labels = Array.from({ length: 10_000 }, (_, index) => `s${index}:k${index % 500}=v${index}`);
    for (let round = 0; round < 10; round++) expect(matchesMany(labels)).toBe(false);
  });

  test("one prefix written in 10,000 ways", () => {
    const wanted = Array.from(
      { length: 10_000 },
      (_, index) => `cidr:10.0.${index >> 8}.${index & 255}/8=none`,
    );
    const labels = Array.from({ length: 10_000 }, (_, index) => `cidr:10.0.${index >> 8}.${index & 255}/32`);
    const matchesMany = compileLabelSelectors(wanted);
    expect(matchesMany(labels)).toBe(false);
    expect(matchesMany([`${labels[0]}=none`])).toBe(true);
  });

  test("the cache is bounded", () => {
    const memo = new CidrKeyMemo(100);
    const read = (key: string, end: string) => memo.read(`cidr:${key}${end}`, 5, 5 + key.length);
    for (let index = 0; index < 10_000; index++) {
      read(`10.${index & 255}.${index >> 8}.0/24`, "=x");
      expect(memo.size).toBeLessThanOrEqual(100);
    }
    const before = memo.size;
    read("10.0.0.0/8", `=${"x".repeat(1_000)}`);
    expect(memo.size).toBe(before);
  });
});
