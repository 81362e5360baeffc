import type { Expr } from "../parse/ast.js";
import type { CelIssue } from "../parse/issue.js";
import { Bindings } from "./assign.js";
import { BOOL, type CelType, DYN, ERROR, formatType } from "./type.js";

/** The state of the type inference: the bindings of type parameters, and the issues so far. */
export class Inference {
  readonly issues: CelIssue[] = [];
  readonly #bindings = new Bindings();
  #parameters = 0;

  /** Creates a type parameter that is not bound yet. */
  newParameter(): CelType {
    return { kind: "param", name: `_var${this.#parameters++}` };
  }

  /** Whether a type can be used where another one is expected; binds their parameters. */
  assign(to: CelType, from: CelType): boolean {
    return this.#bindings.assign(to, from);
  }

  /** {@link assign} for a list of arguments: binds either all parameters or none. */
  assignAll(types: readonly CelType[], parameters: readonly CelType[]): boolean {
    return this.#bindings.assignAll(types, parameters);
  }

  /** Replaces parameters by their bindings. */
  shown(type: CelType): CelType {
    return this.#bindings.substitute(type);
  }

  /** Replaces parameters by their bindings, or by dyn. */
  resolved(type: CelType): CelType {
    return this.#bindings.substitute(type, DYN);
  }

  report(at: number, message: string): CelType {
    this.issues.push({ at, message });
    return ERROR;
  }

  /** Whether the type of an expression is bool; reports other types. */
  expectBool(expr: Expr, type: CelType): boolean {
    if (this.assign(BOOL, type)) return true;
    this.report(expr.at, `expected type 'bool' but found '${formatType(this.shown(type))}'`);
    return false;
  }
}
