import type { Flag } from "../../observer/index.js";
import type { Command, CommandEntry } from "../command.js";

/** A command as the completion scripts see it. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagWords[];
  /** Possible values of its arguments; undefined for file names. */
  readonly argumentChoices: readonly string[] | undefined;
}

export interface FlagWords {
  readonly name: string;
  readonly shorthand: string | undefined;
  /** The kind of its value, or the possible values. */
  readonly value: "none" | "file" | "free" | readonly string[];
  readonly help: string;
}

export function toWords({ name, summary }: CommandEntry, command: Command): CommandWords {
  const { flags, choices = {}, fileFlags = [] } = command;
  return {
    name,
    summary,
    argumentChoices: choices[""],
    flags: flags.map((flag) => ({
      name: flag.name,
      shorthand: flag.shorthand,
      value: takesNone(flag)
        ? "none"
        : (choices[flag.name] ?? (fileFlags.includes(flag.name) ? "file" : "free")),
      help: flag.help,
    })),
  };
}

function takesNone({ value, bare }: Flag): boolean {
  return value === "boolean" || bare !== undefined;
}

/** Returns every way to write a flag without its value. */
export function spellings({ name, shorthand }: FlagWords): string[] {
  return shorthand === undefined ? [`--${name}`] : [`--${name}`, `-${shorthand}`];
}
