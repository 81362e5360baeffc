import { parseCsv } from "../../go/csv.js";
import type { Result } from "../../go/result.js";
import { parseBool } from "../../go/strconv/parse-bool.js";
import { parseUint } from "../../go/strconv/parse-integer.js";
import { parseDuration } from "../../go/time/duration.js";
import type { Flag, FlagValues } from "./flag.js";

/** A flag that the caller defines. A flag of kind `enum` has {@link Flag.choices}. */
export interface ExtraFlag extends Flag {
  readonly value: keyof FlagValues;
}

/** Flag values by flag name; only flags that were given are set. */
export type ValuesOf<Flags extends readonly ExtraFlag[]> = {
  readonly [One in Flags[number] as One["name"]]?: ValueOf<One>;
};

type ValueOf<One extends ExtraFlag> = One extends {
  readonly value: "enum";
  readonly choices: readonly (infer Choice)[];
}
  ? Choice
  : FlagValues[One["value"]];

type Value = FlagValues[keyof FlagValues];

/** Parses a value and combines it with the previous ones. */
const READERS: {
  readonly [K in keyof FlagValues]: (text: string, before: Value | undefined, flag: Flag) => Result<Value>;
} = {
  boolean: parseBool,
  string: (text) => ({ value: text }),
  strings: (text, before) => append(before, { value: [text] }),
  list: (text, before) => append(before, parseCsv(text)),
  enum: (text, _before, { choices = [] }) =>
    choices.includes(text) ? { value: text } : { fault: `expected one of ${choices.join(", ")}` },
  uint16: (text) => {
    const parsed = parseUint(text, 0, 16);
    return "fault" in parsed ? parsed : { value: Number(parsed.value) };
  },
  uint64: (text) => parseUint(text, 0, 64),
  duration: (text) => {
    const parsed = parseDuration(text);
    return "fault" in parsed ? parsed : { value: Number(parsed.value) / 1e6 };
  },
};

/**
 * Stores the values of flags that are not filters, like pflag: the last value, or all values if the flag is repeatable.
 */
export class FlagStore {
  readonly #values = new Map<string, Value>();

  /** Sets a value. Returns the fault if it is invalid. */
  set(flag: Flag, kind: keyof FlagValues, text: string): string | undefined {
    const before = this.#values.get(flag.name);
    // The store owns its lists, so they can grow in place.
    const parsed = READERS[kind](text, before, flag);
    if ("fault" in parsed) return parsed.fault;
    this.#values.set(flag.name, parsed.value);
    return undefined;
  }

  get(name: string): Value | undefined {
    return this.#values.get(name);
  }

  toObject(): Readonly<Record<string, Value>> {
    return Object.fromEntries(this.#values);
  }
}

function append(before: Value | undefined, parsed: Result<string[]>): Result<Value> {
  if ("fault" in parsed || before === undefined) return parsed;
  const list = before as string[];
  for (const text of parsed.value) list.push(text);
  return { value: list };
}
