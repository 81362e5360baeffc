// Writes the tables of flags in docs/ from the flag definitions: `npm run generate:flag-tables`. A test checks that they are current.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { COLLECT_FLAGS } from "../src/cli/collect/flags.js";
import { OTHER_GROUP } from "../src/cli/flags/common-flags.js";
import { ALL_OBSERVE_FLAGS } from "../src/cli/observe/flags.js";
import { ALL_RECORD_FLAGS } from "../src/cli/record/flags.js";
import { SERVE_FLAGS } from "../src/cli/serve/flags.js";
import type { Flag } from "../src/observer/index.js";

const FLAGS: Readonly<Record<string, readonly Flag[]>> = {
  observe: ALL_OBSERVE_FLAGS,
  record: ALL_RECORD_FLAGS,
  serve: SERVE_FLAGS,
  collect: COLLECT_FLAGS,
};

/** The pages with tables of flags. */
export const PAGES: readonly string[] = ["docs/cli.md", "docs/flags.md"];

const MARKED_TABLE = /^<!-- flags of (\w+): ([\w ]+) -->\n(?:\|.*\n)*/gm;
/** Longest line of a page. */
const MAX_LINE_LENGTH = 140;

/**
 * Replaces the table below each comment such as `<!-- flags of record: Limits -->`.
 *
 * @throws Error for an unknown command or group.
 */
export function fillFlagTables(page: string): string {
  return page.replace(MARKED_TABLE, (_, command: string, group: string) => {
    const flags = FLAGS[command]?.filter((flag) => (flag.group ?? OTHER_GROUP) === group) ?? [];
    if (flags.length === 0) throw new Error(`no flags of ${command} in the group ${group}`);
    const lines = ["| flag | what it does |", "| --- | --- |", ...flags.map(row)];
    return `<!-- flags of ${command}: ${group} -->\n${lines.join("\n")}\n`;
  });
}

/** A row without its choices if they do not fit into a line; the page then lists them in its text. */
function row(flag: Flag): string {
  const { name, shorthand, placeholder, help, choices, default: usual } = flag;
  const short = shorthand === undefined ? "" : `\`-${shorthand}\`, `;
  const cells = [
    `${short}\`--${name}${placeholder === undefined ? "" : ` ${placeholder}`}\``,
    help,
    choices && `One of: ${choices.join(", ")}.`,
    usual && `Default: ${usual}.`,
  ];
  const [first, ...texts] = cells.map((cell) => cell?.replaceAll("|", "\\|"));
  const whole = `| ${first} | ${texts.filter(Boolean).join(" ")} |`;
  if (whole.length <= MAX_LINE_LENGTH || choices === undefined) return whole;
  return `| ${first} | ${[texts[0], texts[2]].filter(Boolean).join(" ")} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const page of PAGES) {
    const path = join(import.meta.dirname, "..", page);
    writeFileSync(path, fillFlagTables(readFileSync(path, "utf8")));
  }
}
