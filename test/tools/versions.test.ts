import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RULES } from "../../src/hubble/rules.js";
import { VERSION_ROWS } from "../../tools/versions/examples.js";
import { versionsPage } from "../../tools/versions/page.js";
import { repository } from "../support/run.js";

const page = versionsPage();

test("docs/versions.md is current (npm run generate:versions)", () => {
  expect(readFileSync(join(repository, "docs/versions.md"), "utf8")).toBe(page);
});

describe("versionsPage", () => {
  test.each(Object.keys(RULES["1.16"]))("has a section for the rule %s", (rule) => {
    expect(page).toContain(`\n### ${rule}\n`);
  });

  test.each(Object.entries(VERSION_ROWS))("the example of %s has different results", (_, { run }) => {
    expect(run("1.16")).not.toBe(run("1.19"));
  });
});
