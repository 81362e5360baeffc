import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../../errors/check-options.js";
import { aFunction, aListOf, anObject, aString, oneOf, required } from "../../errors/value-checks.js";
import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import { walkArguments } from "./arguments.js";
import { setFilterFlag } from "./filter-flags.js";
import { FilterTracker } from "./filter-tracker.js";
import { type Flag, FlagError } from "./flag.js";
import { type ExtraFlag, FlagStore, type ValuesOf } from "./flag-values.js";
import { type FilterFlagName, FLOW_FLAGS } from "./flow-flags.js";
import { parseRawFilters } from "./raw-filter.js";
import { readTimeFlag } from "./time-flag.js";

/** What a command line asks for. */
export interface FlowFlags<Extra extends readonly ExtraFlag[] = readonly []> {
  /** For `compileFlowFilters`, which may still find faults in them. */
  readonly allow: readonly FlowFilter[];
  readonly deny: readonly FlowFilter[];
  /** How many flows, at least 1; 2^64-1 for `--all`. Absent when no flag says it. */
  readonly number?: bigint;
  /** Whether `number` counts from the oldest flow, not back from the latest. */
  readonly first?: boolean;
  /** Flows before this time are not wanted. */
  readonly since?: Timestamp;
  /** Flows after this time are not wanted. */
  readonly until?: Timestamp;
  /** Whether to go on with new flows. */
  readonly follow?: boolean;
  /** Arguments that are neither flags nor values of flags; `hubble observe` would take none. */
  readonly positionals: readonly string[];
  /** Values of the flags of `options.extra`, as far as they were given. */
  readonly extra: ValuesOf<Extra>;
}

/** What flags are read with, beside Hubble's own. */
export interface FlowFlagOptions<Extra extends readonly ExtraFlag[] = readonly []> {
  /** Flags of the caller's own, to be mixed with {@link FLOW_FLAGS}. Their names and shorthands have to differ. */
  readonly extra?: Extra;
  /** `HUBBLE_ALLOWLIST` and `HUBBLE_DENYLIST` are read from here where the flags are not given; nothing by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What time it is, in milliseconds since 1970; the machine's clock by default. Times without a zone are UTC. */
  readonly now?: () => number;
}

const EXTRA_FLAG: OptionTable<ExtraFlag> = {
  name: required(aString),
  shorthand: aString,
  value: required(oneOf("boolean", "string", "strings", "list", "uint64", "duration")),
  bare: aString,
  placeholder: aString,
  group: aString,
  help: required(aString),
};

const FLAG_OPTIONS: OptionTable<FlowFlagOptions<readonly ExtraFlag[]>> = {
  extra: aListOf(optionsOf("a flag", EXTRA_FLAG)),
  env: anObject,
  now: aFunction,
};

/**
 * Reads the arguments of `hubble observe` (v1.16.2; what comes behind these two words) as Hubble does: flags, their
 * conflicts, the filters they make.
 *
 * @throws FlagError with Hubble's text at the first fault, as in Hubble.
 * @throws OptionsError; TypeError for arguments that are not strings, and when two flags of the table have the same name or shorthand.
 */
export function parseFlowFlags<const Extra extends readonly ExtraFlag[] = readonly []>(
  args: readonly string[],
  options: FlowFlagOptions<Extra> = {},
): FlowFlags<Extra> {
  checkArgument("parseFlowFlags", "args", args, aListOf(aString));
  checkOptions("parseFlowFlags", options, FLAG_OPTIONS);
  const { extra, env = {}, now = Date.now } = options;
  const extraFlags: readonly ExtraFlag[] = extra ?? [];
  checkNames([...FLOW_FLAGS, ...extraFlags]);
  const filters = new FilterLists();
  const own = new FlagStore();
  const extraValues = new FlagStore();
  const isExtra = new Set<Flag>(extraFlags);

  const positionals = walkArguments(args, [...FLOW_FLAGS, ...extraFlags], (flag, value) => {
    if (flag.value === "filter") return filters.set(flag.name, value);
    return (isExtra.has(flag) ? extraValues : own).set(flag.name, flag.value, value);
  });

  filters.checkEnd();
  const selection = readSelection(own, now);
  const allow = [...filters.allow.toFilters(), ...readRaw("allowlist", own, env)];
  const deny = [...filters.deny.toFilters(), ...readRaw("denylist", own, env)];
  // Each value was read by the kind that its flag has.
  return { allow, deny, ...selection, positionals, extra: extraValues.toObject() as ValuesOf<Extra> };
}

function checkNames(flags: readonly Flag[]): void {
  const seen = new Set<string>();
  for (const { name, shorthand } of flags) {
    for (const one of shorthand === undefined ? [`--${name}`] : [`--${name}`, `-${shorthand}`]) {
      if (seen.has(one)) throw new TypeError(`two flags are called ${one}`);
      seen.add(one);
    }
  }
}

/** The filter flags so far, and the `--not` that waits for the next one. */
class FilterLists {
  readonly allow = new FilterTracker();
  readonly deny = new FilterTracker();
  #negated = false;

  set(name: string, value: string): string | undefined {
    if (name === "not") {
      if (this.#negated) return "consecutive --not statements";
      this.#negated = true;
      return undefined;
    }
    const list = this.#negated ? this.deny : this.allow;
    this.#negated = false;
    // The name of a flag of the table, of kind "filter" and not "not".
    return setFilterFlag(list, name as FilterFlagName, value);
  }

  checkEnd(): void {
    if (this.#negated) throw new FlagError("trailing --not found in the arguments", "not");
  }
}

type Selection = Pick<FlowFlags, "number" | "first" | "since" | "until" | "follow">;

const MAX_UINT64 = 2n ** 64n - 1n;

function readSelection(values: FlagStore, now: () => number): Selection {
  const all = values.get("all") === true;
  const follow = values.get("follow") === true;
  // The kinds of these flags in the table say what their values are; 0 is as good as none.
  const first = (values.get("first") ?? 0n) as bigint;
  const last = (values.get("last") ?? 0n) as bigint;
  const sinceText = (values.get("since") ?? "") as string;
  const untilText = (values.get("until") ?? "") as string;

  if (first > 0n && last > 0n) throw new FlagError("cannot set both --first and --last");
  if (first > 0n && all) throw new FlagError("cannot set both --first and --all");
  if (first > 0n && follow) throw new FlagError("cannot set both --first and --follow");
  if (last > 0n && all) throw new FlagError("cannot set both --last and --all");

  const since = sinceText === "" ? undefined : readTimeFlag("since", sinceText, now);
  const until = untilText === "" || follow ? undefined : readTimeFlag("until", untilText, now);
  const number = all && since === undefined && until === undefined ? MAX_UINT64 : first || last;
  return {
    ...(number > 0n && { number }),
    ...(first > 0n && { first: true }),
    ...(since && { since }),
    ...(until && { until }),
    ...(follow && { follow }),
  };
}

/** What {@link String.split} cuts a variable at, as Go's `strings.Fields` does. */
const WHITE_SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** A flag takes the place of the variable; the variable is cut at white space, even at that within texts. */
function readRaw(
  flag: "allowlist" | "denylist",
  values: FlagStore,
  env: Readonly<Record<string, string | undefined>>,
): FlowFilter[] {
  const variable = env[`HUBBLE_${flag.toUpperCase()}`] ?? "";
  const texts = (values.get(flag) ?? variable.split(WHITE_SPACE)) as readonly string[];
  return texts.flatMap((text) => {
    const parsed = parseRawFilters(text);
    if ("fault" in parsed) throw new FlagError(`invalid --${flag} flag: ${parsed.fault}`, flag);
    return parsed.value;
  });
}
