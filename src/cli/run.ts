import { suggest } from "../errors/suggest.js";
import type { Command, CommandEntry } from "./command.js";
import { COMMANDS } from "./commands.js";
import { errorText, exitCodeOf, isUsageError, UsageError } from "./error-text.js";
import { EXIT, type ExitCode } from "./exit-code.js";
import { formatHelp, formatOverview, helpColumns } from "./help.js";
import { interruptionCode } from "./io/interruption.js";
import { BrokenPipe, type Io, UnreadOutput } from "./io/io.js";
import { packageVersion } from "./version.js";

/** Runs a command line. Never throws: errors are printed on standard error and determine the exit code. */
export async function runCli(
  args: readonly string[],
  io: Io,
  commands: readonly CommandEntry[] = COMMANDS,
): Promise<ExitCode> {
  const code = await runCommand(args, io, commands);
  // Write pending messages. Ignore errors, as standard error may be closed.
  await io.stderr.flush().catch(() => {});
  return code;
}

async function runCommand(
  args: readonly string[],
  io: Io,
  commands: readonly CommandEntry[],
): Promise<ExitCode> {
  let command: Command | undefined;
  try {
    const [name = "help", ...rest] = args;
    const entry = commands.find((entry) => entry.name === name);
    command = await entry?.load();
    const code = await (command === undefined
      ? runWithoutCommand(name, rest, io, commands)
      : command.run(rest, io));
    await io.stdout.flush();
    return code;
  } catch (error) {
    if (error instanceof BrokenPipe) return EXIT.ok;
    if (error instanceof UnreadOutput) return interruptionCode(io.signal) ?? EXIT.failed;
    return reportError(error, command, io);
  }
}

async function runWithoutCommand(
  name: string,
  rest: readonly string[],
  io: Io,
  commands: readonly CommandEntry[],
): Promise<ExitCode> {
  switch (name) {
    case "--version":
    case "version":
      await io.stdout.write(`flowscribe v${packageVersion()}\n`);
      return EXIT.ok;
    case "help":
    case "--help":
    case "-h": {
      const [about] = rest;
      if (about === undefined || about.startsWith("-")) {
        await io.stdout.write(formatOverview(commands, helpColumns(io.stdout)));
      } else {
        const entry = commands.find((entry) => entry.name === about);
        if (entry === undefined) throw unknownCommand(about, commands);
        await io.stdout.write(formatHelp(await entry.load(), helpColumns(io.stdout)));
      }
      return EXIT.ok;
    }
    default:
      if (name.startsWith("-")) throw new UsageError(`unknown flag: ${name}; the command comes first`);
      throw unknownCommand(name, commands);
  }
}

function unknownCommand(name: string, commands: readonly CommandEntry[]): UsageError {
  const meant = suggest(
    name,
    commands.map((entry) => entry.name),
  );
  return new UsageError(
    `unknown command ${JSON.stringify(name)} for "flowscribe"${meant === undefined ? "" : `\nDid you mean "${meant}"?`}`,
  );
}

/** Prints the message, which is Hubble's if Hubble has the same error, and where to find help. */
async function reportError(error: unknown, command: Command | undefined, { stderr }: Io): Promise<ExitCode> {
  const text = errorText(error);
  const lines = [text];
  if (isUsageError(error)) {
    const meant = meantFlag(text, command);
    // A flag of another version of Hubble is unknown by its own name.
    if (meant !== undefined && !text.endsWith(`--${meant}`)) lines.push(`Did you mean --${meant}?`);
    const verdict = await meantVerdict(text);
    if (verdict !== undefined) lines.push(`Did you mean ${verdict}?`);
    lines.push(`See: flowscribe ${command === undefined ? "" : `${command.name} `}--help`);
  }
  try {
    await stderr.write(`${lines.join("\n")}\n`);
  } catch {
    // Standard error is closed; the exit code remains.
  }
  return exitCodeOf(error);
}

/** Suggests a verdict for a misspelled one. Hubble has no such suggestion; `allow` and `deny` are terms of policies. */
async function meantVerdict(text: string): Promise<string | undefined> {
  const [, value] = /: invalid --verdict value: (\S+)$/.exec(text) ?? [];
  if (value === undefined) return undefined;
  const { suggestVerdict } = await import("../filter/filter-init.js");
  return suggestVerdict(value);
}

function meantFlag(text: string, command: Command | undefined): string | undefined {
  const prefix = "unknown flag: --";
  if (!text.startsWith(prefix)) return undefined;
  const names = command?.flags.map(({ name }) => name) ?? [];
  return suggest(text.slice(prefix.length), names);
}
