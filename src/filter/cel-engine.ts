import { evaluationError, MAX_STEPS, prepareCel } from "../cel/cel.js";
import type { TypeRegistry } from "../cel/check/environment.js";
import { readPaths } from "../cel/check/read-paths.js";
import { registryOf } from "../cel/check/registry.js";
import { asBool } from "../cel/compile/code.js";
import { CEL_LIMITS, type CelLimits } from "../cel/parse/parse.js";
import { Frame } from "../cel/run/frame.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aNumberFrom, aString } from "../errors/value-checks.js";
import { type Flow, FlowSchema } from "../gen/flow/flow_pb.js";
import { NAMES_SINCE_1_17 } from "../hubble/names-since-1-17.js";
import type { HubbleRules } from "../hubble/rules.js";
import { aHubbleVersion, type HubbleVersion, rulesOf } from "../hubble/version.js";
import type { RegexBudget } from "../regex/budget.js";
import { aRegexEngine, type RegexEngine } from "../regex/regex.js";
import type { CelEngine, CelPredicate } from "./engine.js";

export interface CelEngineOptions extends CelLimits {
  /** The engine for the CEL function `matches`; RE2 in JavaScript by default. */
  readonly regex?: RegexEngine;
  /** The maximum number of steps per evaluation of an expression. Default 1,000,000; Hubble has no such limit. */
  readonly maxSteps?: number;
  /** The version of Hubble, which decides the version of cel-go and the fields that exist. Default 1.16. */
  readonly hubble?: HubbleVersion;
}

const CEL_ENGINE_OPTIONS: OptionTable<CelEngineOptions> = {
  ...CEL_LIMITS,
  regex: aRegexEngine,
  maxSteps: aNumberFrom(0),
  hubble: aHubbleVersion,
};

/**
 * Creates the engine for `experimental.cel_expression`. Expressions have one variable, `_flow` of type flow.Flow, run
 * in the container `flow` and must have the type bool (pkg/hubble/filters/cel.go).
 *
 * The compiled predicates throw a CelEvaluationError if an expression fails for a flow.
 *
 * @throws OptionsError
 */
export function createCelEngine(options: CelEngineOptions = {}): CelEngine {
  checkOptions("createCelEngine", options, CEL_ENGINE_OPTIONS);
  const engine = createFlowEngine(options);
  return {
    compile(expression) {
      checkArgument("compile", "expression", expression, aString);
      const matches = engine.compile(expression);
      const predicate = (flow: Flow) => {
        try {
          return matches(flow);
        } catch (error) {
          throw evaluationError(error);
        }
      };
      return Object.assign(predicate, { reads: matches.reads });
    },
  };
}

/** An engine whose predicates list the fields that they read. */
interface FlowEngine extends CelEngine {
  compile(expression: string): CelPredicate & { readonly reads: readonly string[] };
}

/**
 * {@link createCelEngine} for the filters. Expressions that are compiled together share a regex budget. The predicates
 * throw faults without a stack trace because creating an error is expensive.
 */
export function createFlowEngine(
  options: CelEngineOptions & { readonly regexBudget?: RegexBudget },
): FlowEngine {
  const { maxSteps = MAX_STEPS, hubble } = options;
  const { cel: version, celNames, regexClasses } = rulesOf(hubble);
  return {
    compile(expression) {
      const { code, frameLength, checked, environment } = prepareCel(expression, {
        ...options,
        version,
        regexClasses,
        variables: { _flow: FlowSchema },
        container: "flow",
        registry: REGISTRIES[celNames](),
        result: "bool",
      });
      const frame = new Frame(frameLength);
      // The checker gives a wrapper message the type of its value, so a bool expression can still evaluate to null.
      const run = asBool(code);
      const predicate = (flow: Flow) => {
        frame.steps = maxSteps;
        frame.values[0] = flow;
        return run(frame);
      };
      return Object.assign(predicate, {
        reads: readPaths(checked, environment.registry, "_flow", FlowSchema),
      });
    },
  };
}

/** The messages, fields and enums that expressions can refer to. */
const REGISTRIES: { readonly [K in HubbleRules["celNames"]]: () => TypeRegistry } = {
  "1.16": once(() => {
    const newer: ReadonlySet<string> = new Set(NAMES_SINCE_1_17);
    return Object.assign(registryOf([FlowSchema]), { hides: (name: string) => newer.has(name) });
  }),
  "1.19": once(() => registryOf([FlowSchema])),
};

/** Creates the value when it is first needed. */
function once<T extends object>(create: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= create();
    return value;
  };
}
