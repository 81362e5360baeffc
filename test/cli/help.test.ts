import { expect, test } from "vitest";
import { formatHelp, helpColumns } from "../../src/cli/help.js";
import { observe } from "../../src/cli/observe/command.js";

test("observe --help: prints the expected help", () => {
  expect(formatHelp(observe, 100)).toMatchSnapshot();
});

test("observe --help: lists every flag with its shorthand", () => {
  const help = formatHelp(observe, 100);
  for (const { name, shorthand } of observe.flags) {
    const start = shorthand === undefined ? " {6}" : ` {2}-${shorthand}, `;
    expect(help).toMatch(new RegExp(`^${start}--${name}( |$)`, "m"));
  }
});

test.each([60, 80, 100, 120])("observe --help: wraps flags and paragraphs at %i columns", (columns) => {
  const lines = formatHelp(observe, columns).split("\n");
  const examples = new Set(observe.help.examples.map(({ command }) => `  ${command}`));
  for (const line of lines) {
    // One string without spaces is longer than a line.
    const words = line.trim().split(" ").length;
    if (!examples.has(line) && !line.startsWith("  # ") && words > 1)
      expect(line.length).toBeLessThanOrEqual(columns);
  }
});

test.each([
  { columns: undefined, width: 100 },
  { columns: 20, width: 60 },
  { columns: 90, width: 90 },
  { columns: 300, width: 120 },
])("helpColumns: a terminal of $columns columns results in $width", ({ columns, width }) => {
  expect(helpColumns({ columns })).toBe(width);
});
