import { cutText } from "../../errors/cut-text.js";
import { estimateCost, MAX_EXPRESSION_LENGTH, MAX_OPTIMIZED_COST, whyTooLarge } from "./expression-cost.js";
import { type Lookup, replaceHostNames } from "./expression-names.js";
import { type Token, tokenize } from "./expression-tokens.js";

/** Longest name or number in an expression: that of a host. */
const MAX_WORD_LENGTH = 255;

/** pcap-filter text that libpcap may compile: bounded in length, and without host names. */
export interface ExpressionText {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/**
 * Checks what can be checked without a link type, and looks up host names.
 *
 * @throws Error that says what is wrong.
 */
export async function prepareExpression(expression: string, lookup?: Lookup): Promise<ExpressionText> {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw new Error(
      `it has ${expression.length} characters, ${MAX_EXPRESSION_LENGTH} are the limit: use recorder filters, of which there may be thousands`,
    );
  }
  // C would end the text at its first 0.
  const invalid = /[\0\x80-\u{10ffff}]/u.exec(expression);
  if (invalid !== null) {
    throw new Error(
      `character ${invalid.index + 1} is ${JSON.stringify(invalid[0])}: only ASCII is allowed, without 0`,
    );
  }
  const tokens = tokenize(expression);
  const long = tokens.find(({ text }) => text.length > MAX_WORD_LENGTH);
  if (long !== undefined) {
    throw new Error(
      `character ${long.start + 1} begins a word of ${long.text.length} characters, ${MAX_WORD_LENGTH} are the limit`,
    );
  }
  const text = await replaceHostNames(expression, tokens, lookup);
  return { text, tokens: text === expression ? tokens : tokenize(text) };
}

/**
 * Whether libpcap shall optimize the program: that takes cubic time.
 *
 * @throws Error for a text that would take too long even without, or recurse too deep.
 */
export function isOptimized({ tokens }: ExpressionText, linkType: number): boolean {
  const cost = estimateCost(tokens, linkType);
  const reason = whyTooLarge(cost);
  if (reason !== undefined) throw new Error(reason);
  return cost.instructions <= MAX_OPTIMIZED_COST;
}

/** Characters of an expression that an error message quotes. */
const QUOTED_LENGTH = 200;

/** An expression as error messages quote it. */
export function quoteExpression(expression: string): string {
  return JSON.stringify(cutText(expression, QUOTED_LENGTH));
}
