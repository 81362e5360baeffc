import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Report } from "./report.js";
import { ratioOf, withRatioGoal } from "./result.js";
import type { StoredResult } from "./stored-result.js";

const PAGE = `# Benchmarks

<!-- bench:summary -->

old summary

<!-- /bench:summary -->

## one

by people

<!-- bench:one -->

old one

<!-- /bench:one -->

<!-- bench:two -->

old two

<!-- /bench:two -->
`;

function resultOf(median: number): StoredResult {
  const figures = [
    { median, min: median - 1, max: median + 1 },
    { median: 10, min: 10, max: 10 },
  ];
  const rows = [withRatioGoal({ name: "row <a>", figures }, 0.5), { name: "mean", figures: [], ratio: 0.25 }];
  return {
    tables: [{ title: "Work", unit: "ms", columns: ["ours", "theirs"], rows }],
    peers: { jq: "1.6" },
    gain: `Gain of ${median}.`,
    measured: { node: "20.0.0", machine: "2 × CPU", date: "2026-01-01" },
  };
}

let docs: string;
beforeEach(() => {
  docs = mkdtempSync(join(tmpdir(), "flowscribe-"));
  writeFileSync(join(docs, "benchmarks.md"), PAGE);
});
afterEach(() => rmSync(docs, { recursive: true }));

const page = () => readFileSync(join(docs, "benchmarks.md"), "utf8");
const createReport = () => new Report(docs, ["one", "two"]);

describe("Report", () => {
  test("writes the section and the chart of a stored result, and leaves the others", () => {
    const report = createReport();
    report.store("one", resultOf(4));
    expect(report.write()).toEqual(["two"]);
    expect(page()).toContain(
      "| row <a> | 4 ms (3–5) | 10 ms | 0.40 | goal: at most 0.50 |\n| mean |  |  | 0.25 |  |",
    );
    expect(page()).toContain("Measured with Node 20.0.0, jq 1.6 on 2 × CPU, 2026-01-01.");
    for (const kept of ["by people", "old two", "old summary"]) expect(page()).toContain(kept);
    expect(page()).not.toContain("old one");
    expect(readdirSync(join(docs, "benchmarks")).sort()).toEqual(["one.json", "one.svg"]);
    const svg = readFileSync(join(docs, "benchmarks/one.svg"), "utf8");
    expect(svg).toContain("row &lt;a&gt;");
    expect(svg).not.toContain("mean");
  });

  test("merges a result with those stored by earlier runs, and then writes the summary", () => {
    createReport().store("one", resultOf(4));
    const report = createReport();
    report.store("two", resultOf(8));
    expect(report.write()).toEqual([]);
    expect(page()).toContain("- Gain of 4. [one](#one)\n- Gain of 8. [two](#two)");
    expect(page()).toContain("- Work, row <a>: ours 8 ms (7–9), ratio 0.80, goal: at most 0.50. [two](#two)");
    expect(page()).not.toContain("- Work, row <a>: ours 4 ms");
  });

  test("replaces the result of an earlier run", () => {
    const report = createReport();
    for (const median of [4, 6]) report.store("one", resultOf(median));
    report.write();
    report.write();
    expect(page()).toContain("6 ms (5–7)");
    expect(page()).not.toContain("4 ms (3–5)");
  });

  test("throws for a page without the section, and does not change it", () => {
    writeFileSync(join(docs, "benchmarks.md"), "# Benchmarks\n");
    const report = createReport();
    report.store("one", resultOf(4));
    expect(() => report.write()).toThrow("has no <!-- bench:one --> … <!-- /bench:one -->");
    expect(page()).toBe("# Benchmarks\n");
  });

  test("has a section for each benchmark on the real page", () => {
    const real = readFileSync(join(import.meta.dirname, "../../../docs/benchmarks.md"), "utf8");
    const run = readFileSync(join(import.meta.dirname, "../run.ts"), "utf8");
    const names = [...run.matchAll(/^ {2}"?([a-z-]+)"?: \(\) => import/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(10);
    for (const name of [...names, "summary"]) {
      expect(real).toContain(`<!-- bench:${name} -->`);
      expect(real).toContain(`<!-- /bench:${name} -->`);
    }
    for (const [, chart] of real.matchAll(/\]\((benchmarks\/[^)]+)\)/g)) {
      expect(existsSync(join(import.meta.dirname, "../../../docs", chart!))).toBe(true);
    }
  });
});

test.each([
  ["atMost", 0.3, false],
  ["atMost", 0.4, true],
  ["atLeast", 0.4, true],
  ["atLeast", 0.5, false],
] as const)("withRatioGoal: %s %d of a ratio of 0.4 is met: %s", (kind, limit, isMet) => {
  const row = withRatioGoal({ name: "row", figures: [], ratio: 0.4 }, limit, kind);
  expect(row.goal?.isMet).toBe(isMet);
  expect(ratioOf(row)).toBe(0.4);
});
