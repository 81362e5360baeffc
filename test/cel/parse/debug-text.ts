import type { Expr, Literal, MacroExpr } from "../../../src/cel/parse/ast.js";
import { goQuote } from "../../../src/go/strconv/quote.js";

/** The tree as cel-go's `ToDebugString` prints it, every node with the Go type that it has there, macros expanded. */
export function debugText(expr: Expr): string {
  switch (expr.kind) {
    case "const":
      return `${literalText(expr.literal)}^#*expr.${CONSTANT_KINDS[expr.literal.type]}#`;
    case "ident":
      return `${expr.name}^#*expr.Expr_IdentExpr#`;
    case "select":
      return `${debugText(expr.operand)}.${expr.field}${expr.testOnly ? "~test-only~" : ""}^#*expr.Expr_SelectExpr#`;
    case "call": {
      const target = expr.target === undefined ? "" : `${debugText(expr.target)}.`;
      return target + callText(expr.function, expr.args.map(debugText));
    }
    case "list":
      return `${block("[", expr.elements.map(debugText), "]")}^#*expr.Expr_ListExpr#`;
    case "map":
      return structText(
        "",
        expr.entries.map(({ key, value }) => `${debugText(key)}:${debugText(value)}`),
      );
    case "struct":
      return structText(
        expr.name,
        expr.fields.map(({ name, value }) => `${name}:${debugText(value)}`),
      );
    case "macro":
      return comprehensionText(expr);
  }
}

const CONSTANT_KINDS: { readonly [Type in Literal["type"]]: string } = {
  null: "Constant_NullValue",
  bool: "Constant_BoolValue",
  int: "Constant_Int64Value",
  uint: "Constant_Uint64Value",
  double: "Constant_DoubleValue",
  string: "Constant_StringValue",
  bytes: "Constant_BytesValue",
};

function literalText(literal: Literal): string {
  switch (literal.type) {
    case "null":
      return "null";
    case "uint":
      return `${literal.value}u`;
    case "string":
      return goQuote(literal.value);
    case "bytes":
      return `b"${quoteBytes(literal.value)}"`;
    case "double":
      return formatDouble(literal.value);
    default:
      return String(literal.value);
  }
}

/** As Go's `strconv.Quote` does without its quotes: invalid UTF-8 is written as single bytes. */
function quoteBytes(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; ) {
    const lengths = [1, 2, 3, 4].filter((length) => index + length <= bytes.length);
    const character = lengths
      .map((length) => decodeUtf8(bytes.subarray(index, index + length)))
      .find(Boolean);
    text +=
      character === undefined
        ? `\\x${bytes[index]!.toString(16).padStart(2, "0")}`
        : goQuote(character).slice(1, -1);
    index += character === undefined ? 1 : new TextEncoder().encode(character).length;
  }
  return text;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** As Go's `strconv.FormatFloat(value, 'g', -1, 64)` does. */
function formatDouble(value: number): string {
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  if (Number(exponent) < -4 || Number(exponent) >= 6) {
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function callText(name: string, args: readonly string[]): string {
  return `${block(`${name}(`, args, ")")}^#*expr.Expr_CallExpr#`;
}

function structText(name: string, entries: readonly string[]): string {
  const adorned = entries.map((entry) => `${entry}^#*expr.Expr_CreateStruct_Entry#`);
  return `${block(`${name}{`, adorned, "}")}^#*expr.Expr_StructExpr#`;
}

function block(open: string, items: readonly string[], close: string): string {
  return items.length === 0 ? open + close : `${open}\n${indent(items.join(",\n"))}\n${close}`;
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}

const RESULT = "@result^#*expr.Expr_IdentExpr#";

function comprehensionText(macro: MacroExpr): string {
  const [init, condition, step, result] = expansion(macro);
  const body = [
    ["Variable", macro.variable],
    ["Target", debugText(macro.range)],
    ["Accumulator", "@result"],
    ["Init", init],
    ["LoopCondition", condition],
    ["LoopStep", step],
    ["Result", result],
  ].map(([title, text]) => `// ${title}\n${text}`);
  return `__comprehension__(\n${indent(body.join(",\n"))})^#*expr.Expr_ComprehensionExpr#`;
}

/** Of the loop that a macro stands for: how the result begins, when it goes on, what a step makes of it, what it gives. */
function expansion(macro: MacroExpr): [init: string, condition: string, step: string, result: string] {
  const predicate = macro.predicate && debugText(macro.predicate);
  const always = "true^#*expr.Constant_BoolValue#";
  const one = "1^#*expr.Constant_Int64Value#";
  const when = (step: string): string =>
    predicate === undefined ? step : callText("_?_:_", [predicate, step, RESULT]);
  switch (macro.macro) {
    case "all":
      return [
        always,
        callText("@not_strictly_false", [RESULT]),
        callText("_&&_", [RESULT, predicate!]),
        RESULT,
      ];
    case "exists": {
      const goOn = callText("@not_strictly_false", [callText("!_", [RESULT])]);
      return ["false^#*expr.Constant_BoolValue#", goOn, callText("_||_", [RESULT, predicate!]), RESULT];
    }
    case "exists_one":
      return [
        "0^#*expr.Constant_Int64Value#",
        always,
        when(callText("_+_", [RESULT, one])),
        callText("_==_", [RESULT, one]),
      ];
    case "map":
    case "filter": {
      const element = macro.transform
        ? debugText(macro.transform)
        : `${macro.variable}^#*expr.Expr_IdentExpr#`;
      const list = `${block("[", [element], "]")}^#*expr.Expr_ListExpr#`;
      return ["[]^#*expr.Expr_ListExpr#", always, when(callText("_+_", [RESULT, list])), RESULT];
    }
  }
}
