import { fromJsonString } from "@bufbuild/protobuf";
import type { CelEngine } from "../../src/filter/index.js";
import { createCelEngine } from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/proto.js";
import { bufbuildEngine, celJsEngine } from "../../test/bench/inputs/cel-engines.js";
import { CEL_CASES } from "./cel-cases.js";
import { type Contest, type Engine, installed } from "./engine.js";

const flows = new Map<string, Flow>();
for (const [, text] of CEL_CASES) flows.set(text, fromJsonString(FlowSchema, text));

/** An expression that fails does not match, as in Hubble. */
function overFlows(name: string, { compile }: CelEngine): Engine {
  return {
    name,
    compile(expression) {
      const predicate = compile(expression);
      return (text) => {
        try {
          return predicate(flows.get(text)!);
        } catch {
          return false;
        }
      };
    },
  };
}

export const cel: Contest = {
  title: "CEL expressions over flows, as Hubble's experimental.cel_expression",
  cases: CEL_CASES,
  canary: ["true", CEL_CASES[0]![1], true],
  engines: [
    overFlows("flowscribe cel", createCelEngine()),
    overFlows(installed("@bufbuild/cel"), bufbuildEngine),
    overFlows(`${installed("cel-js")}, flows converted beforehand`, celJsEngine),
  ],
};
