import type { Expr } from "../../src/cel/parse/ast.js";

/** Puts `dyn()` around literals and variables, so that what they are is only known at run time. */
export function hideTypes(expr: Expr, variables: readonly string[]): Expr {
  const hide = (part: Expr) => hideTypes(part, variables);
  switch (expr.kind) {
    case "const":
      return hidden(expr);
    case "ident":
      return variables.includes(expr.name) ? hidden(expr) : expr;
    case "select":
      return { ...expr, operand: hide(expr.operand) };
    case "call":
      return { ...expr, target: expr.target && hide(expr.target), args: expr.args.map(hide) };
    case "list":
      return { ...expr, elements: expr.elements.map(hide) };
    case "map":
      return {
        ...expr,
        entries: expr.entries.map((entry) => ({ ...entry, key: hide(entry.key), value: hide(entry.value) })),
      };
    case "struct":
      return { ...expr, fields: expr.fields.map((field) => ({ ...field, value: hide(field.value) })) };
    case "macro": {
      const inner = (part: Expr | undefined) => part && hideTypes(part, [...variables, expr.variable]);
      return {
        ...expr,
        range: hide(expr.range),
        predicate: inner(expr.predicate),
        transform: inner(expr.transform),
      };
    }
  }
}

function hidden(leaf: Expr): Expr {
  return { kind: "call", at: leaf.at, function: "dyn", target: undefined, args: [leaf] };
}
