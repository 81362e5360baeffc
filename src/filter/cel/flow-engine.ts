import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import type { CelEngine } from "../engine.js";
import type { RegexEngine } from "../regex.js";
import type { RegexBudget } from "../regex-budget.js";
import { MAX_STEPS, prepareCel } from "./cel.js";
import { registryOf } from "./check/registry.js";
import type { CelLimits } from "./parse/parse.js";
import { Frame } from "./run/frame.js";

export interface CelEngineOptions extends CelLimits {
  /** What `matches` runs on; RE2 in JavaScript by default. */
  readonly regex?: RegexEngine;
  /** How many steps the evaluation of an expression may take; Hubble has no such limit. */
  readonly maxSteps?: number;
}

/**
 * The engine behind `experimental.cel_expression`: expressions over one variable `_flow` of type flow.Flow, in the container
 * `flow`, with a result of type bool (pkg/hubble/filters/cel.go).
 */
export function createCelEngine(options: CelEngineOptions = {}): CelEngine {
  return createFlowEngine(options);
}

/** {@link createCelEngine} with what the filters that are compiled at once share. */
export function createFlowEngine(
  options: CelEngineOptions & { readonly regexBudget?: RegexBudget },
): CelEngine {
  const { maxSteps = MAX_STEPS } = options;
  return {
    compile(expression) {
      const { code, frameLength } = prepareCel(expression, {
        ...options,
        variables: { _flow: FlowSchema },
        container: "flow",
        registry: flowRegistry(),
        result: "bool",
      });
      const frame = new Frame(frameLength);
      const run = code.run as (frame: Frame) => boolean;
      return (flow: Flow) => {
        frame.steps = maxSteps;
        frame.values[0] = flow;
        return run(frame);
      };
    },
  };
}

/** Made once, when the first expression is compiled. */
let registry: ReturnType<typeof registryOf> | undefined;

function flowRegistry() {
  registry ??= registryOf([FlowSchema]);
  return registry;
}
