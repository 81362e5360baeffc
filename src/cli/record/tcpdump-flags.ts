import { rulesOf } from "../../hubble/version.js";
import { parseEventType } from "../../observer/flags/filter/event-type.js";
import type { Flag } from "../../observer/index.js";
import { tokenize } from "../../source/libpcap/expression/tokens.js";
import { UsageError } from "../error-text.js";
import { BYTES, DIGITS, IMPLIED, LONG, type Meaning, PRINTING, SHORT } from "./tcpdump-meanings.js";

/** Flags that Hubble and tcpdump define differently; {@link meaningOfShared} decides. */
const SHARED = "nlts";

/**
 * Rewrites tcpdump flags to flags of `record`: `-nni lo -s 96 -C 100 -p`. Flags of `record` and Hubble are not changed,
 * and neither are unknown flags.
 *
 * Both define `-n`, `-l`, `-t` and `-s`. In tcpdump, they take no value, except `-s`, which takes a number. They count
 * as tcpdump's if Hubble's meaning is impossible.
 *
 * @param flags The flags of `record`.
 * @throws UsageError for flags without an equivalent, and if both meanings are possible; the message names the flag to
 *   use.
 */
export function fromTcpdumpFlags(args: readonly string[], flags: readonly Flag[]): string[] {
  return new Rewriter(args, flags).rewrite();
}

class Rewriter {
  readonly #args: readonly string[];
  readonly #byName: ReadonlyMap<string, Flag>;
  readonly #byShorthand: ReadonlyMap<string | undefined, Flag>;
  readonly #rewritten: string[] = [];
  readonly #given = new Set<string>();
  readonly #live: LiveFlag[] = [];
  #readsCaptures = false;
  #path = "";
  #next = 0;

  constructor(args: readonly string[], flags: readonly Flag[]) {
    this.#args = args;
    this.#byName = new Map(flags.map((flag) => [flag.name, flag]));
    this.#byShorthand = new Map(flags.map((flag) => [flag.shorthand, flag]));
  }

  rewrite(): string[] {
    while (this.#next < this.#args.length) {
      const argument = this.#args[this.#next++]!;
      if (argument === "--") {
        this.#rewritten.push(argument, ...this.#args.slice(this.#next));
        break;
      }
      if (argument.startsWith("--")) this.#long(argument);
      else if (argument.startsWith("-") && argument !== "-") this.#short(argument);
      else this.#rewritten.push(argument);
    }
    this.#checkRotation();
    return this.#readsCaptures ? this.#withoutLiveFlags() : this.#rewritten;
  }

  #long(argument: string): void {
    const equals = argument.indexOf("=");
    const name = argument.slice(2, equals < 0 ? undefined : equals);
    const flag = this.#byName.get(name);
    const meaning = flag === undefined && Object.hasOwn(LONG, name) ? LONG[name] : undefined;
    if (meaning !== undefined) {
      this.#apply(meaning, `--${name}`, equals < 0 ? undefined : argument.slice(equals + 1));
      return;
    }
    this.#rewritten.push(argument);
    if (flag === undefined || !takesValue(flag)) return;
    this.#noteValue(flag, equals < 0 ? this.#copyNext() : argument.slice(equals + 1));
  }

  /** Parses a group of short flags. The last one may have a value, attached or as the next argument. */
  #short(argument: string): void {
    for (let rest = argument.slice(1); rest !== ""; ) {
      const letter = rest[0]!;
      rest = rest.slice(1);
      const flag = this.#byShorthand.get(letter);
      const meaning = SHARED.includes(letter)
        ? this.#meaningOfShared(letter, rest)
        : Object.hasOwn(SHORT, letter)
          ? SHORT[letter]
          : undefined;
      if (meaning !== undefined) {
        this.#given.add(letter);
        if (this.#apply(meaning, `-${letter}`, rest === "" ? undefined : rest)) return;
      } else if (flag === undefined || takesValue(flag) || rest.startsWith("=")) {
        // Also for unknown flags, which the flag parser reports.
        this.#rewritten.push(`-${letter}${rest}`);
        if (flag !== undefined && takesValue(flag))
          this.#noteValue(flag, rest === "" ? this.#copyNext() : rest);
        return;
      } else this.#rewritten.push(`-${letter}`);
    }
  }

  /** Returns true if the value was the rest of the argument. */
  #apply(meaning: Meaning, shown: string, attached: string | undefined): boolean {
    switch (meaning.kind) {
      case "implied":
        return false;
      case "flag":
        this.#push(shown, meaning.toFlag());
        return false;
      case "unsupported":
        throw new UsageError(`${shown} is not supported: ${meaning.instead}`);
      case "value": {
        const value = attached ?? this.#args[this.#next++];
        if (value === undefined) throw new UsageError(`flag needs an argument: ${shown}`);
        if (!meaning.value.pattern.test(value))
          throw new UsageError(`${shown} ${value}: must be ${meaning.value.expected}`);
        this.#push(shown, meaning.toFlag(value));
        return true;
      }
    }
  }

  #push(shown: string, flag: string): void {
    if (/^--(?:promiscuous|buffer-size|direction)=/.test(flag))
      this.#live.push({ shown, at: this.#rewritten.length });
    this.#rewritten.push(flag);
  }

  /** As in tcpdump, captures that are read have neither a mode nor a buffer, and their packets no direction. */
  #withoutLiveFlags(): string[] {
    const direction = this.#live.find(({ shown }) => shown === "-Q");
    if (direction !== undefined) throw new UsageError("-Q is for a device, given with -i");
    return this.#rewritten.filter((_, index) => this.#live.every(({ at }) => at !== index));
  }

  #copyNext(): string {
    const value = this.#args[this.#next];
    if (value === undefined) return "";
    this.#next++;
    this.#rewritten.push(value);
    return value;
  }

  #noteValue({ name }: Flag, value: string): void {
    if (name === "write") this.#path = value;
    if (name === "read") this.#readsCaptures = true;
  }

  /** The meaning in tcpdump; undefined for Hubble's. */
  #meaningOfShared(letter: string, rest: string): Meaning | undefined {
    const next = this.#args[this.#next];
    if (letter === "s") {
      // Digits with letters are a number with a typing error, and no filter.
      const isNumber = /^[0-9]+[A-Za-z]*$/.test((rest === "" ? next : rest) ?? "");
      if (!isNumber) return undefined;
      return { kind: "value", value: BYTES, toFlag: (bytes) => `--max-capture-len=${bytes}` };
    }
    // A filter flag of Hubble: it follows --not or has an attached value.
    if (rest.startsWith("=") || this.#rewritten.at(-1) === "--not") return undefined;
    const standsAlone = rest === "" && standsBeforeNoValue(letter, next);
    if (letter === "t") {
      const isRepeated = [...rest].every((more) => more === "t");
      if (isRepeated) return rest !== "" || standsAlone ? PRINTING : undefined;
      return this.#isCluster(rest) && !isEventType(rest) ? PRINTING : undefined;
    }
    if (letter === "l" && /^n+$/.test(rest)) return IMPLIED;
    if (standsAlone || (letter === "n" && this.#isCluster(rest))) return IMPLIED;
    if (letter === "l" && !(rest !== "" && this.#isCluster(rest))) return undefined;
    const [name, about] =
      letter === "n" ? ["namespace", "names are never looked up"] : ["label", "output is never held back"];
    throw new UsageError(
      `-${letter} is a flag of tcpdump, too: write --${name} ${rest || next} for the one of observe, or leave it out, as ${about}`,
    );
  }

  /** Whether all letters, up to one with a value, are flags of tcpdump or `record`. */
  #isCluster(letters: string): boolean {
    for (let index = 0; index < letters.length; index++) {
      const letter = letters[index]!;
      if (letter === "s" && isDigits(letters.slice(index + 1))) return true;
      const flag = this.#byShorthand.get(letter);
      const meaning = Object.hasOwn(SHORT, letter) ? SHORT[letter] : undefined;
      if (meaning === undefined && flag === undefined) return false;
      const hasValue =
        meaning === undefined ? flag !== undefined && takesValue(flag) : meaning.kind === "value";
      if (hasValue && !SHARED.includes(letter)) return true;
    }
    return letters !== "";
  }

  /**
   * Rejects rotations that differ from tcpdump: with `-G`, tcpdump formats the time into file names, and with `-G`
   * alone, `-W` ends it after that many files.
   */
  #checkRotation(): void {
    if (this.#given.has("G") && /%[a-zA-Z]/.test(this.#path)) {
      throw new UsageError(
        `-w ${this.#path}: % is not replaced; files of --rotate-time get a number and the time in their names`,
      );
    }
    if (this.#given.has("W") && !this.#given.has("C")) {
      throw new UsageError(
        "-W without -C is not supported: --ring keeps the last files, and --time-limit ends the recording",
      );
    }
  }
}

/** A rewritten flag of a live capture, as given, and where it is in the result. */
interface LiveFlag {
  readonly shown: string;
  readonly at: number;
}

function takesValue({ value, bare }: Flag): boolean {
  return bare === undefined && value !== "boolean";
}

function isDigits(text: string | undefined): boolean {
  return text !== undefined && DIGITS.test(text);
}

/** Whether it is a value of Hubble's `-t`: `drop`, `l7`, `trace:to-endpoint`. */
function isEventType(value: string): boolean {
  return !("fault" in parseEventType(value, rulesOf()));
}

/**
 * Whether a shared flag such as `-n` has no value: no argument follows, or the next one is a flag or the start of
 * filters or an expression.
 */
function standsBeforeNoValue(letter: string, next: string | undefined): boolean {
  if (next === undefined || next.startsWith("-")) return true;
  const [first, second] = tokenize(next);
  const isKeyword = first?.kind === "word";
  // Labels may contain spaces and operators.
  if (letter !== "n") return isKeyword && (second === undefined || next.includes(" "));
  return isKeyword || first?.kind === "operator" || next.includes(" ");
}
