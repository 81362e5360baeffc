import { goQuote } from "../../go/strconv/quote.js";
import { quoteFirstByte } from "../../go/strconv/quote-byte.js";
import { type Flag, FlagError } from "./flag.js";

/** Sets the value of a flag. Returns the fault if the value is invalid. */
export type SetFlag = (flag: Flag, value: string) => string | undefined;

/**
 * Parses a command line like pflag 1.0.5: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, and
 * several shorthands after one hyphen. Flags and other arguments may be mixed; `--` ends the flags.
 *
 * @returns The positional arguments.
 * @throws FlagError at the first fault.
 */
export function walkArguments(args: readonly string[], flags: readonly Flag[], set: SetFlag): string[] {
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const byShorthand = new Map(flags.map((flag) => [flag.shorthand, flag]));
  const positionals: string[] = [];
  let next = 0;

  function takeValue(flag: Flag, shown: string): string {
    const value = args[next++];
    if (value === undefined) throw new FlagError(`flag needs an argument: ${shown}`, flag.name);
    return value;
  }

  function walkLong(argument: string): void {
    const text = argument.slice(2);
    if (text.startsWith("-") || text.startsWith("=")) throw new FlagError(`bad flag syntax: ${argument}`);
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    const flag = byName.get(name);
    if (flag === undefined) throw unknown(name === "help", `unknown flag: --${name}`);
    apply(set, flag, equals < 0 ? (bareValue(flag) ?? takeValue(flag, argument)) : text.slice(equals + 1));
  }

  function walkShort(argument: string): void {
    let letters = argument.slice(1);
    while (letters !== "") {
      // pflag ignores the flags of Go test programs.
      if (letters.startsWith("test.")) return;
      const letter = String.fromCodePoint(letters.codePointAt(0) ?? 0);
      const flag = byShorthand.get(letter);
      if (flag === undefined) {
        const shown = `unknown shorthand flag: ${quoteFirstByte(letter)} in -${letters}`;
        throw unknown(letter === "h", shown);
      }
      const rest = letters.slice(1);
      const bare = bareValue(flag);
      if (rest.length > 1 && rest.startsWith("=")) {
        apply(set, flag, rest.slice(1));
        return;
      }
      if (bare === undefined) {
        apply(set, flag, rest === "" ? takeValue(flag, `'${letter}' in -${letters}`) : rest);
        return;
      }
      apply(set, flag, bare);
      letters = rest;
    }
  }

  while (next < args.length) {
    const argument = args[next++]!;
    if (argument === "--") return [...positionals, ...args.slice(next)];
    if (argument.startsWith("--")) walkLong(argument);
    else if (argument.startsWith("-") && argument !== "-") walkShort(argument);
    else positionals.push(argument);
  }
  return positionals;
}

function bareValue({ value, bare }: Flag): string | undefined {
  return bare ?? (value === "boolean" ? "true" : undefined);
}

/** pflag reports a separate error for a help flag that is not defined. */
function unknown(isHelp: boolean, message: string): FlagError {
  return new FlagError(isHelp ? "pflag: help requested" : message);
}

function apply(set: SetFlag, flag: Flag, value: string): void {
  const fault = set(flag, value);
  if (fault === undefined) return;
  const { name, shorthand } = flag;
  const shown = shorthand === undefined ? `--${name}` : `-${shorthand}, --${name}`;
  throw new FlagError(`invalid argument ${goQuote(value)} for ${goQuote(shown)} flag: ${fault}`, name);
}
