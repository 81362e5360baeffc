import type { OptionTable } from "../errors/check-options.js";
import { anInteger, withMethods } from "../errors/value-checks.js";
import { aRegexEngine, type RegexEngine } from "../regex/regex.js";
import type { CelEngine } from "./engine.js";

/** 1 GiB. */
const MAX_STRING_CACHE_BYTES = 2 ** 30;

/** The engines for regular expressions and CEL expressions, and the memory for strings. */
export interface FlowFilterOptions {
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
  regex: aRegexEngine,
  cel: withMethods<CelEngine>("an engine with `compile`", "compile"),
  stringCacheBytes: anInteger(0, MAX_STRING_CACHE_BYTES),
};

/** Picks the filter options from a larger options object. */
export function filterOptionsOf({ regex, cel, stringCacheBytes }: FlowFilterOptions): FlowFilterOptions {
  return {
    ...(regex && { regex }),
    ...(cel && { cel }),
    ...(stringCacheBytes !== undefined && { stringCacheBytes }),
  };
}
