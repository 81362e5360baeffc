import type { Overload } from "../check/standard.js";
import { type CelType, DYN, listOf } from "../check/type.js";
import type { CallExpr } from "../parse/ast.js";
import { IMPLEMENTATIONS, type Implementation } from "../run/functions.js";
import { NO_OVERLOAD } from "../value/fault.js";
import { type CelValue, kindOf } from "../value/value.js";
import { asValue, type Code, commonType, type Run, weigh } from "./code.js";
import type { Compiler } from "./compiler.js";

/** Compiles any other function: with the overload that matches the types, or by selecting an overload at run time. */
export function compileOverloads(
  expr: CallExpr,
  codes: readonly Code[],
  { checked, environment }: Compiler,
): Code {
  const isMember =
    expr.target !== undefined && checked.overloadsOf(expr).some((overload) => overload.isMember);
  const candidates = [...environment.functions]
    .filter(([name]) => name === expr.function || name.endsWith(`.${expr.function}`))
    .flatMap(([, overloads]) => overloads)
    .filter((overload) => overload.isMember === isMember && overload.parameters.length === codes.length);
  const values = codes.map(asValue);
  const weight = weigh(codes);
  const sure = candidates.find((overload) => isSurely(overload, codes));
  if (sure !== undefined) {
    const run = call(IMPLEMENTATIONS[sure.id]!, values);
    return { type: resultType(sure, codes), form: "value", run, canFail: true, weight };
  }
  const [a, b] = values;
  const run: Run<CelValue> = (frame) => {
    const first = a === undefined ? null : a(frame);
    const second = b === undefined ? null : b(frame);
    const fitting = candidates.find(
      ({ parameters }) => fits(parameters[0], first) && fits(parameters[1], second),
    );
    if (fitting === undefined) throw NO_OVERLOAD;
    return IMPLEMENTATIONS[fitting.id]!(first as never, second as never, frame);
  };
  const kinds = new Set(candidates.map(({ result }) => result.kind));
  const [only] = candidates;
  const type = kinds.size === 1 && only !== undefined && isPlainResult(only.result) ? only.result : DYN;
  return { type, form: "value", run, canFail: true, weight };
}

function call(implementation: Implementation, [a, b]: readonly Run<CelValue>[]): Run<CelValue> {
  if (a === undefined) return (frame) => implementation(undefined as never, undefined as never, frame);
  if (b === undefined) return (frame) => implementation(a(frame) as never, undefined as never, frame);
  return (frame) => implementation(a(frame) as never, b(frame) as never, frame);
}

function isSurely({ parameters }: Overload, codes: readonly Code[]): boolean {
  return parameters.every(
    (parameter, index) => parameter.kind === "param" || parameter.kind === codes[index]!.type.kind,
  );
}

function fits(parameter: CelType | undefined, value: CelValue): boolean {
  return parameter === undefined || parameter.kind === "param" || parameter.kind === kindOf(value);
}

function resultType({ id, result }: Overload, codes: readonly Code[]): CelType {
  if (id === "add_list") {
    const type = commonType(codes);
    return type === DYN ? listOf(DYN) : type;
  }
  return isPlainResult(result) ? result : DYN;
}

function isPlainResult({ kind }: CelType): boolean {
  return kind !== "param" && kind !== "list" && kind !== "map" && kind !== "type";
}
