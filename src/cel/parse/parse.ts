import type { OptionTable } from "../../errors/check-options.js";
import { aNumberFrom } from "../../errors/value-checks.js";
import type { CallExpr, Expr, MacroName, MapEntry, StructField } from "./ast.js";
import { CelError, type CelIssue, WHOLE_EXPRESSION } from "./issue.js";
import { lexCel, type Token, type TokenKind } from "./lex.js";
import { literalOf } from "./literal.js";

/** Limits for expressions. */
export interface CelLimits {
  /** The maximum length in code points. Default 4096. */
  readonly maxCodePoints?: number;
  /** The maximum nesting of grammar rules and operators. Default 250, as in cel-go; values above 500 count as 500. */
  readonly maxDepth?: number;
}

/** The checks for the limits. */
export const CEL_LIMITS: OptionTable<CelLimits> = { maxCodePoints: aNumberFrom(0), maxDepth: aNumberFrom(0) };

/**
 * Parses an expression like cel-go v0.20.1, with its standard macros and without optional syntax
 * (https://github.com/google/cel-go/blob/v0.20.1/parser/parser.go). Takes time linear in the length.
 *
 * @throws CelError with cel-go's error texts; a syntax error has its own text and the first position that cannot be
 *   valid.
 */
export function parseCel(expression: string, { maxCodePoints = 4096, maxDepth = 250 }: CelLimits = {}): Expr {
  if (expression.length > maxCodePoints) {
    const size = countCodePoints(expression);
    if (size > maxCodePoints) {
      const message = `expression code point size exceeds limit: size: ${size}, limit ${maxCodePoints}`;
      throw new CelError(expression, [{ at: WHOLE_EXPRESSION, message }]);
    }
  }
  return new CelParser(expression, Math.min(maxDepth, MAX_DEPTH)).parse();
}

// Half of the depth at which the worst expressions, such as `((((`, overflow Node's default stack.
const MAX_DEPTH = 500;

/** The recursive rules of the grammar. */
type Rule = "expression" | "relation" | "calculation";

/**
 * A recursive descent parser for cel-go's grammar. cel-go makes further checks in a second pass over the tree; here
 * they are made while parsing, and all faults are reported together.
 */
class CelParser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #maxDepth: number;
  readonly #depths: Record<Rule, number> = { expression: 0, relation: 0, calculation: 0 };
  readonly #issues: CelIssue[] = [];
  #position = 0;
  /**
   * The nesting of operators, selections, indexes and method calls in the last parsed expression, as cel-go counts it.
   */
  #height = 0;

  constructor(source: string, maxDepth: number) {
    this.#source = source;
    this.#tokens = lexCel(source);
    this.#maxDepth = maxDepth;
  }

  parse(): Expr {
    const parsed = this.#expression();
    if (!this.#is("end")) throw this.#unexpected("an operator or the end of the expression");
    if (this.#height > this.#maxDepth) throw this.#tooDeep("max recursion depth exceeded");
    if (this.#issues.length > 0) throw new CelError(this.#source, this.#issues);
    return parsed;
  }

  #expression(): Expr {
    this.#enter("expression");
    let parsed = this.#logical("||");
    if (this.#is("?")) {
      const at = this.#take().start;
      let height = this.#height;
      const whenTrue = this.#logical("||");
      height = Math.max(height, this.#height);
      this.#expect(":");
      const whenFalse = this.#expression();
      this.#height = Math.max(height, this.#height) + 1;
      parsed = call(at, "_?_:_", [parsed, whenTrue, whenFalse]);
    }
    this.#leave("expression");
    return parsed;
  }

  #logical(operator: "||" | "&&"): Expr {
    const terms: Expr[] = [];
    const signs: number[] = [];
    let height = 0;
    while (true) {
      terms.push(operator === "||" ? this.#logical("&&") : this.#relation());
      height = Math.max(height, this.#height);
      if (!this.#is(operator)) break;
      signs.push(this.#take().start);
    }
    this.#height = height;
    return terms.length === 1 ? terms[0]! : balance(`_${operator}_`, terms, signs, 0, signs.length - 1);
  }

  #relation(): Expr {
    this.#enter("relation");
    let left = this.#calculation(LOOSEST);
    while (true) {
      const name = RELATIONS.get(this.#next().kind);
      if (name === undefined) break;
      const at = this.#take().start;
      const height = this.#height;
      this.#enter("relation");
      const right = this.#calculation(LOOSEST);
      this.#leave("relation");
      this.#height = Math.max(height, this.#height) + 1;
      left = call(at, name, [left, right]);
    }
    this.#leave("relation");
    return left;
  }

  /** Parses sums and products with operators that bind at least as tightly as `tightness`. */
  #calculation(tightness: number): Expr {
    this.#enter("calculation");
    let left = this.#unary();
    while (true) {
      const operator = CALCULATIONS.get(this.#next().kind);
      if (operator === undefined || operator.tightness < tightness) break;
      const at = this.#take().start;
      const height = this.#height;
      const right = this.#calculation(operator.tightness + 1);
      this.#height = Math.max(height, this.#height) + 1;
      left = call(at, operator.name, [left, right]);
    }
    this.#leave("calculation");
    return left;
  }

  /** Parses consecutive signs of one kind. Each pair of them cancels out, regardless of the operand. */
  #unary(): Expr {
    const sign = this.#next();
    if ((sign.kind !== "!" && sign.kind !== "-") || this.#isNegativeNumber()) return this.#member();
    let count = 0;
    for (; this.#is(sign.kind); count++) this.#take();
    const operand = this.#member();
    return count % 2 === 0 ? operand : call(sign.start, sign.kind === "!" ? "!_" : "-_", [operand]);
  }

  #isNegativeNumber(): boolean {
    if (!this.#is("-")) return false;
    const { kind } = this.#tokens[this.#position + 1]!; // every sign is followed by at least the end token
    return kind === "int" || kind === "double";
  }

  #member(): Expr {
    let operand = this.#primary();
    while (true) {
      if (this.#is(".")) operand = this.#selection(operand);
      else if (this.#is("[")) operand = this.#index(operand);
      else return operand;
    }
  }

  #selection(operand: Expr): Expr {
    const dot = this.#take().start;
    const isOptional = this.#skip("?");
    const field = this.#identifier("the name of a field or a method");
    if (this.#is("(") && !isOptional) {
      const at = this.#next().start;
      const height = this.#height;
      const args = this.#arguments();
      this.#height = Math.max(height, this.#height) + 1;
      return this.#method(at, field, operand, args);
    }
    this.#height++;
    if (isOptional) return this.#fault(dot, "unsupported syntax '.?'");
    return { kind: "select", at: dot, operand, field, testOnly: false };
  }

  #index(operand: Expr): Expr {
    const at = this.#take().start;
    const isOptional = this.#skip("?");
    const height = this.#height;
    const index = this.#expression();
    this.#height = Math.max(height, this.#height) + 1;
    this.#expect("]");
    return isOptional ? this.#fault(at, "unsupported syntax '[?'") : call(at, "_[_]", [operand, index]);
  }

  #primary(): Expr {
    const { kind } = this.#next();
    if (kind === "." || kind === "identifier") return this.#isStruct() ? this.#struct() : this.#named();
    if (kind === "[") return this.#list();
    if (kind === "{") return this.#map();
    if (kind !== "(") return this.#literal();
    this.#take();
    const parsed = this.#expression();
    this.#expect(")");
    return parsed;
  }

  /** Parses a variable or a function call. */
  #named(): Expr {
    const start = this.#next().start;
    const dot = this.#skip(".") ? "." : "";
    const at = this.#next().start;
    const name = this.#identifier("a name");
    this.#height = 0;
    if (!this.#is("(")) {
      if (RESERVED.has(name)) return this.#fault(start, `reserved identifier: ${name}`);
      return { kind: "ident", at, name: dot + name };
    }
    const open = this.#next().start;
    if (RESERVED.has(name))
      return this.#unvisited(start, `reserved identifier: ${name}`, () => this.#arguments());
    const args = this.#arguments();
    const argument = args[0];
    if (dot === "" && name === "has" && args.length === 1 && argument !== undefined) {
      if (argument.kind === "select") return { ...argument, at: open, testOnly: true };
      return this.#fault(argument.at, "invalid argument to has() macro");
    }
    return call(open, dot + name, args);
  }

  #method(at: number, name: string, target: Expr, args: readonly Expr[]): Expr {
    const isMacro = isMacroName(name) && (args.length === 2 || (args.length === 3 && name === "map"));
    if (!isMacro) return { kind: "call", at, function: name, target, args };
    const variable = args[0]!;
    if (variable.kind !== "ident") {
      const makesList = name === "map" || name === "filter";
      return this.#fault(
        variable.at,
        makesList ? "argument is not an identifier" : "argument must be a simple name",
      );
    }
    if (variable.name === ACCUMULATOR) {
      return this.#fault(variable.at, "iteration variable overwrites accumulator variable");
    }
    const transform = name === "map" ? args.at(-1) : undefined;
    const predicate = name !== "map" || args.length === 3 ? args[1] : undefined;
    return { kind: "macro", at, macro: name, range: target, variable: variable.name, predicate, transform };
  }

  #arguments(): Expr[] {
    this.#expect("(");
    const args: Expr[] = [];
    let height = 0;
    if (!this.#is(")")) {
      do {
        args.push(this.#expression());
        height = Math.max(height, this.#height);
      } while (this.#skip(","));
    }
    this.#expect(")");
    this.#height = height;
    return args;
  }

  #list(): Expr {
    const at = this.#next().start;
    const elements: Expr[] = [];
    this.#items("[", "]", () => {
      const start = this.#next().start;
      const isOptional = this.#skip("?");
      elements.push(this.#expression());
      if (isOptional) this.#fault(start, "unsupported syntax '?'");
    });
    return { kind: "list", at, elements };
  }

  #map(): Expr {
    const at = this.#next().start;
    const entries: MapEntry[] = [];
    this.#items("{", "}", () => {
      const entry = (): void => {
        const key = this.#expression();
        const height = this.#height;
        const colon = this.#expect(":").start;
        entries.push({ at: colon, key, value: this.#expression() });
        this.#height = Math.max(height, this.#height);
      };
      this.#perhapsOptional(entry);
    });
    return { kind: "map", at, entries };
  }

  #struct(): Expr {
    let name = this.#skip(".") ? "." : "";
    name += this.#identifier("a name");
    while (this.#skip(".")) name += `.${this.#identifier("a name")}`;
    const at = this.#next().start;
    const fields: StructField[] = [];
    this.#items("{", "}", () => {
      this.#perhapsOptional(() => {
        const field = this.#identifier("the name of a field");
        const colon = this.#expect(":").start;
        fields.push({ at: colon, name: field, value: this.#expression() });
      });
    });
    return { kind: "struct", at, name, fields };
  }

  /** Whether the next tokens are a dotted name followed by a brace. */
  #isStruct(): boolean {
    let position = this.#position;
    if (this.#tokens[position]!.kind === ".") position++;
    while (this.#tokens[position]?.kind === "identifier") {
      const after = this.#tokens[position + 1]?.kind;
      if (after !== ".") return after === "{";
      position += 2;
    }
    return false;
  }

  /** Parses items in brackets. A trailing comma is allowed, also on its own: cel-go parses `[,]` as an empty list. */
  #items(open: TokenKind, close: TokenKind, item: () => void): void {
    this.#expect(open);
    let height = 0;
    if (!this.#skip(",") && !this.#is(close)) {
      do {
        item();
        height = Math.max(height, this.#height);
      } while (this.#skip(",") && !this.#is(close));
    }
    this.#expect(close);
    this.#height = height;
  }

  /** Parses an entry. cel-go does not check entries with a preceding question mark. */
  #perhapsOptional(entry: () => void): void {
    const start = this.#next().start;
    if (this.#skip("?")) this.#unvisited(start, "unsupported syntax '?'", entry);
    else entry();
  }

  /** Parses a part that cel-go's second pass skips because of the fault: only its syntax is checked. */
  #unvisited(at: number, message: string, parse: () => void): Expr {
    const known = this.#issues.length;
    parse();
    this.#issues.length = known;
    this.#height = 0;
    return this.#fault(at, message);
  }

  #literal(): Expr {
    const at = this.#next().start;
    const isNegative = this.#isNegativeNumber() && this.#skip("-");
    const token = this.#next();
    const literal = literalOf(token.kind, this.#source.slice(token.start, token.end), isNegative);
    if (literal === undefined) throw this.#unexpected("a value");
    this.#take();
    this.#height = 0;
    return "fault" in literal
      ? this.#fault(at, literal.fault)
      : { kind: "const", at, literal: literal.value };
  }

  #identifier(expected: string): string {
    const token = this.#next();
    if (token.kind !== "identifier") throw this.#unexpected(expected);
    this.#take();
    return this.#source.slice(token.start, token.end);
  }

  /** Records a fault. Returns a placeholder of a kind that no macro accepts as an argument. */
  #fault(at: number, message: string): Expr {
    this.#issues.push({ at, message });
    return { kind: "const", at, literal: { type: "null" } };
  }

  #enter(rule: Rule): void {
    const depth = ++this.#depths[rule];
    // Written as a negation so that a NaN limit rejects every expression instead of disabling the check.
    if (!(depth <= this.#maxDepth)) {
      this.#issues.length = 0; // cel-go does not start its second pass in this case
      throw this.#tooDeep(`expression recursion limit exceeded: ${this.#maxDepth}`);
    }
  }

  #leave(rule: Rule): void {
    this.#depths[rule]--;
  }

  #tooDeep(message: string): CelError {
    return new CelError(this.#source, [...this.#issues, { at: WHOLE_EXPRESSION, message }]);
  }

  #unexpected(expected: string): CelError {
    const token = this.#next();
    const found =
      token.fault !== "" ? token.fault : `found ${this.#describe(token)} where ${expected} was expected`;
    return new CelError(this.#source, [
      ...this.#issues,
      { at: token.start, message: `Syntax error: ${found}` },
    ]);
  }

  #describe({ kind, start, end }: Token): string {
    if (kind === "end") return "the end of the expression";
    if (kind === "string") return "a string";
    if (kind === "bytes") return "bytes";
    const text = this.#source.slice(start, end);
    return text.length > MAX_SHOWN ? `'${text.slice(0, MAX_SHOWN)}…'` : `'${text}'`;
  }

  #next(): Token {
    return this.#tokens[this.#position]!; // the end token is never consumed
  }

  #take(): Token {
    return this.#tokens[this.#position++]!;
  }

  #is(kind: TokenKind): boolean {
    return this.#next().kind === kind;
  }

  #skip(kind: TokenKind): boolean {
    if (!this.#is(kind)) return false;
    this.#position++;
    return true;
  }

  /** Consumes a sign. */
  #expect(kind: TokenKind): Token {
    if (!this.#is(kind)) throw this.#unexpected(`'${kind}'`);
    return this.#take();
  }
}

const LOOSEST = 1;

const CALCULATIONS: ReadonlyMap<TokenKind, { name: string; tightness: number }> = new Map([
  ["+", { name: "_+_", tightness: 1 }],
  ["-", { name: "_-_", tightness: 1 }],
  ["*", { name: "_*_", tightness: 2 }],
  ["/", { name: "_/_", tightness: 2 }],
  ["%", { name: "_%_", tightness: 2 }],
]);

const RELATIONS: ReadonlyMap<TokenKind, string> = new Map([
  ["<", "_<_"],
  ["<=", "_<=_"],
  [">", "_>_"],
  [">=", "_>=_"],
  ["==", "_==_"],
  ["!=", "_!=_"],
  ["in", "@in"],
]);

/** Reserved words, which cannot name a variable or a function, but can name a field. */
const RESERVED: ReadonlySet<string> = new Set([
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
  "var",
  "void",
  "while",
]);

// The variable in which cel-go accumulates the result of a macro.
const ACCUMULATOR = "__result__";

// The maximum number of code units of a token that a message quotes.
const MAX_SHOWN = 40;

const MACRO_NAMES: readonly string[] = ["all", "exists", "exists_one", "map", "filter"] satisfies MacroName[];

function isMacroName(name: string): name is MacroName {
  return MACRO_NAMES.includes(name);
}

function call(at: number, name: string, args: readonly Expr[]): CallExpr {
  return { kind: "call", at, function: name, target: undefined, args };
}

/** Builds a balanced tree of the operators from `first` to `last`. */
function balance(
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

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
