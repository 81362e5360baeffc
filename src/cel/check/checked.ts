import type { Expr, MacroExpr } from "../parse/ast.js";
import type { Reference } from "./environment.js";
import type { Overload } from "./standard.js";
import type { CelType } from "./type.js";

/** A type-checked expression. */
export interface CheckedExpr {
  readonly expr: Expr;
  typeOf(expr: Expr): CelType;
  /** The declaration that a name, or a chain of names, refers to; undefined for macro variables and fields. */
  referenceOf(expr: Expr): Reference | undefined;
  /** The macro that declares the variable. */
  macroOf(expr: Expr): MacroExpr | undefined;
  /** The candidate overloads of a call: one, unless types are only known at run time. */
  overloadsOf(expr: Expr): readonly Overload[];
  /** The full name of the message that a literal creates. */
  messageOf(expr: Expr): string;
  /** Why evaluating a node always fails; only set if faults are deferred to the evaluation. */
  faultOf(expr: Expr): string | undefined;
}
