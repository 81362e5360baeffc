import type { Expr, MacroExpr } from "../parse/ast.js";
import { isDyn } from "./assign.js";
import type { Environment } from "./environment.js";
import type { Inference } from "./inference.js";
import { resolveCall } from "./resolve-call.js";
import { BOOL, type CelType, DYN, ERROR, formatType, INT, listOf } from "./type.js";

/** The type of the variable of a macro over `range`. */
export function elementTypeOf(range: CelType, expr: Expr, inference: Inference): CelType {
  if (range.kind === "list") return range.element;
  if (range.kind === "map") return range.key;
  if (isDyn(range) || range.kind === "param") {
    inference.assign(DYN, range);
    return DYN;
  }
  return inference.report(
    expr.at,
    `expression of type '${formatType(inference.shown(range))}' cannot be range of a comprehension (must be list, map, or dynamic)`,
  );
}

/** The types of the parts of a macro. */
interface MacroTypes {
  /** The list that `map` and `filter` build. */
  readonly list: CelType;
  readonly element: CelType;
  readonly predicate: CelType | undefined;
  readonly transform: CelType | undefined;
}

/** Infers the type of a macro as that of the expression that cel-go expands it to. */
export function typeOfMacro(
  expr: MacroExpr,
  { list, element, predicate, transform }: MacroTypes,
  inference: Inference,
  { functions }: Environment,
): CelType {
  const typeOfCall = (name: string, ...types: readonly CelType[]) =>
    resolveCall(inference, name, functions.get(name) ?? [], undefined, [], types, expr.at).type;
  const expectCondition = (condition: CelType, type: CelType) =>
    typeOfCall("_?_:_", condition, type, type) !== ERROR;
  /** The type of `list + [added]` under the condition. */
  const accumulate = (added: CelType): CelType => {
    const sum = typeOfCall("_+_", list, listOf(added));
    if (sum === ERROR) return ERROR;
    if (predicate !== undefined && !expectCondition(predicate, sum)) return ERROR;
    inference.assign(list, sum);
    return inference.shown(list);
  };
  // The parser sets the predicate and the transformation where a macro needs them.
  switch (expr.macro) {
    case "all":
    case "exists":
      inference.expectBool(expr.predicate!, predicate!);
      return BOOL;
    case "exists_one":
      return expectCondition(predicate!, INT) ? BOOL : ERROR;
    case "filter":
      return accumulate(element);
    case "map":
      return accumulate(transform!);
  }
}
