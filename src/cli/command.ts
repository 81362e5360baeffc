import type { Flag } from "../observer/index.js";
import type { ExitCode } from "./exit-code.js";
import type { Io } from "./io.js";

/** A command is one file, which exports one of these; `commands.ts` lists them. */
export interface Command {
  readonly name: string;
  readonly help: CommandHelp;
  /** All flags that it knows, for its help and for the completion of shells. */
  readonly flags: readonly Flag[];
  /** The values that flags and, as `""`, arguments may have, where these are few. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  /** Flags whose values are files. */
  readonly fileFlags?: readonly string[];
  /**
   * Does it. Throws for what the user or the world got wrong: `run.ts` prints the message and chooses the exit code.
   *
   * @param args What stands behind the name of the command.
   */
  run(args: readonly string[], io: Io): Promise<ExitCode>;
}

/** What a help text is made of, besides the flags. */
export interface CommandHelp {
  /** What stands behind `flowscribe`, one form each. */
  readonly usage: readonly string[];
  /** Paragraphs; the first says in a sentence what the command is for. */
  readonly text: readonly string[];
  readonly examples: readonly Example[];
  /** Headings of flags in their order; others come behind them. */
  readonly groups?: readonly string[];
}

export interface Example {
  readonly what: string;
  readonly command: string;
}

/** What is known of a command before its file is loaded. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}
