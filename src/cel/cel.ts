import type { DescMessage } from "@bufbuild/protobuf";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { FlowscribeError, type Issue, OptionsError } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { messageOf } from "../errors/message.js";
import {
  aBoolean,
  aNumberFrom,
  anObjectOf,
  aString,
  isObject,
  valueCheck,
  withMethods,
} from "../errors/value-checks.js";
import type { GoRelease } from "../go/release.js";
import { goQuote } from "../go/strconv/quote.js";
import type { RegexBudget } from "../regex/budget.js";
import { aRegexEngine, type RegexEngine, RegexLimitError } from "../regex/regex.js";
import { checkCel } from "./check/check.js";
import type { CheckedExpr } from "./check/checked.js";
import { createEnvironment, type Environment, type TypeRegistry } from "./check/environment.js";
import { registryOf } from "./check/registry.js";
import { type CelType, DYN, isSameType, messageType, partsOf, typeName } from "./check/type.js";
import { parseType } from "./check/type-text.js";
import { asBool, asValue, type Code } from "./compile/code.js";
import { type CompiledExpr, compileChecked } from "./compile/compile.js";
import { CelError, WHOLE_EXPRESSION } from "./parse/issue.js";
import type { CelGoVersion } from "./parse/lex.js";
import { CEL_LIMITS, type CelLimits, parseCel } from "./parse/parse.js";
import { Frame } from "./run/frame.js";
import { faultAt, type InputReader, inputReader } from "./run/input.js";
import { Fault } from "./value/fault.js";
import type { CelValue } from "./value/value.js";

export interface CelOptions extends CelLimits {
  /**
   * The types of the variables by name: the descriptor of a message, or a string such as `int`, `list(string)`,
   * `map(string, dyn)`, `timestamp`, `wrapper(bool)`, or the full name of a message.
   */
  readonly variables?: Readonly<Record<string, string | DescMessage>>;
  /** The namespace in which names are resolved: in `flow`, `Verdict.DROPPED` means `flow.Verdict.DROPPED`. */
  readonly container?: string;
  /**
   * The registry of messages and enums; by default, all types in the files of the variables' messages and the
   * well-known types.
   */
  readonly registry?: TypeRegistry;
  /** The exact type that the expression must have: `bool` accepts neither `dyn` nor `wrapper(bool)`. */
  readonly result?: string;
  /**
   * Set to false to check types only during evaluation, like cel-go without a check: `1 == 1.0` is then true. Default
   * true.
   */
  readonly check?: boolean;
  /** The engine for the function `matches`; RE2 in JavaScript by default. */
  readonly regex?: RegexEngine;
  /**
   * The maximum number of steps per evaluation: about one for each operation and for each iteration of a macro. Default
   * 1,000,000.
   */
  readonly maxSteps?: number;
}

const CEL_OPTIONS: OptionTable<CelOptions> = {
  ...CEL_LIMITS,
  variables: anObjectOf(
    valueCheck<string | DescMessage>(
      "the name of a type or the descriptor of a message",
      (value) => typeof value === "string" || (isObject(value) && "typeName" in value),
    ),
  ),
  container: aString,
  registry: withMethods<TypeRegistry>("a registry with `getMessage` and `getEnum`", "getMessage", "getEnum"),
  result: aString,
  check: aBoolean,
  regex: aRegexEngine,
  maxSteps: aNumberFrom(0),
};

/** A compiled expression. */
export interface CelProgram<Value = CelValue> {
  /**
   * Evaluates the expression with the values of its variables: ints and uints as bigints or integers, timestamps as
   * messages or Dates, maps as Maps or objects, lists as arrays. Variables that the expression does not use may be
   * omitted.
   *
   * @throws CelEvaluationError if the evaluation fails: a missing key or index, an overflow, an argument of the wrong
   *   type, or too many steps.
   */
  (variables?: Readonly<Record<string, unknown>>): Value;
  /** The type of the result according to the checker. */
  readonly type: string;
}

/** The evaluation of an expression failed for the given variables. */
export class CelEvaluationError extends FlowscribeError {
  declare readonly code: "evaluation_failed";

  constructor(message: string) {
    super("evaluation_failed", message);
  }
}

/** Converts an error from an evaluation to the error to throw. */
export function evaluationError(error: unknown): unknown {
  if (error instanceof Fault) return new CelEvaluationError(error.message);
  // The nesting of expressions is limited, that of values is not.
  return error instanceof RangeError ? new CelEvaluationError("values are nested too deeply") : error;
}

/** One or more identifiers joined by dots. */
const QUALIFIED_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
/** Identifiers with a meaning of their own, so that no expression can refer to a variable of the name. */
const LITERALS: readonly string[] = ["true", "false", "null", "in"];

/** A million operations: some ten milliseconds, or about a hundred for the most expensive ones. */
export const MAX_STEPS = 1_000_000;

/**
 * Compiles an expression of the Common Expression Language to a function. Parses and checks it like cel-go v0.20.1 with
 * its standard library and macros, and evaluates it according to cel-spec.
 *
 * @throws CelError for an expression that does not parse, does not check, or does not have the required type;
 *   OptionsError, also for an unknown type in the options.
 */
export function compileCel(
  expression: string,
  options: CelOptions & { readonly result: "bool" },
): CelProgram<boolean>;
export function compileCel(expression: string, options?: CelOptions): CelProgram;
export function compileCel(expression: string, options: CelOptions = {}): CelProgram {
  checkArgument("compileCel", "expression", expression, aString);
  checkOptions("compileCel", options, CEL_OPTIONS);
  const { maxSteps = MAX_STEPS } = options;
  const program = prepareCel(expression, options);
  const inputs = program.variables.flatMap(({ name, type }, slot) =>
    program.reads.has(name) ? [{ name, slot, read: inputReader(type, program.environment.registry) }] : [],
  );
  // The checker gives a wrapper message the type of its value, so a bool expression can still evaluate to null.
  const run = options.result === "bool" ? asBool(program.code) : asValue(program.code);
  const frame = new Frame(program.frameLength);
  const evaluate = (variables: Readonly<Record<string, unknown>> = {}): CelValue => {
    frame.steps = maxSteps;
    try {
      for (const { name, slot, read } of inputs)
        frame.values[slot] = readVariable(name, read, variables[name]);
      return run(frame);
    } catch (error) {
      throw evaluationError(error);
    } finally {
      frame.values.fill(undefined);
    }
  };
  // Without a check, the type of an expression with faults is unknown.
  return Object.assign(evaluate, { type: program.type.kind === "error" ? "dyn" : typeName(program.type) });
}

function readVariable(name: string, read: InputReader, input: unknown): CelValue {
  try {
    return read(input);
  } catch (error) {
    throw faultAt(name, error);
  }
}

/** An expression that is compiled, except for the source of its variables. */
export interface PreparedCel extends CompiledExpr {
  readonly type: CelType;
  /** In the order of the frame. */
  readonly variables: readonly {
    readonly name: string;
    readonly type: CelType;
    readonly form: Code["form"];
  }[];
  readonly environment: Environment;
  readonly checked: CheckedExpr;
}

/** What the versions of cel-go, and of the Go that it is compiled with, do differently. */
export interface CelGoOptions {
  /** 0.20 by default. */
  readonly version?: CelGoVersion;
  /** The release of Go for the function `matches`; Go 1.23 by default. */
  readonly regexClasses?: GoRelease;
}

/**
 * Parses, checks and compiles an expression.
 *
 * @throws CelError; OptionsError for unknown types in the options.
 */
export function prepareCel(
  expression: string,
  options: CelOptions & CelGoOptions & { readonly regexBudget?: RegexBudget },
): PreparedCel {
  const {
    variables = {},
    container = "",
    regex: engine,
    regexBudget: budget,
    regexClasses: classes,
  } = options;
  const regex = { ...(engine && { engine }), ...(budget && { budget }), ...(classes && { classes }) };
  const entries = Object.entries(variables);
  const messages = entries.flatMap(([, type]) => (typeof type === "string" ? [] : [type]));
  const registry = options.registry ?? registryOf(messages);
  const optionIssues: Issue[] = [];
  if (container !== "" && !QUALIFIED_NAME.test(container))
    optionIssues.push(
      issueOf("container", `must be empty or names joined by dots, not ${goQuote(container)}`),
    );
  for (const [name] of entries) {
    if (!QUALIFIED_NAME.test(name) || LITERALS.includes(name))
      optionIssues.push(issueOf("variables", `not a name in CEL: ${goQuote(name)}`));
  }
  const declared = entries.map(([name, type]) => ({
    name,
    type:
      typeof type === "string"
        ? declaredType(`variables.${name}`, type, registry, optionIssues)
        : messageType(type.typeName),
    form: "value" as const,
  }));
  const wanted =
    options.result === undefined ? undefined : declaredType("result", options.result, registry, optionIssues);
  if (optionIssues.length > 0) throw new OptionsError(optionIssues);
  const environment = createEnvironment({
    container,
    variables: new Map(declared.map(({ name, type }) => [name, type])),
    registry,
  });
  const lenient = options.check === false;
  const { checked, issues } = checkCel(parseCel(expression, options), environment, { lenient });
  if (checked === undefined) throw new CelError(expression, issues);
  const type = checked.typeOf(checked.expr);
  if (wanted !== undefined && !isSameType(type, wanted)) {
    // Hubble checks the type itself, so the message does not have the format of cel-go's listings.
    const message = `got "${typeName(type)}", wanted "${typeName(wanted)}" result type`;
    throw new CelError(expression, [{ at: WHOLE_EXPRESSION, message }], message);
  }
  try {
    return {
      ...compileChecked(checked, environment, declared, regex),
      type,
      variables: declared,
      environment,
      checked,
    };
  } catch (error) {
    if (!(error instanceof RegexLimitError)) throw error;
    throw new CelError(expression, [{ at: WHOLE_EXPRESSION, message: error.message }]);
  }
}

/** Parses the name of a type. Reports strings that are not types, and messages that the registry does not contain. */
function declaredType(path: string, text: string, registry: TypeRegistry, issues: Issue[]): CelType {
  try {
    const type = parseType(text);
    const unknown = findUnknown(type, registry);
    if (unknown === undefined) return type;
    const hint = unknown.includes(".") ? "; the option `registry` has the messages that a name can mean" : "";
    issues.push(issueOf(path, `unknown type ${unknown}${unknown === text ? "" : ` in ${text}`}${hint}`));
  } catch (error) {
    // `parseType` only throws TypeErrors about the string.
    issues.push(issueOf(path, messageOf(error)));
  }
  return DYN;
}

function findUnknown(type: CelType, registry: TypeRegistry): string | undefined {
  const isUnknown =
    type.kind === "param" ||
    type.kind === "opaque" ||
    (type.kind === "message" && registry.getMessage(type.name) === undefined);
  if (isUnknown) return type.name;
  return partsOf(type)
    .map((part) => findUnknown(part, registry))
    .find((found) => found !== undefined);
}
