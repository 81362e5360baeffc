import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../../errors/check-options.js";
import { aFunction, aListOf, anObject, aString, oneOf, required } from "../../errors/value-checks.js";
import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { aHubbleVersion, type HubbleVersion, rulesOf } from "../../hubble/version.js";
import { walkArguments } from "./arguments.js";
import { setFilterFlag } from "./filter/filter-flags.js";
import { FilterTracker } from "./filter/tracker.js";
import { type Flag, FlagError } from "./flag.js";
import { type ExtraFlag, FlagStore, type ValuesOf } from "./flag-values.js";
import { type FilterFlagName, flowFlags } from "./flow-flags.js";
import { parseRawFilters } from "./raw-filter.js";
import { readTimeFlag } from "./time-flag.js";

/** The parsed flags of a command line. */
export interface FlowFlags<Extra extends readonly ExtraFlag[] = readonly []> {
  /** For `compileFlowFilters`, which may still report faults in them. */
  readonly allow: readonly FlowFilter[];
  readonly deny: readonly FlowFilter[];
  /** The number of flows, at least 1; 2^64-1 for `--all`. Absent if no flag sets it. */
  readonly number?: bigint;
  /** Whether `number` counts from the oldest flow instead of back from the latest. */
  readonly first?: boolean;
  /** The earliest time, inclusive. */
  readonly since?: Timestamp;
  /** The latest time, inclusive. */
  readonly until?: Timestamp;
  /** Whether to continue with new flows. */
  readonly follow?: boolean;
  /** The positional arguments; `hubble observe` accepts none. */
  readonly positionals: readonly string[];
  /** The values of the flags in `options.extra` that were given. */
  readonly extra: ValuesOf<Extra>;
}

/** Options for parsing flags. */
export interface FlowFlagOptions<Extra extends readonly ExtraFlag[] = readonly []> {
  /** The version of Hubble whose flags are parsed. Default `1.16`. */
  readonly hubble?: HubbleVersion;
  /** Additional flags of the caller, combined with those of `flowFlags`. Names and shorthands must be unique. */
  readonly extra?: Extra;
  /**
   * The environment: `HUBBLE_ALLOWLIST` and `HUBBLE_DENYLIST` are used if the flags are not given. Empty by default.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Returns the current time in milliseconds since 1970; `Date.now` by default. Times without a zone are UTC. */
  readonly now?: () => number;
}

const EXTRA_FLAG: OptionTable<ExtraFlag> = {
  name: required(aString),
  shorthand: aString,
  value: required(oneOf("boolean", "string", "strings", "list", "enum", "uint16", "uint64", "duration")),
  bare: aString,
  placeholder: aString,
  choices: aListOf(aString),
  default: aString,
  completion: oneOf("file", "directory"),
  group: aString,
  help: required(aString),
};

const FLAG_OPTIONS: OptionTable<FlowFlagOptions<readonly ExtraFlag[]>> = {
  hubble: aHubbleVersion,
  extra: aListOf(optionsOf("a flag", EXTRA_FLAG)),
  env: anObject,
  now: aFunction,
};

/**
 * Parses the arguments that follow `hubble observe` as Hubble does, v1.16.2 unless `hubble` is given: flags, their conflicts, and the resulting
 * filters.
 *
 * @throws FlagError with Hubble's error text for the first fault, as in Hubble.
 * @throws OptionsError; TypeError for arguments that are not strings, if two flags have the
 *   same name or shorthand, or if an enum has no choices.
 */
export function parseFlowFlags<const Extra extends readonly ExtraFlag[] = readonly []>(
  args: readonly string[],
  options: FlowFlagOptions<Extra> = {},
): FlowFlags<Extra> {
  checkArgument("parseFlowFlags", "args", args, aListOf(aString));
  checkOptions("parseFlowFlags", options, FLAG_OPTIONS);
  const { hubble, extra, env = {}, now = Date.now } = options;
  const rules = rulesOf(hubble);
  const extraFlags: readonly ExtraFlag[] = extra ?? [];
  const flags = [...flowFlags(hubble), ...extraFlags];
  checkFlags(flags);
  const filters = new FilterLists(rules);
  const own = new FlagStore();
  const extraValues = new FlagStore();
  const isExtra = new Set<Flag>(extraFlags);

  const positionals = walkArguments(args, flags, (flag, value) => {
    if (flag.value === "filter") return filters.set(flag.name, value);
    return (isExtra.has(flag) ? extraValues : own).set(flag, flag.value, value);
  });

  filters.checkEnd();
  const selection = readSelection(own, now);
  const allow = [...filters.allow.toFilters(), ...readRaw("allowlist", own, env, rules.jsonFaults)];
  const deny = [...filters.deny.toFilters(), ...readRaw("denylist", own, env, rules.jsonFaults)];
  // Each value was parsed according to the kind of its flag.
  return { allow, deny, ...selection, positionals, extra: extraValues.toObject() as ValuesOf<Extra> };
}

function checkFlags(flags: readonly Flag[]): void {
  const seen = new Set<string>();
  for (const { name, shorthand, value, choices } of flags) {
    if (value === "enum" && choices === undefined)
      throw new TypeError(`--${name} is an enum without choices`);
    for (const one of shorthand === undefined ? [`--${name}`] : [`--${name}`, `-${shorthand}`]) {
      if (seen.has(one)) throw new TypeError(`two flags are called ${one}`);
      seen.add(one);
    }
  }
}

/** Collects the filter flags, and a `--not` that applies to the next one. */
class FilterLists {
  readonly allow: FilterTracker;
  readonly deny: FilterTracker;
  #negated = false;

  constructor(rules: HubbleRules) {
    this.allow = new FilterTracker(rules);
    this.deny = new FilterTracker(rules);
  }

  set(name: string, value: string): string | undefined {
    if (name === "not") {
      if (this.#negated) return "consecutive --not statements";
      this.#negated = true;
      return undefined;
    }
    const list = this.#negated ? this.deny : this.allow;
    this.#negated = false;
    // The name of a flag in the table with kind "filter" other than "not".
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
  // The table defines the types of these values; 0 is treated as unset.
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

/** The separator for an environment variable: the white space of Go's `strings.Fields`. */
const WHITE_SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * Parses the filters of a flag, which overrides its environment variable. The variable is split at white space, even
 * inside JSON strings, as in Hubble.
 */
function readRaw(
  flag: "allowlist" | "denylist",
  values: FlagStore,
  env: Readonly<Record<string, string | undefined>>,
  faults: HubbleRules["jsonFaults"],
): FlowFilter[] {
  const variable = env[`HUBBLE_${flag.toUpperCase()}`] ?? "";
  const texts = (values.get(flag) ?? variable.split(WHITE_SPACE)) as readonly string[];
  return texts.flatMap((text) => {
    const parsed = parseRawFilters(text, faults);
    if ("fault" in parsed) throw new FlagError(`invalid --${flag} flag: ${parsed.fault}`, flag);
    return parsed.value;
  });
}
