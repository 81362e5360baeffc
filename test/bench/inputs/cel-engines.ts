// The CEL engines of npm behind the interface of ours, each with all that it can be given.
import * as bufbuild from "@bufbuild/cel";
import { createRegistry, type JsonObject, toJson } from "@bufbuild/protobuf";
import type { CelEngine } from "../../../dist/filter/index.js";
import { type Flow, FlowSchema, VerdictSchema } from "../../../dist/proto.js";

const environment = bufbuild.celEnv({
  namespace: "flow",
  registry: createRegistry(FlowSchema.file, ...FlowSchema.file.dependencies),
  variables: { _flow: bufbuild.objectType(FlowSchema) },
});

/** Parses and plans an expression once. It has no checker to be asked: what has no type fails when it is evaluated. */
export const bufbuildEngine: CelEngine = {
  compile(expression) {
    const evaluate = bufbuild.plan(environment, bufbuild.parse(expression));
    return (flow) => evaluate({ _flow: flow }) === true;
  },
};

/** What is used of cel-js, whose own types (0.8.2) name a file that is not there, and so do not compile. */
interface CelJs {
  parse(
    expression: string,
  ): { readonly isSuccess: true; readonly cst: object } | { readonly isSuccess: false; errors: string[] };
  evaluate(parsed: object, variables: object, functions: object): unknown;
}

const name: string = "cel-js";
const celJs: CelJs = await import(name);

const verdicts = Object.fromEntries(VerdictSchema.values.map(({ name, number }) => [name, number]));

/** What expressions call that cel-js has no word for; it takes functions, not methods. */
const functions = {
  startsWith: (text: string, part: string) => text.startsWith(part),
};

/**
 * Parses an expression once. It knows neither messages nor enums, so that it gets flows as plain objects and the verdicts as
 * a map; and no methods, so that `l.startsWith('a')` has to be written `startsWith(l, 'a')`.
 */
export const celJsEngine: CelEngine = {
  compile(expression) {
    const parsed = celJs.parse(expression.replaceAll(/\b(\w+)\.startsWith\(/g, "startsWith($1, "));
    if (!parsed.isSuccess) throw new Error(parsed.errors.join("; "));
    return (flow) =>
      celJs.evaluate(parsed.cst, { _flow: plainFlow(flow), Verdict: verdicts }, functions) === true;
  },
};

const plainFlows = new WeakMap<Flow, JsonObject>();

/** Converted once, however often it is asked for. */
function plainFlow(flow: Flow): JsonObject {
  let plain = plainFlows.get(flow);
  if (plain === undefined) {
    plain = toPlainFlow(flow);
    plainFlows.set(flow, plain);
  }
  return plain;
}

/** A flow as cel-js can read it, with all scalars, and null for `is_reply` where that is not set. */
function toPlainFlow(flow: Flow): JsonObject {
  const options = { useProtoFieldName: true, enumAsInteger: true, alwaysEmitImplicit: true } as const;
  return { is_reply: null, ...(toJson(FlowSchema, flow, options) as JsonObject) };
}
