import type { OptionTable } from "../../errors/check-options.js";
import { aNumberFrom } from "../../errors/value-checks.js";
import type { CallExpr, Expr, MacroName, MapEntry, StructField } from "./ast.js";
import { CelError, type CelIssue, WHOLE_EXPRESSION } from "./issue.js";
import { lexCel, type Token, type TokenKind } from "./lex.js";
import { literalOf } from "./literal.js";

/** The limits of an expression. */
export interface CelLimits {
  /** By default 4096. */
  readonly maxCodePoints?: number;
  /** How deep rules and operators nest: by default 250, as in cel-go; more than 500 are taken as 500. */
  readonly maxDepth?: number;
}

/** What the limits must be. */
export const CEL_LIMITS: OptionTable<CelLimits> = { maxCodePoints: aNumberFrom(0), maxDepth: aNumberFrom(0) };

/**
 * The syntax tree of an expression as cel-go v0.20.1 parses it, with its standard macros and without optional syntax
 * (https://github.com/google/cel-go/blob/v0.20.1/parser/parser.go). Takes time linear in the length.
 *
 * @throws CelError with cel-go's texts; for a syntax error with a text of our own, at the first place that cannot be right.
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

// Half of the depth at which the worst expressions, `((((` among them, fill the stack that Node gives by default.
const MAX_DEPTH = 500;

/** The rules of the grammar that contain themselves. */
type Rule = "expression" | "relation" | "calculation";

/**
 * A recursive descent through cel-go's grammar. cel-go checks more than the grammar says in a second pass, over the tree;
 * here its findings are collected on the way, and all of them are told together.
 */
class CelParser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #maxDepth: number;
  readonly #depths: Record<Rule, number> = { expression: 0, relation: 0, calculation: 0 };
  readonly #issues: CelIssue[] = [];
  #position = 0;
  /** Of the expression parsed last: how many operators, selections, indexes and method calls it nests, as cel-go counts. */
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

  /** Sums and products; of the operators only those that bind at least as tightly as `tightness`. */
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

  /** Signs of one kind in a row: two of them cancel each other out, whatever stands behind them. */
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
    const { kind } = this.#tokens[this.#position + 1]!; // an end follows every sign
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

  /** A variable, or the call of a function. */
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

  /** Whether names with dots between them are followed by a brace. */
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

  /** Items in brackets; a comma may follow the last, and may stand alone: cel-go takes `[,]` for an empty list. */
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

  /** An entry, which cel-go does not look at when a question mark stands before it. */
  #perhapsOptional(entry: () => void): void {
    const start = this.#next().start;
    if (this.#skip("?")) this.#unvisited(start, "unsupported syntax '?'", entry);
    else entry();
  }

  /** Parses what cel-go's second pass leaves out because of the fault: only its syntax counts. */
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

  /** Notes the fault; the expression that is at fault is of no kind that a macro would take. */
  #fault(at: number, message: string): Expr {
    this.#issues.push({ at, message });
    return { kind: "const", at, literal: { type: "null" } };
  }

  #enter(rule: Rule): void {
    const depth = ++this.#depths[rule];
    // The other way round, a limit that is no number would be none.
    if (!(depth <= this.#maxDepth)) {
      this.#issues.length = 0; // cel-go's second pass does not begin
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
    return this.#tokens[this.#position]!; // the last is never taken
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

  /** Takes a sign. */
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

/** Words that no variable and no function can have for a name; a field can. */
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

// The name under which cel-go keeps what a macro has found so far.
const ACCUMULATOR = "__result__";

// Code units of a token that a message repeats.
const MAX_SHOWN = 40;

const MACRO_NAMES: readonly string[] = ["all", "exists", "exists_one", "map", "filter"] satisfies MacroName[];

function isMacroName(name: string): name is MacroName {
  return MACRO_NAMES.includes(name);
}

function call(at: number, name: string, args: readonly Expr[]): CallExpr {
  return { kind: "call", at, function: name, target: undefined, args };
}

/** The tree of the signs from `first` to `last`, as shallow as it can be. */
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
