import type { RegexOptions } from "../../regex/regex.js";
import type { CheckedExpr } from "../check/checked.js";
import type { Environment } from "../check/environment.js";
import type { CelType } from "../check/type.js";
import type { Expr, MacroExpr } from "../parse/ast.js";
import type { Equality } from "../value/equal.js";
import type { Code } from "./code.js";

/** The dependencies for compiling the nodes of an expression. */
export interface Compiler {
  readonly checked: CheckedExpr;
  readonly environment: Environment;
  readonly equal: Equality;
  readonly regex: RegexOptions;
  /** Compiles a node. */
  compile(expr: Expr): Code;
  /** Compiles nodes in the scope of a macro's variable, whose slot is passed to `use`. */
  withVariable<T>(expr: MacroExpr, type: CelType, use: (slot: number) => T): T;
}
