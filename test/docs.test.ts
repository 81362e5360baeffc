import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { repository, run } from "./support/run.js";

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const PAGES = ["README.md", ...readdirSync(join(repository, "docs")).filter((name) => name.endsWith(".md"))];

interface Example {
  readonly name: string;
  readonly program: string;
}

const examples = PAGES.flatMap((page): Example[] => {
  const text = readFileSync(join(repository, page === "README.md" ? page : join("docs", page)), "utf8");
  const programs = [...text.matchAll(FENCE)]
    .filter(([, language]) => language === "js")
    .map(([, , body = ""]) => body);
  return programs.map((program, index) => ({ name: `${page} ${index + 1}`, program }));
});

// Inside the package, so that its own name resolves to what has been built.
const folder = join(repository, "tmp", `docs-${process.pid}`);
mkdirSync(folder, { recursive: true });
symlinkSync(join(repository, "examples"), join(folder, "examples"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("examples in the documentation", () => {
  test.each(examples)(
    "$name runs as pasted and prints what it says",
    ({ name, program }) => {
      const path = join(folder, `${name.replaceAll(/\W/g, "-")}.mjs`);
      writeFileSync(path, program);
      const printed = run(process.execPath, [path], { cwd: folder });
      for (const expected of expectedOutput(program)) expect(printed).toMatch(expected);
    },
    30_000,
  );

  test("README opens with one", () => {
    expect(examples.filter(({ name }) => name.startsWith("README")).length).toBeGreaterThanOrEqual(3);
  });
});

/**
 * What a program says it prints: the comment behind a `console.log`, or in the lines after it. `…` stands for anything,
 * long numbers for any number.
 */
function expectedOutput(program: string): RegExp[] {
  return [...program.matchAll(/console\.log\(.*\);((?: \/\/ .*)|(?:\n *\/\/ .*)+)/g)].map(
    ([, comment = ""]) => {
      const text = comment.trim().replaceAll(/^ *\/\/ /gm, "");
      const pattern = text
        .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
        .replaceAll("…", ".*")
        .replaceAll(/\d{8,}/g, "\\d+");
      return new RegExp(`^${pattern}$`, "m");
    },
  );
}

describe("scripts and pages", () => {
  test("every page that README names exists", () => {
    const readme = readFileSync(join(repository, "README.md"), "utf8");
    const named = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(4);
    for (const path of named) expect(() => readFileSync(join(repository, path))).not.toThrow();
  });
});
