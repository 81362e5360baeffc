import { type Token, TYPE_KEYWORDS } from "./expression-tokens.js";

// libpcap has no bound of its own: its code generator takes quadratic time and its optimizer cubic time, with a recursion as deep
// as the program is long (seen in 1.10.3: 3,000 ports run for minutes, 20,000 protocols overflow the stack). So the program is
// estimated before libpcap sees the text.

/** Longest text, in UTF-16 code units. */
export const MAX_EXPRESSION_LENGTH: number = 65_536;
/** Parentheses, brackets and prefix operators inside each other; libpcap's parser ends at some thousands. */
export const MAX_EXPRESSION_NESTING: number = 500;
/** Instructions, as estimated, up to which libpcap optimizes: about 60 ms at most. */
export const MAX_OPTIMIZED_COST: number = 3000;
/** Instructions, as estimated, up to which a program is compiled at all: about 400 ms at most. */
export const MAX_EXPRESSION_COST: number = 5000;

/** What a text is before libpcap compiles it. */
export interface ExpressionCost {
  /** Instructions of the program before optimization, estimated: seldom too few, often too many. */
  readonly instructions: number;
  readonly nesting: number;
}

// Instructions that libpcap 1.10.3 generates for Ethernet, without `src`, `dst` or a protocol that would make them fewer.
const KEYWORD = 12;
const KEYWORDS: Readonly<Record<string, number>> = {
  ...fromList(
    0,
    "and or not src dst host net mask port portrange proto protochain gateway type subtype on ifname",
  ),
  ...fromList(0, "tcpflags tcp-fin tcp-syn tcp-rst tcp-push tcp-ack tcp-urg tcp-ece tcp-cwr len length"),
  l1: 43,
  l2: 34,
  iih: 27,
  snp: 34,
  lsp: 16,
  csnp: 16,
  psnp: 16,
  decnet: 49,
  connectmsg: 24,
  metaconnect: 24,
};
/** Operands, by the keyword before them that says what they are. */
const OPERANDS: Readonly<Record<string, number>> = { port: 60, portrange: 92, protochain: 36 };
const ADDRESS = 32;
/** A load with what has to be checked before it: `tcp[0]`. */
const LOAD = 30;
const ARITHMETIC = 6;
const HARDWARE_ADDRESS = 8;

/**
 * Link types whose header has a variable length: 802.11, Prism, SunATM, radiotap, AVS, PPI. Each access has to find the packet first,
 * and an 802.11 hardware address may be in four places.
 */
const VARIABLE_LINK_TYPES: ReadonlySet<number> = new Set([105, 119, 123, 127, 163, 192]);
const VARIABLE_FACTOR = 2.5;
const VARIABLE_HARDWARE_ADDRESS = 40;
/** Likewise behind these keywords. */
const ENCAPSULATIONS: ReadonlySet<string> = new Set(["geneve", "vxlan", "mpls", "pppoes"]);
const ENCAPSULATION_FACTOR = 2;

const PREFIX_OPERATORS: ReadonlySet<string> = new Set(["!", "not", "-"]);

/** Estimates what a text costs to compile. Linear. */
export function estimateCost(tokens: readonly Token[], linkType: number): ExpressionCost {
  const isVariable = VARIABLE_LINK_TYPES.has(linkType);
  let factor = isVariable ? VARIABLE_FACTOR : 1;
  let instructions = 0;
  let type = "host";
  let depth = 0;
  let prefixes = 0;
  let nesting = 0;
  let brackets = 0;
  tokens.forEach(({ kind, text }, index) => {
    prefixes = PREFIX_OPERATORS.has(text) ? prefixes + 1 : 0;
    if (text === "(" || text === "[") depth++;
    if (text === ")" || text === "]") depth--;
    if (text === "[") brackets++;
    if (text === "]") brackets--;
    nesting = Math.max(nesting, depth + prefixes);
    if (TYPE_KEYWORDS.has(text)) type = text;
    if (ENCAPSULATIONS.has(text)) factor = Math.max(factor, ENCAPSULATION_FACTOR);
    if (text === "[") instructions += LOAD;
    else if (kind === "operator") instructions += 1;
    else if (kind === "word") instructions += KEYWORDS[text] ?? KEYWORD;
    else if (kind === "mac") instructions += isVariable ? VARIABLE_HARDWARE_ADDRESS : HARDWARE_ADDRESS;
    else if (kind === "number" && (brackets > 0 || isArithmetic(tokens, index))) instructions += ARITHMETIC;
    else instructions += OPERANDS[type] ?? ADDRESS;
  });
  return { instructions: Math.ceil(instructions * factor), nesting };
}

const BOOLEAN_OPERATORS: ReadonlySet<string> = new Set(["(", ")", "!", "&&", "||"]);

/** Whether a number is compared or calculated with, or the length of a prefix. */
function isArithmetic(tokens: readonly Token[], index: number): boolean {
  const isOperator = (token: Token | undefined) =>
    token?.kind === "operator" && !BOOLEAN_OPERATORS.has(token.text);
  return isOperator(tokens[index - 1]) || isOperator(tokens[index + 1]);
}

function fromList(cost: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(" ").map((name) => [name, cost]));
}

/** Why a text of this cost is not compiled; undefined when it can be. */
export function whyTooLarge({ instructions, nesting }: ExpressionCost): string | undefined {
  if (nesting > MAX_EXPRESSION_NESTING) {
    return `it is nested ${nesting} levels deep, ${MAX_EXPRESSION_NESTING} are the limit: remove parentheses and repeated "not"`;
  }
  if (instructions > MAX_EXPRESSION_COST) {
    return (
      `it needs about ${instructions} instructions, ${MAX_EXPRESSION_COST} are the limit (a port takes about ${OPERANDS.port}, ` +
      `an address ${ADDRESS}): combine ports to ranges and addresses to networks, or use recorder filters, of which there may be thousands`
    );
  }
  return undefined;
}
