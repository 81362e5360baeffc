import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { configIssues } from "../../../src/cli/collect/config.js";
import { parseConfig } from "../../../src/cli/collect/config-file.js";
import { SINKS } from "../../../src/cli/collect/sinks.js";
import { SOURCES } from "../../../src/cli/collect/sources.js";
import { repository } from "../../support/run.js";

const PAGE = readFileSync(join(repository, "docs/collector.md"), "utf8");
const examples = [...PAGE.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);

/** The rows of the table below a heading, by the word in their first cell. */
function rowsOf(heading: string): Map<string, string> {
  const [, section = ""] = PAGE.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return new Map([...own.matchAll(/^\| `(\w+)`.*$/gm)].map(([row, name = ""]) => [name, row]));
}

/** The keys that a check does not call unknown. */
function keysOf(
  check: (value: never, path: string, report: (path: string, message: string) => void) => void,
): string[] {
  let text = "";
  check({ noSuchKey: 1 } as never, "", (path, message) => {
    if (path === "noSuchKey") text = message;
  });
  return [...text.matchAll(/\b[a-z]\w+\b/g)].map(([word]) => word);
}

describe("docs/collector.md", () => {
  test("has examples", () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });

  test.each(examples)("the example is valid: %s", async (text) => {
    const { value } = await parseConfig("example.yaml", text);
    expect(configIssues(value, { env: { CLICKHOUSE_PASSWORD: "x" } })).toEqual([]);
  });

  test.each([
    ["Sources", SOURCES],
    ["Outputs", SINKS],
  ] as const)("%s has a row for each kind, and names no other", (heading, kinds) => {
    expect([...rowsOf(heading).keys()].sort()).toEqual(Object.keys(kinds).sort());
  });

  test.each([
    ...Object.entries(SOURCES).map(([name, { check }]) => ["Sources", name, check] as const),
    ...Object.entries(SINKS).map(([name, { check }]) => ["Outputs", name, check] as const),
  ])("%s: %s names only keys that are known", (heading, name, check) => {
    const row = rowsOf(heading).get(name) ?? "";
    const known = keysOf(check as never);
    const [, , keys = ""] = row.split("|");
    const named = [...keys.replaceAll(/\([^)]*\)/g, "").matchAll(/`([a-z]\w+)`/gi)].map(
      ([, key = ""]) => key,
    );
    const others = ["listen", ...Object.keys(SOURCES), ...Object.keys(SINKS)];
    for (const key of named) if (!others.includes(key)) expect(known.join(" ")).toContain(key);
  });
});
