import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isLong } from "./support/amount.js";
import { docExamples, expectedOutput, pages } from "./support/doc-examples.js";
import { repository, run, runTogether } from "./support/run.js";

const examples = pages.flatMap(docExamples);

// Inside the package, so that its own name resolves to the build.
const folder = join(repository, "tmp", `docs-${process.pid}`);
mkdirSync(folder, { recursive: true });
symlinkSync(join(repository, "examples"), join(folder, "examples"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether a program requires a process of its own. */
const needsOwnProcess = (program: string) => program.includes("node:test");

describe("examples in the documentation", () => {
  const programs = examples.map(({ name, program }) => {
    const path = join(folder, `${name.replaceAll(/\W/g, "-")}.mjs`);
    writeFileSync(path, program);
    return { name, program, path };
  });
  const together = programs.filter(({ program }) => !isLong && !needsOwnProcess(program));
  const alone = programs.filter((one) => !together.includes(one));

  const printedBy = runTogether(
    together.map(({ path }) => path),
    { cwd: folder },
  );
  test.each(together)("$name runs with the others and prints the documented output", ({ path, program }) => {
    const printed = printedBy(path);
    for (const expected of expectedOutput(program)) expect(printed).toMatch(expected);
  });

  test.each(alone)("$name runs as pasted and prints the documented output", ({ path, program }) => {
    const printed = run(process.execPath, [path], { cwd: folder });
    for (const expected of expectedOutput(program)) expect(printed).toMatch(expected);
  });

  test("README contains examples", () => {
    expect(examples.filter(({ name }) => name.startsWith("README")).length).toBeGreaterThanOrEqual(3);
  });
});

describe("links in the documentation", () => {
  test("every page that README links to exists", () => {
    const readme = readFileSync(join(repository, "README.md"), "utf8");
    const named = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(4);
    for (const path of named) expect(() => readFileSync(join(repository, path))).not.toThrow();
  });
});
