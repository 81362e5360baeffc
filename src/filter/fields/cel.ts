import { create } from "@bufbuild/protobuf";
import { markAbsent } from "../../cel/run/equal.js";
import { messageOf } from "../../errors/message.js";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import type { CelEngine } from "../engine.js";
import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";

/**
 * CEL expressions, in order, any of them; one that fails ends the field with false (pkg/hubble/filters/cel.go). What they
 * mean is the engine's. Events of other kinds are to them a flow that has nothing set, and that equals no other.
 */
export const celExpression: FieldCompiler<"experimental"> = ({ celExpression: values }, { report, cel }) => {
  if (values.length === 0) return undefined;
  const programs: ReturnType<CelEngine["compile"]>[] = [];
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
      // A loop, as `some` would allocate a closure for each flow.
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
    reads: [""],
    cost: "dear",
  };
};

/** What each expression came to, as far as they are asked. */
function outcomesOf(programs: readonly ReturnType<CelEngine["compile"]>[], flow: Flow): readonly string[] {
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
  while (outcomes.length < programs.length) outcomes.push("not asked");
  return outcomes;
}
