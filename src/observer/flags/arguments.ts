import { goQuote } from "../../go/quote.js";
import { quoteFirstByte } from "../../go/quote-byte.js";
import { type Flag, FlagError } from "./flag.js";

/** Takes the value of a flag; a text says why it is refused. */
export type SetFlag = (flag: Flag, value: string) => string | undefined;

/**
 * Walks a command line as pflag 1.0.5 does: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, several
 * shorthands behind one hyphen; flags and other arguments may be mixed; after `--` there are no flags.
 *
 * @returns The arguments that are neither flags nor their values.
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
      // pflag lets the flags of Go's test programs pass.
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

/** pflag has its own word for help that nobody has defined. */
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
