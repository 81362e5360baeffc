import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./run.js";

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** A program in a page of documentation. */
export interface DocExample {
  /** The page and the number of the program on it, from 1. */
  readonly name: string;
  readonly program: string;
}

/** README and every page in docs, relative to the repository. */
export const pages: readonly string[] = [
  "README.md",
  ...readdirSync(join(repository, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** The programs on a page: every block that is marked `js`. */
export function docExamples(page: string): DocExample[] {
  const programs = [...readFileSync(join(repository, page), "utf8").matchAll(FENCE)]
    .filter(([, language]) => language === "js")
    .map(([, , body = ""]) => body);
  return programs.map((program, index) => ({ name: `${page} ${index + 1}`, program }));
}

/**
 * The expected output of a program: the comment after a `console.log`, or on the lines after it. `…` matches anything,
 * a number of 8 or more digits matches any number.
 */
export function expectedOutput(program: string): RegExp[] {
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
