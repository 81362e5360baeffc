import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ALL_OBSERVE_FLAGS } from "../../src/cli/observe/flags.js";
import { ALL_RECORD_FLAGS } from "../../src/cli/record/flags.js";
import { SERVE_FLAGS } from "../../src/cli/serve/flags.js";
import { FLOW_FLAGS } from "../../src/observer/index.js";
import { fillFlagTables, PAGES } from "../../tools/flag-tables.js";
import { repository } from "../support/run.js";

const pages = PAGES.map((path) => ({ path, page: readFileSync(join(repository, path), "utf8") }));
const markers = (command: string): string[] =>
  pages
    .flatMap(({ page }) => [...page.matchAll(new RegExp(`<!-- flags of ${command}: (.*) -->`, "g"))])
    .map(([, group = ""]) => group);

test.each(pages)("$path: the tables of flags are current (npm run generate:flag-tables)", ({ page }) => {
  expect(page).toBe(fillFlagTables(page));
});

describe("docs: every flag is in a table", () => {
  const flowFlags = new Set<string>(FLOW_FLAGS.map(({ name }) => name));
  test.each([
    { command: "observe", flags: ALL_OBSERVE_FLAGS },
    // The flow flags of record are those of observe.
    { command: "record", flags: ALL_RECORD_FLAGS.filter(({ name }) => !flowFlags.has(name)) },
    { command: "serve", flags: SERVE_FLAGS },
  ])("$command", ({ command, flags }) => {
    const groups = new Set(flags.map(({ group }) => group));
    expect(new Set(markers(command))).toEqual(groups);
  });
});

describe("fillFlagTables", () => {
  test("replaces the table below a comment", () => {
    const page = "a\n\n<!-- flags of serve: Output -->\n| stale |\n\nb\n";
    const [, table = ""] = /-->\n([\s\S]*)\n\nb\n$/.exec(fillFlagTables(page)) ?? [];
    expect(table.split("\n")).toContain(
      "| `--format FORMAT` | Format of the captures. One of: pcap, pcapng. Default: pcap. |",
    );
    expect(table).not.toContain("stale");
  });

  test.each(["serve: Nothing", "fly: Output"])("rejects an unknown group or command: %s", (name) => {
    expect(() => fillFlagTables(`<!-- flags of ${name} -->\n`)).toThrow("no flags of");
  });
});
