import type { CallExpr, Expr, MacroExpr, SelectExpr, StructExpr } from "../parse/ast.js";
import type { CelIssue } from "../parse/issue.js";
import { Bindings, isDyn, isSameToChecker, mostGeneral } from "./assign.js";
import {
  candidatesFor,
  type Environment,
  fieldType,
  findField,
  lookUp,
  type Reference,
} from "./environment.js";
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
  withParts,
} from "./type.js";

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
  return checker.issues.length > 0 && !lenient
    ? { checked: undefined, issues: checker.issues }
    : { checked: checker.result(expr), issues: [] };
}

class Checker {
  readonly issues: CelIssue[] = [];
  private readonly environment: Environment;
  private readonly types = new Map<Expr, CelType>();
  private readonly references = new Map<Expr, Reference>();
  private readonly macros = new Map<Expr, MacroExpr>();
  private readonly overloads = new Map<Expr, readonly Overload[]>();
  private readonly messages = new Map<Expr, string>();
  private readonly faults = new Map<Expr, string>();
  /** The variables of the enclosing macros, innermost last. */
  private readonly scopes: { readonly name: string; readonly type: CelType; readonly macro: MacroExpr }[] =
    [];
  private readonly bindings = new Bindings();
  private parameters = 0;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  check(expr: Expr): CelType {
    let type = this.infer(expr);
    if (countParts(this.bindings.substitute(type)) > MAX_TYPE_PARTS) {
      this.report(expr.at, "the type is too large");
      type = ERROR;
    }
    this.types.set(expr, type);
    return type;
  }

  result(expr: Expr): CheckedExpr {
    const { types, references, macros, overloads, messages, faults, bindings } = this;
    return {
      expr,
      typeOf: (node) => bindings.substitute(types.get(node) ?? ERROR, DYN),
      referenceOf: (node) => references.get(node),
      macroOf: (node) => macros.get(node),
      overloadsOf: (node) => overloads.get(node) ?? [],
      messageOf: (node) => messages.get(node) ?? "",
      faultOf: (node) => faults.get(node),
    };
  }

  private infer(expr: Expr): CelType {
    switch (expr.kind) {
      case "const":
        return LITERAL_TYPES[expr.literal.type];
      case "ident":
        return (
          this.inferName(expr, expr.name) ??
          this.reject(expr, `undeclared reference to '${expr.name}' ${this.inContainer()}`)
        );
      case "select":
        return this.inferSelect(expr);
      case "call":
        return this.inferCall(expr);
      case "list":
        return listOf(this.join(expr.elements) ?? this.newParameter());
      case "map": {
        const keys = this.join(expr.entries.map(({ key }) => key));
        const values = this.join(expr.entries.map(({ value }) => value));
        return mapOf(keys ?? this.newParameter(), values ?? this.newParameter());
      }
      case "struct":
        return this.inferStruct(expr);
      case "macro":
        return this.inferMacro(expr);
    }
  }

  /** Resolves a name to a macro variable or a declaration of the environment, preferring the innermost namespace. */
  private inferName(expr: Expr, name: string): CelType | undefined {
    for (const candidate of candidatesFor(this.environment.container, name)) {
      for (let index = this.scopes.length - 1; index >= 0; index--) {
        const scope = this.scopes[index]!;
        if (scope.name !== candidate) continue;
        this.macros.set(expr, scope.macro);
        return scope.type;
      }
      const reference = lookUp(this.environment, candidate);
      if (reference === undefined) continue;
      this.references.set(expr, reference);
      return reference.type;
    }
    return undefined;
  }

  private inferSelect(expr: SelectExpr): CelType {
    // A chain of names is resolved as a qualified name first, then as a field.
    const name = qualifiedName(expr);
    const named = name === undefined ? undefined : this.inferName(expr, name);
    if (named !== undefined) return named;
    const operand = this.bindings.substitute(this.check(expr.operand));
    const type = this.inferField(expr, operand);
    return expr.testOnly ? BOOL : type;
  }

  private inferField(expr: SelectExpr, operand: CelType): CelType {
    switch (operand.kind) {
      case "map":
        return operand.value;
      case "message":
        return this.typeOfField(expr, expr.at, operand.name, expr.field);
      case "opaque": {
        const [inner] = operand.parameters;
        if (operand.name !== "optional_type" || inner === undefined) break;
        return { ...operand, parameters: [this.inferField(expr, inner)] };
      }
      case "param":
        // Bind it to dyn so that it is not inferred as anything else later.
        this.assign(DYN, operand);
        return DYN;
      default:
        if (isDyn(operand)) return DYN;
    }
    this.report(expr.at, `type '${formatType(this.shown(operand))}' does not support field selection`);
    return DYN;
  }

  /** Returns the type of a message's field. If the field does not exist, the node that needs it fails at evaluation. */
  private typeOfField(expr: Expr, at: number, message: string, name: string): CelType {
    const desc = this.environment.registry.getMessage(message);
    const field = desc && findField(desc, name);
    if (field !== undefined) return fieldType(field);
    const fault =
      desc === undefined ? `unexpected failed resolution of '${message}'` : `undefined field '${name}'`;
    this.faults.set(expr, fault);
    return this.report(at, fault);
  }

  private inferCall(expr: CallExpr): CelType {
    const { target, args } = expr;
    if (target === undefined) {
      const types = args.map((arg) => this.check(arg));
      const overloads = this.findFunction(expr.function);
      if (overloads === undefined) return this.undeclaredFunction(expr);
      return this.resolve(expr, expr.function, overloads, undefined, args, types);
    }
    const prefix = qualifiedName(target);
    const qualified = prefix === undefined ? undefined : this.findFunction(`${prefix}.${expr.function}`);
    if (qualified !== undefined) {
      const types = args.map((arg) => this.check(arg));
      return this.resolve(expr, `${prefix}.${expr.function}`, qualified, undefined, args, types);
    }
    const types = args.map((arg) => this.check(arg));
    const targetType = this.check(target);
    const overloads = this.findFunction(expr.function);
    if (overloads === undefined) return this.undeclaredFunction(expr);
    return this.resolve(expr, expr.function, overloads, targetType, args, types);
  }

  private findFunction(name: string): readonly Overload[] | undefined {
    const { container, functions } = this.environment;
    for (const candidate of candidatesFor(container, name)) {
      const overloads = functions.get(candidate);
      if (overloads !== undefined) return overloads;
    }
    return undefined;
  }

  private undeclaredFunction(expr: CallExpr): CelType {
    return this.reject(expr, `undeclared reference to '${expr.function}' ${this.inContainer()}`);
  }

  private resolve(
    expr: Expr,
    name: string,
    overloads: readonly Overload[],
    target: CelType | undefined,
    args: readonly Expr[],
    argTypes: readonly CelType[],
  ): CelType {
    if (name === "_&&_" || name === "_||_") {
      this.overloads.set(expr, overloads);
      return this.resolveLogic(args, argTypes);
    }
    const types = target === undefined ? argTypes : [target, ...argTypes];
    const found: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.isMember !== (target !== undefined)) continue;
      const { parameters, result: own } = this.instantiate(overload);
      if (!this.bindings.assignAll(types, parameters)) continue;
      found.push(overload);
      const type = this.bindings.substitute(own);
      if (result === undefined) result = type;
      else if (result.kind !== "dyn" && !isSameToChecker(result, type)) result = DYN;
    }
    if (result === undefined) return this.noOverload(expr.at, name, target, argTypes);
    this.overloads.set(expr, found);
    return result;
  }

  /** Instantiates an overload with fresh type parameters. */
  private instantiate(overload: Overload): Pick<Overload, "parameters" | "result"> {
    if (overload.typeParameters.length === 0) return overload;
    const fresh = new Map(overload.typeParameters.map((letter) => [letter, this.newParameter()]));
    const rename = (type: CelType): CelType =>
      type.kind === "param" ? (fresh.get(type.name) ?? type) : withParts(type, rename);
    return { parameters: overload.parameters.map(rename), result: rename(overload.result) };
  }

  private resolveLogic(args: readonly Expr[], types: readonly CelType[]): CelType {
    const misfits = types.map((type, index) => this.expectBool(args[index]!, type)).includes(false);
    return misfits ? ERROR : BOOL;
  }

  private expectBool(expr: Expr, type: CelType): boolean {
    if (this.assign(BOOL, type)) return true;
    this.report(expr.at, `expected type 'bool' but found '${formatType(this.shown(type))}'`);
    return false;
  }

  private noOverload(
    at: number,
    name: string,
    target: CelType | undefined,
    types: readonly CelType[],
  ): CelType {
    const format = (type: CelType) => formatType(this.bindings.substitute(type, DYN));
    const prefix = target === undefined ? "" : `${format(target)}.`;
    return this.report(
      at,
      `found no matching overload for '${name}' applied to '${prefix}(${types.map(format).join(", ")})'`,
    );
  }

  /** Returns the common type of all elements; dyn if they differ; undefined if there are none. */
  private join(elements: readonly Expr[]): CelType | undefined {
    let joined: CelType | undefined;
    for (const element of elements) {
      const type = this.check(element);
      if (joined === undefined) joined = type;
      else joined = this.assign(joined, type) ? mostGeneral(joined, type) : DYN;
    }
    return joined;
  }

  private inferStruct(expr: StructExpr): CelType {
    const { type, message } = this.resolveMessage(expr);
    for (const { at, name, value } of expr.fields) {
      const found = this.check(value);
      if (message === undefined) continue;
      const wanted = this.typeOfField(expr, at, message, name);
      if (this.assign(wanted, found)) continue;
      this.report(
        at,
        `expected type of field '${name}' is '${formatType(wanted)}' but provided type is '${formatType(this.shown(found))}'`,
      );
    }
    return type;
  }

  private resolveMessage(expr: StructExpr): { type: CelType; message?: string } {
    const { registry, container } = this.environment;
    for (const candidate of candidatesFor(container, expr.name)) {
      if (registry.getMessage(candidate) !== undefined || isWellKnown(candidate)) {
        this.messages.set(expr, candidate);
        return { type: messageType(candidate), message: candidate };
      }
      const reference = lookUp(this.environment, candidate);
      if (reference === undefined) continue;
      const message =
        reference.kind === "type"
          ? `'${candidate}' is not a message type`
          : `'${formatType(reference.type)}' is not a type`;
      return { type: this.reject(expr, message) };
    }
    return { type: this.reject(expr, `undeclared reference to '${expr.name}' ${this.inContainer()}`) };
  }

  private inferMacro(expr: MacroExpr): CelType {
    const range = this.bindings.substitute(this.check(expr.range));
    const element = this.elementOf(range, expr.range);
    const accumulated = listOf(this.newParameter());
    this.scopes.push({ name: expr.variable, type: element, macro: expr });
    const predicate = expr.predicate === undefined ? undefined : this.check(expr.predicate);
    const transform = expr.transform === undefined ? undefined : this.check(expr.transform);
    this.scopes.pop();
    switch (expr.macro) {
      case "all":
      case "exists":
        this.expectBool(expr.predicate!, predicate!);
        return BOOL;
      case "exists_one":
        return this.expectCondition(expr, predicate!, INT) ? BOOL : ERROR;
      case "filter":
        return this.accumulate(expr, accumulated, element, predicate);
      case "map":
        return this.accumulate(expr, accumulated, transform!, predicate);
    }
  }

  /** The type of the list that a macro builds, inferred as for `list + [element]` under the condition. */
  private accumulate(
    expr: MacroExpr,
    list: CelType,
    element: CelType,
    condition: CelType | undefined,
  ): CelType {
    const sum = this.bind("_+_", expr, [list, listOf(element)]);
    if (sum === ERROR) return ERROR;
    if (condition !== undefined && !this.expectCondition(expr, condition, sum)) return ERROR;
    this.assign(list, sum);
    return this.bindings.substitute(list);
  }

  private expectCondition(expr: MacroExpr, condition: CelType, type: CelType): boolean {
    return this.bind("_?_:_", expr, [condition, type, type]) !== ERROR;
  }

  /** Infers the type of a call that a macro expands to, without recording its overloads. */
  private bind(name: string, expr: Expr, types: readonly CelType[]): CelType {
    const overloads = this.environment.functions.get(name) ?? [];
    const type = this.resolve(expr, name, overloads, undefined, [], types);
    this.overloads.delete(expr);
    return type;
  }

  private elementOf(range: CelType, expr: Expr): CelType {
    if (range.kind === "list") return range.element;
    if (range.kind === "map") return range.key;
    if (isDyn(range) || range.kind === "param") {
      this.assign(DYN, range);
      return DYN;
    }
    return this.report(
      expr.at,
      `expression of type '${formatType(this.shown(range))}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
  }

  private assign(to: CelType, from: CelType): boolean {
    return this.bindings.assign(to, from);
  }

  private newParameter(): CelType {
    return { kind: "param", name: `_var${this.parameters++}` };
  }

  private shown(type: CelType): CelType {
    return this.bindings.substitute(type);
  }

  private inContainer(): string {
    return `(in container '${this.environment.container}')`;
  }

  private report(at: number, message: string): CelType {
    this.issues.push({ at, message });
    return ERROR;
  }

  /** Reports a fault that makes the node fail at evaluation. */
  private reject(expr: Expr, message: string): CelType {
    this.faults.set(expr, message);
    return this.report(expr.at, message);
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
