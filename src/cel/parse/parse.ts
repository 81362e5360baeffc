import type { OptionTable } from "../../errors/check-options.js";
import { aNumberFrom, valueCheck } from "../../errors/value-checks.js";
import type { Expr } from "./ast.js";
import { CelError, WHOLE_EXPRESSION } from "./issue.js";
import type { CelGoVersion } from "./lex.js";
import { CelParser } from "./parser.js";

// Half of the depth at which the worst expressions, such as `((((`, overflow Node's default stack.
const MAX_DEPTH = 500;

/** Limits for expressions. */
export interface CelLimits {
  /** The maximum length in code points. Default 4096. */
  readonly maxCodePoints?: number;
  /** The maximum nesting of grammar rules and operators. Default 250, as in cel-go; at most 500. */
  readonly maxDepth?: number;
}

/** The checks for the limits. */
export const CEL_LIMITS: OptionTable<CelLimits> = {
  maxCodePoints: aNumberFrom(0),
  maxDepth: valueCheck(
    `a number from 0 to ${MAX_DEPTH}`,
    (value) => typeof value === "number" && value >= 0 && value <= MAX_DEPTH,
  ),
};

/**
 * Parses an expression like cel-go, with its standard macros and without optional syntax
 * (https://github.com/google/cel-go/blob/v0.20.1/parser/parser.go). Takes time linear in the length.
 *
 * @throws CelError with cel-go's error texts; a syntax error has its own text and the first position that cannot be
 *   valid.
 */
export function parseCel(
  expression: string,
  {
    maxCodePoints = 4096,
    maxDepth = 250,
    version = "0.20",
  }: CelLimits & { readonly version?: CelGoVersion } = {},
): Expr {
  if (expression.length > maxCodePoints) {
    const size = countCodePoints(expression);
    if (size > maxCodePoints) {
      const message = `expression code point size exceeds limit: size: ${size}, limit ${maxCodePoints}`;
      throw new CelError(expression, [{ at: WHOLE_EXPRESSION, message }]);
    }
  }
  return new CelParser(expression, maxDepth, version).parse();
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
