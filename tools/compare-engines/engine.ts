import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What Go says of a pattern and a text: whether it matches, or that the pattern is none. */
export type Answer = boolean | "error";

/** Pattern, text, and Go's answer. */
export type Case = readonly [pattern: string, text: string, go: Answer];

export type TextTest = (text: string) => boolean;

export interface Engine {
  readonly name: string;
  /** Throws for what is no pattern. */
  compile(pattern: string): TextTest;
}

/** Engines for one purpose, and what they are held against. */
export interface Contest {
  readonly title: string;
  readonly cases: readonly Case[];
  /** Which every engine gets right while it lives. */
  readonly canary: Case;
  /** Whether a case counts for the speed; all do unless given. */
  readonly isTimed?: (text: string) => boolean;
  readonly engines: readonly Engine[];
  /** Makes patterns that differ, to see how many an engine can bear. */
  readonly patternOf?: (index: number) => string;
}

/** A package as it is installed, such as `ipaddr.js 2.5.0`. */
export function installed(name: string): string {
  const path = join(import.meta.dirname, "../../node_modules", name, "package.json");
  return `${name} ${JSON.parse(readFileSync(path, "utf8")).version}`;
}
