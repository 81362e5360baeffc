import type { Expr, MacroExpr, MacroName } from "./ast.js";

const MACRO_NAMES: readonly string[] = ["all", "exists", "exists_one", "map", "filter"] satisfies MacroName[];

/** The variable in which cel-go accumulates the result of a macro. */
const ACCUMULATOR = "__result__";

/** Whether a method call with this number of arguments is a macro of cel-go. */
export function isMacro(name: string, argumentCount: number): name is MacroName {
  return MACRO_NAMES.includes(name) && (argumentCount === 2 || (argumentCount === 3 && name === "map"));
}

/** Returns the macro, or a fault of its variable, with cel-go's message. */
export function macroOf(
  at: number,
  name: MacroName,
  range: Expr,
  args: readonly Expr[],
): MacroExpr | { readonly at: number; readonly fault: string } {
  const variable = args[0]!;
  if (variable.kind !== "ident") {
    const makesList = name === "map" || name === "filter";
    const fault = makesList ? "argument is not an identifier" : "argument must be a simple name";
    return { at: variable.at, fault };
  }
  if (variable.name === ACCUMULATOR) {
    return { at: variable.at, fault: "iteration variable overwrites accumulator variable" };
  }
  const transform = name === "map" ? args.at(-1) : undefined;
  const predicate = name !== "map" || args.length === 3 ? args[1] : undefined;
  return { kind: "macro", at, macro: name, range, variable: variable.name, predicate, transform };
}
