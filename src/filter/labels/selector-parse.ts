import { compareText } from "../../go/compare.js";
import { parseInt64 } from "../../go/strconv/parse-integer.js";
import { goQuote } from "../../go/strconv/quote.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { parseCidrKey } from "./cidr-label.js";
import { ANY_SOURCE, CIDR_SOURCE, UNSPECIFIED_SOURCE } from "./label.js";
import { labelValueFaults, qualifiedNameFaults } from "./qualified-name.js";
import type { LabelOperator, LabelRequirement } from "./requirement.js";
import { lexSelector, type Token, type TokenKind } from "./selector-lex.js";
import { translateSelector } from "./translate.js";

/** The rules for label selectors. */
export type LabelRules = Pick<HubbleRules, "evenCommasEndSet" | "invalidCidrLabels" | "labelFaults">;

/** A selector that Hubble rejects. The message is Hubble's, without the prefix `invalid … label filter: `. */
export class LabelSelectorError extends Error {
  override readonly name = "LabelSelectorError";
}

/**
 * Parses a selector into its requirements, in the order in which they are written; empty for an empty selector. The
 * grammar is that of Kubernetes (https://pkg.go.dev/k8s.io/apimachinery/pkg/labels#Parse) as
 * the version of Hubble uses it.
 *
 * @throws LabelSelectorError
 */
export function parseSelector(selector: string, rules: LabelRules): LabelRequirement[] {
  return new SelectorParser(lexSelector(translateSelector(selector)), rules).parse();
}

/**
 * Kubernetes' recursive descent parser. It makes the same checks in the same order because the first fault is reported.
 */
class SelectorParser {
  readonly #tokens: readonly Token[];
  readonly #rules: LabelRules;
  #position = 0;

  constructor(tokens: readonly Token[], rules: LabelRules) {
    this.#tokens = tokens;
    this.#rules = rules;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    while (true) {
      const first = this.#next();
      if (first.kind === "end") return requirements;
      if (!beginsRequirement(first)) throw unexpected(first, ", expected: !, identifier, or 'end of string'");
      requirements.push(this.#requirement());
      const after = this.#take();
      if (after.kind === "end") return requirements;
      if (after.kind !== ",") throw unexpected(after, ", expected: ',' or 'end of string'");
      if (!beginsRequirement(this.#next()))
        throw unexpected(this.#next(), ", expected: identifier after ','");
    }
  }

  #requirement(): LabelRequirement {
    let token = this.#take();
    const negated = token.kind === "!";
    if (negated) token = this.#take();
    if (!isWord(token)) throw unexpectedInRequirement(token, ", expected: identifier");
    const key = token.text;
    const keyFaults = qualifiedNameFaults(key, this.#rules.labelFaults);
    if (keyFaults.length > 0) throw invalid([fault("<nil>", key, keyFaults.join("; "))]);
    if (negated) return requirement(key, "!", [], this.#rules);
    if (this.#next().kind === "end" || this.#next().kind === ",")
      return requirement(key, "exists", [], this.#rules);

    const operator = this.#take();
    switch (operator.kind) {
      case "in":
      case "notin":
        return requirement(key, operator.kind, this.#values(), this.#rules);
      case "=":
      case "==":
      case "!=":
      case ">":
      case "<":
        return requirement(key, operator.kind, [this.#exactValue()], this.#rules);
      default:
        throw unexpectedInRequirement(operator, ", expected: in, notin, =, ==, !=, gt, lt");
    }
  }

  #values(): Iterable<string> {
    const open = this.#take();
    if (open.kind !== "(") throw unexpectedInRequirement(open, " expected: '('");
    const first = this.#next();
    if (first.kind === ")") {
      this.#take();
      return [""];
    }
    if (!isWord(first) && first.kind !== ",") {
      throw unexpectedInRequirement(first, ", expected: ',', ')' or identifier");
    }
    const values = this.#identifiers();
    this.#take(); // the closing parenthesis
    return values;
  }

  #identifiers(): Set<string> {
    const values = new Set<string>();
    while (true) {
      const token = this.#take();
      if (isWord(token)) {
        values.add(token.text);
        const after = this.#next();
        if (after.kind === ")") return values;
        if (after.kind !== ",") throw unexpectedInRequirement(after, ", expected: ',' or ')'");
      } else if (token.kind === ",") {
        if (values.size === 0) values.add("");
        if (this.#next().kind === ")") return values.add("");
        if (this.#next().kind === ",") {
          this.#take();
          values.add("");
          if (this.#rules.evenCommasEndSet && this.#next().kind === ")") return values;
        }
      } else {
        throw unexpectedInRequirement(token, ", expected: ',', or identifier");
      }
    }
  }

  #exactValue(): string {
    if (this.#next().kind === "end" || this.#next().kind === ",") return "";
    const token = this.#take();
    if (!isWord(token)) throw unexpectedInRequirement(token, ", expected: identifier");
    return token.text;
  }

  #next(): Token {
    return this.#tokens[this.#position]!;
  }

  /** Must not be called after it has returned the end. */
  #take(): Token {
    return this.#tokens[this.#position++]!;
  }
}

/** `in` and `notin` are operators only in the position of an operator. */
const WORDS: ReadonlySet<TokenKind> = new Set<TokenKind>(["identifier", "in", "notin"]);

function isWord(token: Token): boolean {
  return WORDS.has(token.kind);
}

function beginsRequirement(token: Token): boolean {
  return isWord(token) || token.kind === "!";
}

/** Kubernetes' `NewRequirement`: sorts the values, then reports all their faults. */
function requirement(
  key: string,
  operator: LabelOperator,
  unsorted: Iterable<string>,
  { invalidCidrLabels, labelFaults }: LabelRules,
): LabelRequirement {
  const values = [...unsorted].sort(compareText);
  const faults: string[] = [];
  if (operator === ">" || operator === "<") {
    values.forEach((value, index) => {
      if (parseInt64(value) !== undefined) return;
      faults.push(fault(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
    });
  }
  values.forEach((value, index) => {
    const valueFaults = labelValueFaults(value, labelFaults);
    if (valueFaults.length > 0) faults.push(fault(`values[${index}][${key}]`, value, valueFaults.join("; ")));
  });
  if (faults.length > 0) throw invalid(faults);
  const name = splitSource(key);
  const hasNoLabel =
    invalidCidrLabels === "unequal" && name.source === CIDR_SOURCE && parseCidrKey(name.key) === undefined;
  return { ...name, ...(hasNoLabel && { hasNoLabel }), operator, values };
}

/** Cilium's `parseSelectLabel`: the source ends at the first dot. */
function splitSource(key: string): { source: string; key: string } {
  const dot = key.indexOf(".");
  if (dot < 0) return { source: ANY_SOURCE, key };
  const source = key.slice(0, dot);
  return { source: source === UNSPECIFIED_SOURCE ? ANY_SOURCE : source, key: key.slice(dot + 1) };
}

/** Kubernetes' `field.Invalid`. */
function fault(path: string, value: string, detail: string): string {
  return `${path}: Invalid value: ${goQuote(value)}: ${detail}`;
}

function unexpected(token: Token, expected: string): LabelSelectorError {
  return new LabelSelectorError(`found '${token.text}'${expected}`);
}

function unexpectedInRequirement(token: Token, expected: string): LabelSelectorError {
  return new LabelSelectorError(`unable to parse requirement: found '${token.text}'${expected}`);
}

function invalid(faults: readonly string[]): LabelSelectorError {
  // Kubernetes' aggregate error: a single fault has no brackets.
  const text = faults.length === 1 ? faults[0] : `[${faults.join(", ")}]`;
  return new LabelSelectorError(`unable to parse requirement: ${text}`);
}
