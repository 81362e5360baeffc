import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FLOW_FLAG_GROUPS, FLOW_FLAGS } from "../../../src/observer/flags/index.js";
import { repository } from "../../support/run.js";

const page = readFileSync(join(repository, "docs/flags.md"), "utf8");
const [, flagsSection = ""] = page.split(/^## Flags$/m);

test.each([...FLOW_FLAG_GROUPS])("docs/flags.md has the flags of %s as the table has them", (group) => {
  const [, section = ""] = flagsSection.split(new RegExp(`^### ${group}$`, "m"));
  const [table = ""] = section.split(/^#/m);
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  const expected = FLOW_FLAGS.filter((flag) => flag.group === group).map(
    ({ name, shorthand, placeholder, help }) => [
      `${shorthand === undefined ? "" : `\`-${shorthand}\`, `}\`--${name}\``,
      placeholder === undefined ? "" : `\`${placeholder}\``,
      help,
    ],
  );
  expect(rows).toEqual(expected);
});
