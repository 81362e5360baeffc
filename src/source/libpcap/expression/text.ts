import { cutText } from "../../../errors/cut-text.js";
import { estimateCost, MAX_EXPRESSION_LENGTH, MAX_OPTIMIZED_COST, whyTooLarge } from "./cost.js";
import { type Lookup, replaceHostNames } from "./names.js";
import { type Token, tokenize } from "./tokens.js";

/** Maximum length of a word or number in an expression: that of a host name. */
const MAX_WORD_LENGTH = 255;

/** pcap-filter text that is safe to compile: of limited length and without host names. */
export interface ExpressionText {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/**
 * Validates what does not depend on the link type, and resolves host names.
 *
 * @throws Error whose message says what is wrong.
 */
export async function prepareExpression(expression: string, lookup?: Lookup): Promise<ExpressionText> {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw new Error(
      `it has ${expression.length} characters, ${MAX_EXPRESSION_LENGTH} are the limit: use recorder filters, of which there may be thousands`,
    );
  }
  // C ends a string at the first NUL.
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
 * Whether to run libpcap's optimizer, which takes cubic time.
 *
 * @throws Error if the text is too expensive even without the optimizer, or nested too deeply.
 */
export function isOptimized({ tokens }: ExpressionText, linkType: number): boolean {
  const cost = estimateCost(tokens, linkType);
  const reason = whyTooLarge(cost);
  if (reason !== undefined) throw new Error(reason);
  return cost.instructions <= MAX_OPTIMIZED_COST;
}

/** Maximum characters of an expression to quote in an error message. */
const QUOTED_LENGTH = 200;

/** Quotes an expression for an error message. */
export function quoteExpression(expression: string): string {
  return JSON.stringify(cutText(expression, QUOTED_LENGTH));
}
