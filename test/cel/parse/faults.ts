import { CelError } from "../../../src/cel/parse/issue.js";
import type { CelGoVersion } from "../../../src/cel/parse/lex.js";
import { type CelLimits, parseCel } from "../../../src/cel/parse/parse.js";

type Options = CelLimits & { readonly version?: CelGoVersion };

/** The error of an expression; undefined when it parses. Anything else that is thrown fails the test. */
export function errorOf(expression: string, options?: Options): CelError | undefined {
  try {
    parseCel(expression, options);
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

/** Each fault as `column: message`. */
export const faultsOf = (expression: string, options?: Options): string[] | undefined =>
  errorOf(expression, options)?.issues.map(({ column, message }) => `${column}: ${message}`);
