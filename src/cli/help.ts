import type { Flag } from "../observer/index.js";
import type { Command, CommandEntry } from "./command.js";
import { EXIT, EXIT_MEANINGS } from "./exit-code.js";
import { OTHER_GROUP } from "./flags/common-flags.js";
import type { Io } from "./io/io.js";

const DEFAULT_COLUMNS = 100;
const MIN_COLUMNS = 60;
const MAX_COLUMNS = 120;

/** The width of a help text: that of the terminal, within limits. */
export function helpColumns({ columns = DEFAULT_COLUMNS }: Pick<Io["stdout"], "columns">): number {
  return Math.min(Math.max(columns, MIN_COLUMNS), MAX_COLUMNS);
}

/** Formats the help of a command: summary, usage, examples, and all flags by group. */
export function formatHelp(command: Command, columns: number): string {
  const { usage, text, examples, groups = [] } = command.help;
  const [what = "", ...more] = text;
  const headings = new Set([...groups, ...command.flags.map(groupOf)]);
  headings.delete(OTHER_GROUP);
  headings.add(OTHER_GROUP);
  const parts = [
    wrap(what, columns),
    section(
      "Usage",
      usage.map((form) => `  flowscribe ${form}`),
    ),
    ...more.map((paragraph) => wrap(paragraph, columns)),
    section(
      "Examples",
      examples.flatMap(({ what, command }) => [`  # ${what}`, `  ${command}`]),
    ),
    ...[...headings].map((heading) =>
      section(
        heading,
        command.flags
          .filter((flag) => groupOf(flag) === heading)
          .map((flag) => entry(flagText(flag), flagHelp(flag), columns)),
      ),
    ),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Formats the help of the program. */
export function formatOverview(commands: readonly CommandEntry[], columns: number): string {
  const codes = Object.entries(EXIT).map(([name, code]) =>
    // The cast is true: both objects have the same keys.
    entry(String(code), EXIT_MEANINGS[name as keyof typeof EXIT], columns, 8),
  );
  const parts = [
    "Print, filter and explain Cilium Hubble flows, and record packets, with or without a cluster.",
    section("Usage", ["  flowscribe COMMAND [FLAGS] [ARGUMENTS]", "  flowscribe COMMAND --help"]),
    section(
      "Commands",
      commands.map(({ name, summary }) => entry(name, summary, columns, 16)),
    ),
    section("Flags", [
      entry("-h, --help", "Show this help.", columns, 16),
      entry("--version", "Show the version.", columns, 16),
    ]),
    section("Exit codes", codes),
  ];
  return `${parts.join("\n\n")}\n`;
}

function groupOf({ group = OTHER_GROUP }: Flag): string {
  return group;
}

function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${heading}:\n${lines.join("\n")}`;
}

const FLAG_WIDTH = 34;

function flagText({ name, shorthand, placeholder, value }: Flag): string {
  const short = shorthand === undefined ? "    " : `-${shorthand}, `;
  const shown = placeholder ?? (value === "boolean" || value === "filter" ? "" : "VALUE");
  return `${short}--${name}${shown === "" ? "" : ` ${shown}`}`;
}

/** The help of a flag with its choices and its default. */
export function flagHelp({ help, choices, default: usual }: Flag): string {
  const values = choices === undefined ? "" : ` One of: ${choices.join(", ")}.`;
  return `${help}${values}${usual === undefined ? "" : ` Default: ${usual}.`}`;
}

/**
 * Formats a name and its description in two columns; the description starts on the next line if the name is too long.
 */
function entry(name: string, about: string, columns: number, width = FLAG_WIDTH): string {
  const indent = " ".repeat(width);
  const first = `  ${name}`;
  const text = wrap(about, columns - width).replaceAll("\n", `\n${indent}`);
  return first.length + 2 > width ? `${first}\n${indent}${text}` : first.padEnd(width) + text;
}

/** Wraps text at spaces; words longer than a line are not split. */
function wrap(text: string, columns: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}
