import type { Flag } from "../../observer/index.js";
import type { Command, CommandEntry } from "../command.js";

/** A command as the completion scripts see it. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagWords[];
  /** Accepted arguments; undefined for file names. */
  readonly argumentChoices: readonly string[] | undefined;
}

export interface FlagWords {
  readonly name: string;
  readonly shorthand: string | undefined;
  /** What to complete as its value: nothing as it has none, files, directories, any string, or the listed values. */
  readonly value: "none" | "file" | "directory" | "string" | readonly string[];
  readonly help: string;
}

export function toWords({ name, summary }: CommandEntry, command: Command): CommandWords {
  return {
    name,
    summary,
    argumentChoices: command.arguments,
    flags: command.flags.map((flag) => ({
      name: flag.name,
      shorthand: flag.shorthand,
      value: hasValue(flag) ? (flag.choices ?? flag.completion ?? "string") : "none",
      help: flag.help,
    })),
  };
}

function hasValue({ value, bare }: Flag): boolean {
  return value !== "boolean" && bare === undefined;
}

/** Returns every way to write a flag without its value. */
export function spellings({ name, shorthand }: FlagWords): string[] {
  return shorthand === undefined ? [`--${name}`] : [`--${name}`, `-${shorthand}`];
}
