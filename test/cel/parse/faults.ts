import { CelError } from "../../../src/cel/parse/issue.js";
import { type CelLimits, parseCel } from "../../../src/cel/parse/parse.js";

/** The error of an expression; undefined when it parses. Anything else that is thrown fails the test. */
export function errorOf(expression: string, limits?: CelLimits): CelError | undefined {
  try {
    parseCel(expression, limits);
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

/** Each fault as `column: message`. */
export const faultsOf = (expression: string, limits?: CelLimits): string[] | undefined =>
  errorOf(expression, limits)?.issues.map(({ column, message }) => `${column}: ${message}`);
