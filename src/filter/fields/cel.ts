import { create } from "@bufbuild/protobuf";
import { markAbsent } from "../../cel/value/equal.js";
import { messageOf } from "../../errors/message.js";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import type { CelPredicate } from "../engine.js";
import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";

/**
 * CEL expressions: any must hold, in order. If one fails, the field does not match (pkg/hubble/filters/cel.go). The
 * engine defines their semantics. Events that are not flows are evaluated as a flow without any field set that equals
 * no other flow.
 */
export const celExpression: FieldCompiler<"experimental"> = ({ celExpression: values }, { report, cel }) => {
  if (values.length === 0) return undefined;
  const programs: CelPredicate[] = [];
  values.forEach((expression, index) => {
    try {
      programs.push(cel.compile(expression));
    } catch (error) {
      report(`error compiling CEL expression: ${messageOf(error)}`, index);
    }
  });
  if (programs.length < values.length) return undefined;
  const anyHolds = (flow: Flow) => {
    try {
      // A loop because `some` would allocate a closure for each flow.
      for (let index = 0; index < programs.length; index++) if (programs[index]!(flow)) return true;
      return false;
    } catch {
      return false;
    }
  };
  const nothing = markAbsent(create(FlowSchema));
  return {
    matches: anyHolds,
    matchesOther: () => anyHolds(nothing),
    seen: (event) => outcomesOf(programs, isFlow(event) ? event : nothing),
    reads: [...new Set(programs.flatMap(({ reads }) => reads ?? EVERYTHING))],
    cost: "expensive",
  };
};

/** The path of the whole flow. */
const EVERYTHING: readonly string[] = [""];

/** The result of each expression, up to the one that decides. */
function outcomesOf(programs: readonly CelPredicate[], flow: Flow): readonly string[] {
  const outcomes: string[] = [];
  for (const program of programs) {
    try {
      const held = program(flow);
      outcomes.push(String(held));
      if (held) break;
    } catch (error) {
      const { message } = error as { message?: string };
      outcomes.push(`fails: ${message ?? String(error)}`);
      break;
    }
  }
  while (outcomes.length < programs.length) outcomes.push("not evaluated");
  return outcomes;
}
