import type { Flag } from "../../observer/index.js";
import { tokenize } from "../../source/libpcap/expression/tokens.js";
import { UsageError } from "../error-text.js";

/** The equivalent of a tcpdump flag in `record`. */
type Meaning =
  /** The behaviour of `record` without any flag. */
  | { readonly kind: "implied" }
  /** Equivalent to a flag of `record`. */
  | { readonly kind: "flag"; toFlag(): string }
  | { readonly kind: "value"; toFlag(value: string): string }
  /** No equivalent; the text names an alternative. */
  | { readonly kind: "unsupported"; readonly instead: string };

const IMPLIED: Meaning = { kind: "implied" };

const PRINTING = unsupported(
  "it changes how tcpdump prints packets, and record prints none; leave it out, or print with -w - | flowscribe observe",
);

/** The flags of tcpdump 4.99 (man tcpdump) that `record` does not have in the same form. */
const SHORT: Readonly<Record<string, Meaning>> = {
  "#": PRINTING,
  A: unsupported(
    "tcpdump prints contents of packets with it, and record prints none; leave it out, or write --all-namespaces for the flag of observe",
  ),
  B: { kind: "value", toFlag: (kibibytes) => `--buffer-size=${kibibytes}KiB` },
  C: { kind: "value", toFlag: (size) => `--rotate-size=${toSize(size)}` },
  E: PRINTING,
  F: unsupported('write --expression "$(cat FILE)"'),
  G: { kind: "value", toFlag: (seconds) => `--rotate-time=${seconds}s` },
  H: PRINTING,
  I: unsupported("monitor mode is not supported; set it with iw(8) before"),
  J: unsupported("types of time stamps cannot be chosen; --precision is the unit of the times"),
  K: IMPLIED,
  L: unsupported("link types cannot be chosen; --list-devices lists the interfaces"),
  M: PRINTING,
  N: PRINTING,
  O: unsupported(
    "the compiler of --expression is always the optimizing one, as far as the expression allows it",
  ),
  Q: {
    kind: "value",
    toFlag: (direction) => `--direction=${direction === "inout" ? "both" : direction}`,
  },
  S: PRINTING,
  T: PRINTING,
  U: IMPLIED,
  V: unsupported("give --read for each file"),
  W: { kind: "value", toFlag: (files) => `--ring=${files}` },
  X: PRINTING,
  Z: unsupported(
    "record does not change its user; give the rights to capture to the user that runs it (docs/capture.md)",
  ),
  b: PRINTING,
  d: unsupported("--print-program prints the program of --source ebpf"),
  e: PRINTING,
  j: unsupported("types of time stamps cannot be chosen; --precision is the unit of the times"),
  m: PRINTING,
  p: { kind: "flag", toFlag: () => "--promiscuous=false" },
  q: unsupported(
    "tcpdump prints less of each packet with it, and record prints none; --silent-errors prints results only",
  ),
  u: PRINTING,
  v: IMPLIED,
  x: PRINTING,
  y: unsupported("the link type is that of the interface"),
  z: unsupported("record runs no programs; the Output lines name each file when it is complete"),
};

/** Long forms of the flags above, or of flags that have another name in `record`. */
const LONG: Readonly<Record<string, Meaning>> = {
  "dont-verify-checksums": IMPLIED,
  "list-data-link-types": SHORT.L!,
  "list-interfaces": { kind: "flag", toFlag: () => "--list-devices" },
  linktype: SHORT.y!,
  micro: { kind: "flag", toFlag: () => "--precision=us" },
  "monitor-mode": SHORT.I!,
  nano: { kind: "flag", toFlag: () => "--precision=ns" },
  "no-optimize": SHORT.O!,
  "no-promiscuous-mode": SHORT.p!,
  number: PRINTING,
  "packet-buffered": IMPLIED,
  print: PRINTING,
  "relinquish-privileges": SHORT.Z!,
  "snapshot-length": { kind: "value", toFlag: (bytes) => `--max-capture-len=${bytes}` },
  "time-stamp-precision": { kind: "value", toFlag: (unit) => `--precision=${PRECISIONS[unit] ?? unit}` },
  "time-stamp-type": SHORT.j!,
};

const PRECISIONS: Readonly<Record<string, string>> = { micro: "us", nano: "ns" };

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
    return this.#rewritten;
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
        this.#rewritten.push(meaning.toFlag());
        return false;
      case "unsupported":
        throw new UsageError(`${shown} is not supported: ${meaning.instead}`);
      case "value": {
        const value = attached ?? this.#args[this.#next++];
        if (value === undefined) throw new UsageError(`flag needs an argument: ${shown}`);
        this.#rewritten.push(meaning.toFlag(value));
        return true;
      }
    }
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
  }

  /** The meaning in tcpdump; undefined for Hubble's. */
  #meaningOfShared(letter: string, rest: string): Meaning | undefined {
    const next = this.#args[this.#next];
    if (letter === "s") {
      const isNumber = isDigits(rest === "" ? next : rest);
      return isNumber ? { kind: "value", toFlag: (bytes) => `--max-capture-len=${bytes}` } : undefined;
    }
    // A filter flag of Hubble: it follows --not or has an attached value.
    if (rest.startsWith("=") || this.#rewritten.at(-1) === "--not") return undefined;
    const standsAlone = rest === "" && standsBeforeNoValue(letter, next);
    if (letter === "t") {
      const isRepeated = [...rest].every((more) => more === "t");
      return isRepeated && (rest !== "" || standsAlone) ? PRINTING : undefined;
    }
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
    for (const letter of letters) {
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

function unsupported(instead: string): Meaning {
  return { kind: "unsupported", instead };
}

function takesValue({ value, bare }: Flag): boolean {
  return bare === undefined && value !== "boolean";
}

function isDigits(text: string | undefined): boolean {
  return text !== undefined && /^[0-9]+$/.test(text);
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

/** Converts a size of `-C`: millions of bytes, or a number with a unit of powers of two. */
function toSize(text: string): string {
  const [, digits = "", unit = ""] = /^([0-9]+)([kKmMgG])$/.exec(text) ?? [];
  if (unit !== "") return `${digits}${unit.toUpperCase()}iB`;
  return isDigits(text) ? `${text}MB` : text;
}
