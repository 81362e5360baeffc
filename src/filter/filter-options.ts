import type { OptionTable } from "../errors/check-options.js";
import { withMethods } from "../errors/value-checks.js";
import { aRegexEngine, type RegexEngine } from "../regex/regex.js";
import type { CelEngine } from "./engine.js";

/** The engines for regular expressions and CEL expressions. */
export interface FlowFilterOptions {
  /** The engine for regular expressions; RE2 in JavaScript by default. */
  readonly regex?: RegexEngine;
  /** The engine for CEL expressions; the built-in one by default, see `createCelEngine`. */
  readonly cel?: CelEngine;
}

/** The checks for these options. Spread it into the tables of options that extend them. */
export const FLOW_FILTER_OPTIONS: OptionTable<FlowFilterOptions> = {
  regex: aRegexEngine,
  cel: withMethods<CelEngine>("an engine with `compile`", "compile"),
};

/** Picks the filter options from a larger options object. */
export function filterOptionsOf({ regex, cel }: FlowFilterOptions): FlowFilterOptions {
  return { ...(regex && { regex }), ...(cel && { cel }) };
}
