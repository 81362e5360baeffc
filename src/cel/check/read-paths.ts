import type { DescMessage } from "@bufbuild/protobuf";
import type { CallExpr, Expr, MacroExpr, SelectExpr } from "../parse/ast.js";
import type { CheckedExpr } from "./checked.js";
import { findField, type TypeRegistry } from "./environment.js";
import { isWellKnown } from "./type.js";

/**
 * The fields of a message that an expression can read, as paths of proto names such as `source.labels`. A path names a
 * field as a whole; the empty path names the whole message. Elements of a list of messages share one path.
 *
 * The expression has the same result for a message that contains only these fields and the messages on the way to
 * them, including empty ones.
 *
 * @param variable The name of the variable that holds the message.
 */
export function readPaths(
  checked: CheckedExpr,
  registry: TypeRegistry,
  variable: string,
  desc: DescMessage,
): readonly string[] {
  const reader = new PathReader(checked, registry, variable, desc);
  reader.readAll(checked.expr);
  return withoutInner(reader.paths);
}

/** A part of the message that the value of a node is, contains as an element, or is an element of. */
interface Origin {
  readonly path: string;
  /** The message at the path; undefined for other values, which are always read as a whole. */
  readonly message: DescMessage | undefined;
}

/** The origins of values that are not read yet. They are read when they are used, or narrowed to a field. */
type Origins = readonly Origin[];

class PathReader {
  readonly paths = new Set<string>();
  readonly #checked: CheckedExpr;
  readonly #registry: TypeRegistry;
  readonly #variable: string;
  readonly #root: Origin;
  /** What the variables of macros stand for, and whether the macro uses its variable. */
  readonly #macros = new Map<MacroExpr, { readonly origins: Origins; isUsed: boolean }>();

  constructor(checked: CheckedExpr, registry: TypeRegistry, variable: string, desc: DescMessage) {
    this.#checked = checked;
    this.#registry = registry;
    this.#variable = variable;
    this.#root = { path: "", message: desc };
  }

  /** Visits nodes whose values are used as they are. */
  readAll(...exprs: readonly (Expr | undefined)[]): void {
    for (const expr of exprs) if (expr !== undefined) this.#read(this.#originsOf(expr));
  }

  #read(origins: Origins): void {
    for (const { path } of origins) this.paths.add(path);
  }

  #originsOf(expr: Expr): Origins {
    const macro = this.#checked.macroOf(expr);
    if (macro !== undefined) {
      const variable = this.#macros.get(macro)!;
      variable.isUsed = true;
      return variable.origins;
    }
    const reference = this.#checked.referenceOf(expr);
    if (reference !== undefined) {
      return reference.kind === "variable" && reference.name === this.#variable ? [this.#root] : [];
    }
    switch (expr.kind) {
      case "const":
      case "ident":
        return [];
      case "select":
        return this.#originsOfField(expr);
      case "call":
        return this.#originsOfCall(expr);
      case "list":
        // An element has the origins of its list.
        return expr.elements.flatMap((element) => this.#originsOf(element));
      case "map":
        for (const { key, value } of expr.entries) this.readAll(key, value);
        return [];
      case "struct":
        this.readAll(...expr.fields.map(({ value }) => value));
        return [];
      case "macro":
        return this.#originsOfMacro(expr);
    }
  }

  #originsOfField({ operand, field: name, testOnly }: SelectExpr): Origins {
    const found = this.#originsOf(operand).flatMap((origin): Origins => {
      const field = origin.message && findField(origin.message, name);
      if (field === undefined) {
        // A key of a map, a field of an Any, or a field that the type lacks.
        this.#read([origin]);
        return [];
      }
      const path = origin.path === "" ? name : `${origin.path}.${name}`;
      const type = field.fieldKind === "map" ? undefined : field.message?.typeName;
      const message = type === undefined || isWellKnown(type) ? undefined : this.#registry.getMessage(type);
      return [{ path, message }];
    });
    if (!testOnly) return found;
    this.#read(found);
    return [];
  }

  #originsOfCall({ function: name, target, args }: CallExpr): Origins {
    const [first, second, third] = args;
    if (name === "_?_:_" && first && second && third) {
      this.readAll(first);
      return [...this.#originsOf(second), ...this.#originsOf(third)];
    }
    if (name === "_[_]" && first && second) {
      this.readAll(second);
      return this.#originsOf(first);
    }
    this.readAll(target, ...args);
    return [];
  }

  #originsOfMacro(expr: MacroExpr): Origins {
    const variable = { origins: this.#originsOf(expr.range), isUsed: false };
    this.#macros.set(expr, variable);
    this.readAll(expr.predicate, expr.transform);
    // The number of elements matters, even if nothing of them does.
    if (!variable.isUsed) this.#read(variable.origins);
    return expr.macro === "filter" ? variable.origins : [];
  }
}

/** Paths, sorted, without those below another one. */
function withoutInner(paths: ReadonlySet<string>): readonly string[] {
  if (paths.has("")) return [""];
  const isInner = (path: string) => {
    for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
      if (paths.has(path.slice(0, dot))) return true;
    }
    return false;
  };
  return [...paths].filter((path) => !isInner(path)).sort();
}
