import type { CallExpr, Expr } from "./ast.js";
import type { TokenKind } from "./lex.js";

/** The tightness of sums. */
export const LOOSEST = 1;

/** Sums and products: their functions, and how tightly they bind. */
export const CALCULATIONS: ReadonlyMap<TokenKind, { name: string; tightness: number }> = new Map([
  ["+", { name: "_+_", tightness: 1 }],
  ["-", { name: "_-_", tightness: 1 }],
  ["*", { name: "_*_", tightness: 2 }],
  ["/", { name: "_/_", tightness: 2 }],
  ["%", { name: "_%_", tightness: 2 }],
]);

/** The functions of the relations. */
export const RELATIONS: ReadonlyMap<TokenKind, string> = new Map([
  ["<", "_<_"],
  ["<=", "_<=_"],
  [">", "_>_"],
  [">=", "_>=_"],
  ["==", "_==_"],
  ["!=", "_!=_"],
  ["in", "@in"],
]);

/** Creates the call of an operator or function. */
export function call(at: number, name: string, args: readonly Expr[]): CallExpr {
  return { kind: "call", at, function: name, target: undefined, args };
}

/** Builds a balanced tree of the operators from `first` to `last`. */
export function balance(
  name: string,
  terms: readonly Expr[],
  signs: readonly number[],
  first: number,
  last: number,
): Expr {
  const middle = Math.floor((first + last + 1) / 2);
  const left = middle === first ? terms[middle]! : balance(name, terms, signs, first, middle - 1);
  const right = middle === last ? terms[middle + 1]! : balance(name, terms, signs, middle + 1, last);
  return call(signs[middle]!, name, [left, right]);
}
