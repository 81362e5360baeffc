import type { Expr } from "../parse/ast.js";
import { isSameToChecker } from "./assign.js";
import type { Inference } from "./inference.js";
import type { Overload } from "./standard.js";
import { BOOL, type CelType, DYN, ERROR, formatType, withParts } from "./type.js";

/** The result of {@link resolveCall}. */
export interface ResolvedCall {
  readonly type: CelType;
  /** The overloads that fit the types; undefined after a fault. */
  readonly candidates?: readonly Overload[];
}

/** Selects the overloads of a function that fit the types of its arguments, and infers the type of the call. */
export function resolveCall(
  inference: Inference,
  name: string,
  overloads: readonly Overload[],
  target: CelType | undefined,
  args: readonly Expr[],
  argTypes: readonly CelType[],
  at: number,
): ResolvedCall {
  if (name === "_&&_" || name === "_||_") {
    const areBools = argTypes.map((type, index) => inference.expectBool(args[index]!, type));
    return { type: areBools.includes(false) ? ERROR : BOOL, candidates: overloads };
  }
  const types = target === undefined ? argTypes : [target, ...argTypes];
  const candidates: Overload[] = [];
  let result: CelType | undefined;
  for (const overload of overloads) {
    if (overload.isMember !== (target !== undefined)) continue;
    const { parameters, result: own } = instantiate(overload, inference);
    if (!inference.assignAll(types, parameters)) continue;
    candidates.push(overload);
    const type = inference.shown(own);
    if (result === undefined) result = type;
    else if (result.kind !== "dyn" && !isSameToChecker(result, type)) result = DYN;
  }
  if (result !== undefined) return { type: result, candidates };
  const format = (type: CelType) => formatType(inference.resolved(type));
  const applied = `${target === undefined ? "" : `${format(target)}.`}(${argTypes.map(format).join(", ")})`;
  return { type: inference.report(at, `found no matching overload for '${name}' applied to '${applied}'`) };
}

/** Instantiates an overload with fresh type parameters. */
function instantiate(overload: Overload, inference: Inference): Pick<Overload, "parameters" | "result"> {
  if (overload.typeParameters.length === 0) return overload;
  const fresh = new Map(overload.typeParameters.map((letter) => [letter, inference.newParameter()]));
  const rename = (type: CelType): CelType =>
    type.kind === "param" ? (fresh.get(type.name) ?? type) : withParts(type, rename);
  return { parameters: overload.parameters.map(rename), result: rename(overload.result) };
}
