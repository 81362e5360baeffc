import type { Expr } from "../../../src/cel/parse/ast.js";

/** The tree in a form like the source, every operation in brackets. */
export function outline(expr: Expr): string {
  switch (expr.kind) {
    case "const":
      return expr.literal.type === "null" ? "null" : String(expr.literal.value);
    case "ident":
      return expr.name;
    case "select":
      return expr.testOnly
        ? `has(${outline(expr.operand)}.${expr.field})`
        : `${outline(expr.operand)}.${expr.field}`;
    case "call": {
      const args = expr.args.map(outline).join(" ");
      return expr.target === undefined
        ? `(${expr.function} ${args})`
        : `(${outline(expr.target)}.${expr.function} ${args})`;
    }
    case "list":
      return `[${expr.elements.map(outline)}]`;
    case "map":
      return `{${expr.entries.map(({ key, value }) => `${outline(key)}:${outline(value)}`)}}`;
    case "struct":
      return `${expr.name}{${expr.fields.map(({ name, value }) => `${name}:${outline(value)}`)}}`;
    case "macro": {
      const parts = [expr.predicate, expr.transform].map((part) =>
        part === undefined ? "-" : outline(part),
      );
      return `(${expr.macro} ${outline(expr.range)} ${expr.variable} ${parts.join(" ")})`;
    }
  }
}
