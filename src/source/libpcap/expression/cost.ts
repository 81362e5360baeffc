import { type Token, TYPE_KEYWORDS } from "./tokens.js";

// libpcap does not limit the cost of an expression. Its code generator takes quadratic time and its optimizer cubic
// time, and its recursion is as deep as the program is long (seen in 1.10.3: 3,000 ports run for minutes, 20,000
// protocols overflow the stack). So the program's size is estimated before libpcap gets the text.

/** Maximum length of the text in UTF-16 code units. */
export const MAX_EXPRESSION_LENGTH: number = 65_536;
/** Maximum nesting of parentheses, brackets and prefix operators; libpcap's parser fails at several thousand. */
export const MAX_EXPRESSION_NESTING: number = 500;
/** Maximum estimated instructions for which libpcap's optimizer runs: about 100 ms at most. */
export const MAX_OPTIMIZED_COST: number = 3000;
/** Maximum estimated instructions of a program: about 500 ms to compile at most. */
export const MAX_EXPRESSION_COST: number = 9500;

/** Estimated cost of compiling an expression. */
export interface ExpressionCost {
  /** Estimated instructions before optimization; rarely too low, often too high. */
  readonly instructions: number;
  readonly nesting: number;
}

// Instructions that libpcap 1.10.3 generates for Ethernet, or for raw IP if that needs more.
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
/** Instructions for an operand in both directions, and in one (`src`, `dst`). */
interface OperandCost {
  readonly both: number;
  readonly one: number;
}
const ADDRESS: OperandCost = { both: 31, one: 16 };
const ADDRESS_6: OperandCost = { both: 24, one: 12 };
/** After one of {@link ADDRESS_PROTOCOLS} an IPv4 address is compared in one place, otherwise in three. */
const ADDRESS_OF_PROTOCOL: OperandCost = { both: 11, one: 6 };
const ADDRESS_PROTOCOLS: ReadonlySet<string> = new Set(["ip", "arp", "rarp"]);
const PORTS: Readonly<Record<string, OperandCost>> = {
  port: { both: 64, one: 44 },
  portrange: { both: 95, one: 59 },
};
/** The same for ports after one of {@link PORT_PROTOCOLS}. */
const PORTS_OF_PROTOCOL: Readonly<Record<string, OperandCost>> = {
  port: { both: 25, one: 18 },
  portrange: { both: 35, one: 24 },
};
const PORT_PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);
const PROTOCHAIN = 36;
/** A load and the checks before it: `tcp[0]`. */
const LOAD = 30;
const ARITHMETIC = 6;
const HARDWARE_ADDRESS = 8;

/**
 * Link types with a header of variable length: 802.11, Prism, SunATM, radiotap, AVS, PPI. Each access must first locate
 * the packet, and an 802.11 hardware address may be in four places.
 */
const VARIABLE_LINK_TYPES: ReadonlySet<number> = new Set([105, 119, 123, 127, 163, 192]);
const VARIABLE_FACTOR = 2.5;
const VARIABLE_HARDWARE_ADDRESS = 40;
/** The same applies after these keywords. */
const ENCAPSULATIONS: ReadonlySet<string> = new Set(["geneve", "vxlan", "mpls", "pppoes"]);
const ENCAPSULATION_FACTOR = 2;

const PREFIX_OPERATORS: ReadonlySet<string> = new Set(["!", "not", "-"]);

/** Estimates the cost of compiling an expression, in linear time. */
export function estimateCost(tokens: readonly Token[], linkType: number): ExpressionCost {
  const isVariable = VARIABLE_LINK_TYPES.has(linkType);
  const qualifiers = new Qualifiers();
  let factor = isVariable ? VARIABLE_FACTOR : 1;
  let instructions = 0;
  let depth = 0;
  let prefixes = 0;
  let nesting = 0;
  let brackets = 0;
  tokens.forEach((token, index) => {
    const { kind, text } = token;
    prefixes = PREFIX_OPERATORS.has(text) ? prefixes + 1 : 0;
    if (text === "(" || text === "[") depth++;
    if (text === ")" || text === "]") depth--;
    if (text === "[") brackets++;
    if (text === "]") brackets--;
    nesting = Math.max(nesting, depth + prefixes);
    if (ENCAPSULATIONS.has(text)) factor = Math.max(factor, ENCAPSULATION_FACTOR);
    if (kind === "operator") {
      instructions += qualifiers.endAt(text) + (text === "[" ? LOAD : 1);
    } else if (kind === "word") instructions += qualifiers.add(text);
    else if (kind === "mac") instructions += isVariable ? VARIABLE_HARDWARE_ADDRESS : HARDWARE_ADDRESS;
    else if (kind === "number" && (brackets > 0 || isArithmetic(tokens, index))) instructions += ARITHMETIC;
    else instructions += qualifiers.operand(token);
  });
  return { instructions: Math.ceil((instructions + qualifiers.endAt("")) * factor), nesting };
}

/**
 * Tracks the qualifiers before an operand. As in libpcap, they also apply to further operands (`tcp port 80 or 81`)
 * until the next qualifier. If in doubt, the estimate assumes no protocol and both directions, which costs most.
 */
class Qualifiers {
  #type = "host";
  /** A protocol that makes operands cheaper. */
  #protocol: string | undefined;
  #directions = new Set<string>();
  /** Whether an operand has followed the last qualifier. */
  #isUsed = false;
  #last = "";

  /** Adds a keyword. Returns the instructions of a keyword that is a test of its own. */
  add(word: string): number {
    if (word === "and" || word === "or" || word === "not") return this.endAt(word);
    if (this.#isUsed) this.#clear();
    this.#last = word;
    if (word === "src" || word === "dst") {
      this.#directions.add(word);
      return 0;
    }
    if (TYPE_KEYWORDS.has(word)) {
      this.#type = word;
      return KEYWORDS[word] ?? KEYWORD;
    }
    const previous = this.#clear();
    this.#last = word;
    if (!ADDRESS_PROTOCOLS.has(word) && !PORT_PROTOCOLS.has(word))
      return previous + (KEYWORDS[word] ?? KEYWORD);
    this.#protocol = word;
    return previous;
  }

  operand({ kind }: Token): number {
    this.#isUsed = true;
    const costs = this.#costs(kind);
    return this.#directions.size === 1 ? costs.one : costs.both;
  }

  /** Ends the qualifiers at an operator. Returns the instructions of a protocol that was a test of its own. */
  endAt(operator: string): number {
    const isBetweenDirections = this.#last === "src" || this.#last === "dst";
    const isConnective = operator !== "(" && operator !== ")";
    // `src or dst port 80`, `port (80 or 81)`, `port 80 or 81`.
    const goesOn = isConnective ? this.#isUsed || isBetweenDirections : operator === "(" && !this.#isUsed;
    this.#last = operator;
    return goesOn ? 0 : this.#clear();
  }

  #costs(kind: Token["kind"]): OperandCost {
    const type = this.#type;
    const protocol = this.#protocol ?? "";
    if (type === "protochain") return { both: PROTOCHAIN, one: PROTOCHAIN };
    if (type in PORTS) return (PORT_PROTOCOLS.has(protocol) ? PORTS_OF_PROTOCOL : PORTS)[type]!;
    if (kind === "address6") return ADDRESS_6;
    return kind === "address4" && ADDRESS_PROTOCOLS.has(protocol) ? ADDRESS_OF_PROTOCOL : ADDRESS;
  }

  /** Resets everything except the type. Returns the instructions of a protocol without an operand. */
  #clear(): number {
    const alone = this.#protocol !== undefined && !this.#isUsed ? KEYWORD : 0;
    this.#protocol = undefined;
    this.#directions.clear();
    this.#isUsed = false;
    return alone;
  }
}

const BOOLEAN_OPERATORS: ReadonlySet<string> = new Set(["(", ")", "!", "&&", "||"]);

/** Whether a number is part of a comparison, a calculation or a prefix length. */
function isArithmetic(tokens: readonly Token[], index: number): boolean {
  const isOperator = (token: Token | undefined) =>
    token?.kind === "operator" && !BOOLEAN_OPERATORS.has(token.text);
  return isOperator(tokens[index - 1]) || isOperator(tokens[index + 1]);
}

function fromList(cost: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(" ").map((name) => [name, cost]));
}

/** Why an expression of this cost is not compiled; undefined if it can be. */
export function whyTooLarge({ instructions, nesting }: ExpressionCost): string | undefined {
  if (nesting > MAX_EXPRESSION_NESTING) {
    return `it is nested ${nesting} levels deep, ${MAX_EXPRESSION_NESTING} are the limit: remove parentheses and repeated "not"`;
  }
  if (instructions > MAX_EXPRESSION_COST) {
    return (
      `it needs about ${instructions} instructions, ${MAX_EXPRESSION_COST} are the limit (a port takes about ${PORTS.port!.both}, ` +
      `behind "tcp dst" ${PORTS_OF_PROTOCOL.port!.one}; an address ${ADDRESS.both}, behind "src" ${ADDRESS.one}): combine ports to ranges and addresses to networks, or use recorder filters, of which there may be thousands`
    );
  }
  return undefined;
}
