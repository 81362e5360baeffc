import { FlowscribeError } from "../../errors/errors.js";

/** The type of a flag's value for each kind in {@link Flag.value}. */
export interface FlagValues {
  /** `--x`, `--x=true`, `--x=false`; parsed like Go's `strconv.ParseBool`. */
  readonly boolean: boolean;
  /** The last value wins. */
  readonly string: string;
  /** Repeatable, each value used whole: pflag's `StringArray`. */
  readonly strings: readonly string[];
  /** Repeatable, each value a line of comma-separated values: pflag's `StringSlice`. */
  readonly list: readonly string[];
  /** One of the flag's {@link Flag.choices}; the last value wins. */
  readonly enum: string;
  /** From 0 to 65535, parsed as `uint64`. */
  readonly uint16: number;
  /** Parsed like Go's `strconv.ParseUint` with base 0: `20`, `0x14`, `1_000`. */
  readonly uint64: bigint;
  /** A Go duration such as `1m30s`, in milliseconds. */
  readonly duration: number;
}

/** A command-line flag. */
export interface Flag {
  /** The name after two hyphens. */
  readonly name: string;
  /** One ASCII character, used after a single hyphen. */
  readonly shorthand?: string;
  /** The kind of its values. Flags of kind `filter` add to the flow filters and may be preceded by `--not`. */
  readonly value: keyof FlagValues | "filter";
  /**
   * The value if none is given with `=`; the next argument is then not used as the value. Defaults to `true` for
   * booleans.
   */
  readonly bare?: string;
  /** The placeholder for the value in a help text. */
  readonly placeholder?: string;
  /**
   * The values of an enum, for help and shell completion. Flags of kind `enum` reject other values; for other kinds
   * the list may be incomplete.
   */
  readonly choices?: readonly string[];
  /** The value that applies if the flag is not given, for the help. */
  readonly default?: string;
  /** What a shell completes as the value, besides {@link choices}. */
  readonly completion?: "file" | "directory";
  /** Its heading in a help text. */
  readonly group?: string;
  /** A sentence for a help text; it does not repeat choices and default. */
  readonly help: string;
}

/** An invalid command line: the first fault, with Hubble's error text. */
export class FlagError extends FlowscribeError {
  declare readonly code: "invalid_flags";
  /** The `name` of the faulty flag; undefined if the flag is unknown or several flags conflict. */
  readonly flag: string | undefined;

  constructor(message: string, flag?: string) {
    super("invalid_flags", message);
    this.flag = flag;
  }
}
