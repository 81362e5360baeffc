import type { CallExpr, Expr, MacroExpr, SelectExpr, StructExpr } from "../parse/ast.js";
import type { CelIssue } from "../parse/issue.js";
import { isDyn, mostGeneral } from "./assign.js";
import type { CheckedExpr } from "./checked.js";
import {
  candidatesFor,
  type Environment,
  fieldType,
  findField,
  lookUp,
  type Reference,
} from "./environment.js";
import { Inference } from "./inference.js";
import { elementTypeOf, typeOfMacro } from "./macro-type.js";
import { resolveCall } from "./resolve-call.js";
import type { Overload } from "./standard.js";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DYN,
  ERROR,
  formatType,
  INT,
  isWellKnown,
  listOf,
  mapOf,
  messageType,
  NULL,
  partsOf,
  STRING,
  UINT,
} from "./type.js";

/** The faults of an expression, or the result of the check. */
export type CheckResult =
  | { readonly checked: CheckedExpr; readonly issues: readonly [] }
  | { readonly checked: undefined; readonly issues: readonly CelIssue[] };

/** The maximum number of parts in a type: nested macros can double them at each level. */
const MAX_TYPE_PARTS = 1000;

/**
 * Infers the types of an expression and all its nodes like cel-go v0.20.1 (checker/checker.go): selects overloads by
 * argument types, infers type parameters by unification, and uses dyn for lists and maps with different element types.
 * If `lenient`, faults are not reported; the faulty nodes fail when they are evaluated, like cel-go without a check.
 */
export function checkCel(expr: Expr, environment: Environment, { lenient = false } = {}): CheckResult {
  const checker = new Checker(environment);
  checker.check(expr);
  const { issues } = checker;
  return issues.length > 0 && !lenient
    ? { checked: undefined, issues }
    : { checked: checker.result(expr), issues: [] };
}

class Checker {
  readonly #environment: Environment;
  readonly #types = new Map<Expr, CelType>();
  readonly #references = new Map<Expr, Reference>();
  readonly #macros = new Map<Expr, MacroExpr>();
  readonly #overloads = new Map<Expr, readonly Overload[]>();
  readonly #messages = new Map<Expr, string>();
  readonly #faults = new Map<Expr, string>();
  /** The variables of the enclosing macros, innermost last. */
  readonly #scopes: { readonly name: string; readonly type: CelType; readonly macro: MacroExpr }[] = [];
  readonly #inference = new Inference();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get issues(): readonly CelIssue[] {
    return this.#inference.issues;
  }

  check(expr: Expr): CelType {
    let type = this.#infer(expr);
    if (countParts(this.#inference.shown(type)) > MAX_TYPE_PARTS) {
      this.#inference.report(expr.at, "the type is too large");
      type = ERROR;
    }
    this.#types.set(expr, type);
    return type;
  }

  result(expr: Expr): CheckedExpr {
    return {
      expr,
      typeOf: (node) => this.#inference.resolved(this.#types.get(node) ?? ERROR),
      referenceOf: (node) => this.#references.get(node),
      macroOf: (node) => this.#macros.get(node),
      overloadsOf: (node) => this.#overloads.get(node) ?? [],
      messageOf: (node) => this.#messages.get(node) ?? "",
      faultOf: (node) => this.#faults.get(node),
    };
  }

  #infer(expr: Expr): CelType {
    switch (expr.kind) {
      case "const":
        return LITERAL_TYPES[expr.literal.type];
      case "ident":
        return (
          this.#inferName(expr, expr.name) ??
          this.#reject(expr, `undeclared reference to '${expr.name}' ${this.#inContainer()}`)
        );
      case "select":
        return this.#inferSelect(expr);
      case "call":
        return this.#inferCall(expr);
      case "list":
        return listOf(this.#join(expr.elements) ?? this.#inference.newParameter());
      case "map": {
        const keys = this.#join(expr.entries.map(({ key }) => key));
        const values = this.#join(expr.entries.map(({ value }) => value));
        return mapOf(keys ?? this.#inference.newParameter(), values ?? this.#inference.newParameter());
      }
      case "struct":
        return this.#inferStruct(expr);
      case "macro":
        return this.#inferMacro(expr);
    }
  }

  /** Resolves a name to a macro variable or a declaration of the environment, preferring the innermost namespace. */
  #inferName(expr: Expr, name: string): CelType | undefined {
    for (const candidate of candidatesFor(this.#environment.container, name)) {
      for (let index = this.#scopes.length - 1; index >= 0; index--) {
        const scope = this.#scopes[index]!;
        if (scope.name !== candidate) continue;
        this.#macros.set(expr, scope.macro);
        return scope.type;
      }
      const reference = lookUp(this.#environment, candidate);
      if (reference === undefined) continue;
      this.#references.set(expr, reference);
      return reference.type;
    }
    return undefined;
  }

  #inferSelect(expr: SelectExpr): CelType {
    // A chain of names is resolved as a qualified name first, then as a field.
    const name = qualifiedName(expr);
    const named = name === undefined ? undefined : this.#inferName(expr, name);
    if (named !== undefined) return named;
    const operand = this.#inference.shown(this.check(expr.operand));
    const type = this.#inferField(expr, operand);
    return expr.testOnly ? BOOL : type;
  }

  #inferField(expr: SelectExpr, operand: CelType): CelType {
    switch (operand.kind) {
      case "map":
        return operand.value;
      case "message":
        return this.#typeOfField(expr, expr.at, operand.name, expr.field);
      case "opaque": {
        const [inner] = operand.parameters;
        if (operand.name !== "optional_type" || inner === undefined) break;
        return { ...operand, parameters: [this.#inferField(expr, inner)] };
      }
      case "param":
        // Bind it to dyn so that it is not inferred as anything else later.
        this.#inference.assign(DYN, operand);
        return DYN;
      default:
        if (isDyn(operand)) return DYN;
    }
    this.#inference.report(
      expr.at,
      `type '${formatType(this.#inference.shown(operand))}' does not support field selection`,
    );
    return DYN;
  }

  /** Returns the type of a message's field. If the field does not exist, the node that needs it fails at evaluation. */
  #typeOfField(expr: Expr, at: number, message: string, name: string): CelType {
    const desc = this.#environment.registry.getMessage(message);
    const field = desc && findField(desc, name, this.#environment.registry);
    if (field !== undefined) return fieldType(field);
    const fault =
      desc === undefined ? `unexpected failed resolution of '${message}'` : `undefined field '${name}'`;
    this.#faults.set(expr, fault);
    return this.#inference.report(at, fault);
  }

  #inferCall(expr: CallExpr): CelType {
    const { target, args } = expr;
    if (target === undefined) {
      const types = args.map((arg) => this.check(arg));
      const overloads = this.#findFunction(expr.function);
      if (overloads === undefined) return this.#undeclaredFunction(expr);
      return this.#resolve(expr, expr.function, overloads, undefined, args, types);
    }
    const prefix = qualifiedName(target);
    const qualified = prefix === undefined ? undefined : this.#findFunction(`${prefix}.${expr.function}`);
    if (qualified !== undefined) {
      const types = args.map((arg) => this.check(arg));
      return this.#resolve(expr, `${prefix}.${expr.function}`, qualified, undefined, args, types);
    }
    const types = args.map((arg) => this.check(arg));
    const targetType = this.check(target);
    const overloads = this.#findFunction(expr.function);
    if (overloads === undefined) return this.#undeclaredFunction(expr);
    return this.#resolve(expr, expr.function, overloads, targetType, args, types);
  }

  #findFunction(name: string): readonly Overload[] | undefined {
    const { container, functions } = this.#environment;
    for (const candidate of candidatesFor(container, name)) {
      const overloads = functions.get(candidate);
      if (overloads !== undefined) return overloads;
    }
    return undefined;
  }

  #undeclaredFunction(expr: CallExpr): CelType {
    return this.#reject(expr, `undeclared reference to '${expr.function}' ${this.#inContainer()}`);
  }

  #resolve(
    expr: Expr,
    name: string,
    overloads: readonly Overload[],
    target: CelType | undefined,
    args: readonly Expr[],
    argTypes: readonly CelType[],
  ): CelType {
    const { type, candidates } = resolveCall(
      this.#inference,
      name,
      overloads,
      target,
      args,
      argTypes,
      expr.at,
    );
    if (candidates !== undefined) this.#overloads.set(expr, candidates);
    return type;
  }

  /** Returns the common type of all elements; dyn if they differ; undefined if there are none. */
  #join(elements: readonly Expr[]): CelType | undefined {
    let joined: CelType | undefined;
    for (const element of elements) {
      const type = this.check(element);
      if (joined === undefined) joined = type;
      else joined = this.#inference.assign(joined, type) ? mostGeneral(joined, type) : DYN;
    }
    return joined;
  }

  #inferStruct(expr: StructExpr): CelType {
    const { type, message } = this.#resolveMessage(expr);
    for (const { at, name, value } of expr.fields) {
      const found = this.check(value);
      if (message === undefined) continue;
      const wanted = this.#typeOfField(expr, at, message, name);
      if (this.#inference.assign(wanted, found)) continue;
      this.#inference.report(
        at,
        `expected type of field '${name}' is '${formatType(wanted)}' but provided type is '${formatType(this.#inference.shown(found))}'`,
      );
    }
    return type;
  }

  #resolveMessage(expr: StructExpr): { type: CelType; message?: string } {
    const { registry, container } = this.#environment;
    for (const candidate of candidatesFor(container, expr.name)) {
      const isMessage = registry.getMessage(candidate) !== undefined && !registry.hides?.(candidate);
      if (isMessage || isWellKnown(candidate)) {
        this.#messages.set(expr, candidate);
        return { type: messageType(candidate), message: candidate };
      }
      const reference = lookUp(this.#environment, candidate);
      if (reference === undefined) continue;
      const message =
        reference.kind === "type"
          ? `'${candidate}' is not a message type`
          : `'${formatType(reference.type)}' is not a type`;
      return { type: this.#reject(expr, message) };
    }
    return { type: this.#reject(expr, `undeclared reference to '${expr.name}' ${this.#inContainer()}`) };
  }

  #inferMacro(expr: MacroExpr): CelType {
    const range = this.#inference.shown(this.check(expr.range));
    const element = elementTypeOf(range, expr.range, this.#inference);
    // As in cel-go, the parameter is created before those of the predicate.
    const list = listOf(this.#inference.newParameter());
    this.#scopes.push({ name: expr.variable, type: element, macro: expr });
    const predicate = expr.predicate === undefined ? undefined : this.check(expr.predicate);
    const transform = expr.transform === undefined ? undefined : this.check(expr.transform);
    this.#scopes.pop();
    return typeOfMacro(expr, { list, element, predicate, transform }, this.#inference, this.#environment);
  }

  #inContainer(): string {
    return `(in container '${this.#environment.container}')`;
  }

  /** Reports a fault that makes the node fail at evaluation. */
  #reject(expr: Expr, message: string): CelType {
    this.#faults.set(expr, message);
    return this.#inference.report(expr.at, message);
  }
}

const LITERAL_TYPES = {
  null: NULL,
  bool: BOOL,
  int: INT,
  uint: UINT,
  double: DOUBLE,
  string: STRING,
  bytes: BYTES,
} as const;

/** Returns `a.b.c` as one name if the expression consists only of names. */
function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === "ident") return expr.name;
  if (expr.kind !== "select" || expr.testOnly) return undefined;
  const prefix = qualifiedName(expr.operand);
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
}

function countParts(type: CelType): number {
  return partsOf(type).reduce((sum, part) => sum + countParts(part), 1);
}
