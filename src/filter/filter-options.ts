import type { OptionTable } from "../errors/check-options.js";
import { withMethods } from "../errors/value-checks.js";
import { aRegexEngine, type RegexEngine } from "../regex/regex.js";
import type { CelEngine } from "./engine.js";

/** The engines behind two kinds of expressions. */
export interface FlowFilterOptions {
  /** What regular expressions run on; RE2 in JavaScript by default. */
  readonly regex?: RegexEngine;
  /** What CEL expressions run on; our own checker and evaluator by default, see `createCelEngine`. */
  readonly cel?: CelEngine;
}

/** What the options must be; to be spread into the tables of options that extend them. */
export const FLOW_FILTER_OPTIONS: OptionTable<FlowFilterOptions> = {
  regex: aRegexEngine,
  cel: withMethods<CelEngine>("an engine with `compile`", "compile"),
};

/** The part of wider options that the filters accept. */
export function filterOptionsOf({ regex, cel }: FlowFilterOptions): FlowFilterOptions {
  return { ...(regex && { regex }), ...(cel && { cel }) };
}
