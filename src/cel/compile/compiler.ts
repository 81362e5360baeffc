import type { RegexOptions } from "../../regex/regex.js";
import type { CheckedExpr } from "../check/check.js";
import type { Environment } from "../check/environment.js";
import type { CelType } from "../check/type.js";
import type { Expr, MacroExpr } from "../parse/ast.js";
import type { Equality } from "../run/equal.js";
import type { Code } from "./code.js";

/** What parts of an expression are compiled with. */
export interface Compiler {
  readonly checked: CheckedExpr;
  readonly environment: Environment;
  readonly equal: Equality;
  readonly regex: RegexOptions;
  /** Compiles a part of the expression. */
  compile(expr: Expr): Code;
  /** Compiles parts that see the variable of a macro, which `use` is given. */
  withVariable<T>(expr: MacroExpr, type: CelType, use: (slot: number) => T): T;
}
