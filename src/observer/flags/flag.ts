import { FlowscribeError } from "../../errors/errors.js";

/** What the values of a flag are, by the kind that {@link Flag.value} names. */
export interface FlagValues {
  /** `--x`, `--x=true`, `--x=false`: as Go's `strconv.ParseBool` reads it. */
  readonly boolean: boolean;
  /** The last one given. */
  readonly string: string;
  /** Given any number of times, each taken whole: pflag's `StringArray`. */
  readonly strings: readonly string[];
  /** Given any number of times, each a line of comma-separated values: pflag's `StringSlice`. */
  readonly list: readonly string[];
  /** As Go's `strconv.ParseUint` reads it with base 0: `20`, `0x14`, `1_000`. */
  readonly uint64: bigint;
  /** A Go duration such as `1m30s`, in milliseconds. */
  readonly duration: number;
}

/** A flag that a command line may have. */
export interface Flag {
  /** What stands behind two hyphens. */
  readonly name: string;
  /** One ASCII character, to stand behind one hyphen. */
  readonly shorthand?: string;
  /** The kind of its values; those of `filter` go into the flow filters, and `--not` may stand before them. */
  readonly value: keyof FlagValues | "filter";
  /**
   * The value of the flag when none is written to it with `=`; the next argument is then never its value. Booleans have
   * `true`.
   */
  readonly bare?: string;
  /** What to write for the value in a help text. */
  readonly placeholder?: string;
  /** The heading that a help text puts it under. */
  readonly group?: string;
  /** One sentence for a help text. */
  readonly help: string;
}

/** A command line that does not say what it means: the first fault, in Hubble's words. */
export class FlagError extends FlowscribeError {
  declare readonly code: "invalid_flags";
  /** The flag at fault, as in its `name`; undefined when it is none that exists, or the fault is between several. */
  readonly flag: string | undefined;

  constructor(message: string, flag?: string) {
    super("invalid_flags", message);
    this.flag = flag;
  }
}
