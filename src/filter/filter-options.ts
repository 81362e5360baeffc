import type { OptionTable } from "../errors/check-options.js";
import { anInteger, withMethods } from "../errors/value-checks.js";
import { aHubbleVersion, type HubbleVersion } from "../hubble/version.js";
import { aRegexEngine, type RegexEngine } from "../regex/regex.js";
import type { CelEngine } from "./engine.js";

/** 1 GiB. */
const MAX_STRING_CACHE_BYTES = 2 ** 30;

/** The version of Hubble, the engines for regular expressions and CEL expressions, and the memory for strings. */
export interface FlowFilterOptions {
  /** The version of Hubble whose results and error texts apply. Default `1.16`. */
  readonly hubble?: HubbleVersion;
  /** The engine for regular expressions; RE2 in JavaScript by default. */
  readonly regex?: RegexEngine;
  /** The engine for CEL expressions; the built-in one by default, see `createCelEngine`. */
  readonly cel?: CelEngine;
  /**
   * The maximum memory, in bytes, for strings of encoded events that occur again. By default, all filters share 1 MiB; 0
   * stores nothing.
   */
  readonly stringCacheBytes?: number;
}

/** The checks for these options. Spread it into the tables of options that extend them. */
export const FLOW_FILTER_OPTIONS: OptionTable<FlowFilterOptions> = {
  hubble: aHubbleVersion,
  regex: aRegexEngine,
  cel: withMethods<CelEngine>("an engine with `compile`", "compile"),
  stringCacheBytes: anInteger(0, MAX_STRING_CACHE_BYTES),
};

/** Picks the filter options from a larger options object. */
export function filterOptionsOf({
  hubble,
  regex,
  cel,
  stringCacheBytes,
}: FlowFilterOptions): FlowFilterOptions {
  return {
    ...(hubble && { hubble }),
    ...(regex && { regex }),
    ...(cel && { cel }),
    ...(stringCacheBytes !== undefined && { stringCacheBytes }),
  };
}
