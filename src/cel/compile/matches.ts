import { messageOf } from "../../errors/message.js";
import { compileRegex, RegexLimitError, type RegexOptions, regexWeight } from "../../regex/regex.js";
import { BOOL } from "../check/type.js";
import type { Frame } from "../run/frame.js";
import { Fault, NO_OVERLOAD } from "../value/fault.js";
import { anyFails, asValue, type Code, failing, type Run, weigh } from "./code.js";
import type { Compiler } from "./compiler.js";

/** The number of steps for compiling a pattern at run time, per character. */
const STEPS_PER_PATTERN_UNIT = 300;
/** The maximum number of cached run-time patterns per call. */
const PATTERN_MEMO = 16;
/** The number of characters per step, to be divided by the weight of the pattern. */
const UNITS_PER_STEP = 64;
/** The maximum number of characters per step, which applies to the lightest patterns. */
const LIGHTEST_UNITS_PER_STEP = 6;

/**
 * Compiles `matches`. A constant pattern is compiled now; if it is invalid, each evaluation fails, as in cel-go.
 *
 * @throws RegexLimitError for a constant pattern that exceeds a limit, as cel-go may accept it.
 */
export function compileMatches(text: Code, pattern: Code, { regex }: Compiler): Code {
  const codes = [text, pattern];
  const weight = weigh(codes);
  const read = stringOf(text);
  if (typeof pattern.constant === "string") {
    let search: Search;
    try {
      search = compileSearch(pattern.constant, regex);
    } catch (error) {
      if (error instanceof RegexLimitError) throw error;
      return failing(new Fault(messageOf(error)), weight);
    }
    const canFail = anyFails(codes) || text.type.kind !== "string";
    return { type: BOOL, form: "value", run: (frame) => search(read(frame), frame), canFail, weight };
  }
  const readPattern = stringOf(pattern);
  const searchFor = rememberSearches(regex);
  const run: Run<boolean> = (frame) => {
    const subject = read(frame);
    return searchFor(readPattern(frame), frame)(subject, frame);
  };
  return { type: BOOL, form: "value", run, canFail: true, weight };
}

type Search = (text: string, frame: Frame) => boolean;

function compileSearch(pattern: string, options: RegexOptions): Search {
  const search = compileRegex(pattern, options);
  const steps = Math.max(regexWeight(pattern, options.classes) / UNITS_PER_STEP, 1 / LIGHTEST_UNITS_PER_STEP);
  return (text, frame) => {
    frame.spend(text.length * steps);
    return search(text);
  };
}

/** Run-time patterns do not use the budget that the patterns of the expressions share. */
function rememberSearches({ engine, classes }: RegexOptions): (pattern: string, frame: Frame) => Search {
  const memo = new Map<string, Search>();
  const options = { ...(engine && { engine }), ...(classes && { classes }) };
  return (pattern, frame) => {
    const known = memo.get(pattern);
    if (known !== undefined) return known;
    frame.spend((pattern.length + 1) * STEPS_PER_PATTERN_UNIT);
    const search = compileOrFail(pattern, options);
    if (memo.size >= PATTERN_MEMO) memo.clear();
    memo.set(pattern, search);
    return search;
  };
}

function compileOrFail(pattern: string, options: RegexOptions): Search {
  try {
    return compileSearch(pattern, options);
  } catch (error) {
    throw new Fault(messageOf(error));
  }
}

function stringOf(code: Code): Run<string> {
  if (code.type.kind === "string") return code.run as Run<string>;
  const value = asValue(code);
  return (frame) => {
    const text = value(frame);
    if (typeof text !== "string") throw NO_OVERLOAD;
    return text;
  };
}
