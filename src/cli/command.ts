import type { Flag } from "../observer/index.js";
import type { ExitCode } from "./exit-code.js";
import type { Io } from "./io/io.js";

/** A command. Each one is exported by its own file and listed in `commands.ts`. */
export interface Command {
  readonly name: string;
  readonly help: CommandHelp;
  /** All flags of the command, for its help and for shell completion. */
  readonly flags: readonly Flag[];
  /** The accepted arguments, if they are an enum; otherwise arguments are file names. */
  readonly arguments?: readonly string[];
  /**
   * Runs the command. Throws user and system errors: `run.ts` prints the message and chooses the exit code.
   *
   * @param args The arguments after the command name.
   */
  run(args: readonly string[], io: Io): Promise<ExitCode>;
}

/** The parts of a help text, besides the flags. */
export interface CommandHelp {
  /** The syntax after `flowscribe`, one entry per form. */
  readonly usage: readonly string[];
  /** Paragraphs; the first one summarizes the command in one sentence. */
  readonly text: readonly string[];
  readonly examples: readonly Example[];
  /** Flag group headings in display order; other groups follow. */
  readonly groups?: readonly string[];
}

export interface Example {
  readonly what: string;
  readonly command: string;
}

/** The part of a command that is available before its file is loaded. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}
