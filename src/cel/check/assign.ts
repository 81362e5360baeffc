import { type CelType, formatType, partsOf, withParts } from "./type.js";

/**
 * Bindings of type parameters, inferred by unification. Types without parameters must match, except that dyn matches
 * every type, a wrapper matches its value's type and null, and a message matches null (cel-go checker/types.go).
 */
export class Bindings {
  readonly #bound = new Map<string, CelType>();
  /** The previous binding for each change, latest last, so that a failed attempt can be undone. */
  readonly #trail: { readonly name: string; readonly before: CelType | undefined }[] = [];

  /** Whether a value of type `from` is assignable to `to`. If so, keeps the bindings of their parameters. */
  assign(to: CelType, from: CelType): boolean {
    return this.#attempt(() => this.#isAssignable(to, from));
  }

  /** {@link assign} for all types of a list; all or nothing. */
  assignAll(to: readonly CelType[], from: readonly CelType[]): boolean {
    if (to.length !== from.length) return false;
    return this.#attempt(() => to.every((type, index) => this.#isAssignable(type, from[index]!)));
  }

  /** Replaces parameters with their bindings, and unbound ones with `unknown` if it is given. */
  substitute(type: CelType, unknown?: CelType): CelType {
    if (type.kind !== "param") return withParts(type, (part) => this.substitute(part, unknown));
    const bound = this.#bound.get(type.name);
    return bound === undefined ? (unknown ?? type) : this.substitute(bound, unknown);
  }

  #attempt(tryIt: () => boolean): boolean {
    const { length } = this.#trail;
    if (tryIt()) return true;
    while (this.#trail.length > length) {
      const { name, before } = this.#trail.pop()!;
      if (before === undefined) this.#bound.delete(name);
      else this.#bound.set(name, before);
    }
    return false;
  }

  #isAssignable(a: CelType, b: CelType): boolean {
    if (b.kind === "param") {
      const { valid, bound } = this.#bind(a, b);
      if (valid) return true;
      if (bound) return false;
    }
    if (a.kind === "param") return this.#bind(b, a).valid;
    if (isDyn(a) || isDyn(b)) return true;
    if (a.kind === "null") return isNullable(b);
    if (b.kind === "null") return isNullable(a);
    if (a.kind === "wrapper" || b.kind === "wrapper") return isSameToChecker(a, b);
    if (a.kind === "type") return b.kind === "type";
    if (a.kind !== b.kind || ("name" in a && "name" in b && a.name !== b.name)) return false;
    const ours = partsOf(a);
    const theirs = partsOf(b);
    return (
      ours.length === theirs.length && ours.every((part, index) => this.#isAssignable(part, theirs[index]!))
    );
  }

  /** Binds a parameter to a type if the type is compatible with the current binding. */
  #bind(type: CelType, { name }: CelType & { kind: "param" }): { valid: boolean; bound: boolean } {
    if (type.kind === "param" && type.name === name) return { valid: true, bound: true };
    const current = this.#bound.get(name);
    if (current === undefined) {
      if (this.#mentions(type, name)) return { valid: false, bound: false };
      this.#set(name, type);
      return { valid: true, bound: false };
    }
    if (isSameToChecker(type, current)) return { valid: true, bound: true };
    if (!this.#isAssignable(type, current)) return { valid: false, bound: true };
    const general = mostGeneral(type, current);
    if (!this.#mentions(general, name)) this.#set(name, general);
    return { valid: true, bound: true };
  }

  #set(name: string, type: CelType): void {
    this.#trail.push({ name, before: this.#bound.get(name) });
    this.#bound.set(name, type);
  }

  /** Whether a type contains a parameter, so that the parameter cannot be bound to it. */
  #mentions(type: CelType, name: string): boolean {
    if (type.kind !== "param") return partsOf(type).some((part) => this.#mentions(part, name));
    if (type.name === name) return true;
    const bound = this.#bound.get(type.name);
    return bound !== undefined && this.#mentions(bound, name);
  }
}

/** Returns the more general of two assignable types. */
export function mostGeneral(a: CelType, b: CelType): CelType {
  return isAsGeneral(a, b) ? a : b;
}

/** Whether the checker treats two types as the same. A wrapper counts as the type of its value. */
export function isSameToChecker(a: CelType, b: CelType): boolean {
  return a === b || formatType(unwrap(a)) === formatType(unwrap(b));
}

export function isDyn({ kind }: CelType): boolean {
  return kind === "dyn" || kind === "error" || kind === "any";
}

function isNullable({ kind }: CelType): boolean {
  return ["null", "wrapper", "message", "timestamp", "duration", "opaque"].includes(kind);
}

function unwrap(type: CelType): CelType {
  return type.kind === "wrapper" ? type.of : withParts(type, unwrap);
}

function isAsGeneral(a: CelType, b: CelType): boolean {
  if (isDyn(a) || a.kind === "param") return true;
  if (isDyn(b) || b.kind === "param") return false;
  if (b.kind === "null") return isNullable(a);
  if (a.kind === "type" && b.kind === "type") return true;
  if (a.kind !== b.kind || (a.kind !== "list" && a.kind !== "map" && a.kind !== "opaque")) {
    return isSameToChecker(a, b);
  }
  const theirs = partsOf(b);
  return partsOf(a).every((part, index) => isAsGeneral(part, theirs[index]!));
}
