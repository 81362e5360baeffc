import type { Expr, MapEntry, StructField } from "./ast.js";
import { CelError, type CelIssue, WHOLE_EXPRESSION } from "./issue.js";
import { type CelGoVersion, RESERVED, type TokenKind } from "./lex.js";
import { literalOf } from "./literal.js";
import { isMacro, macroOf } from "./macro.js";
import { balance, CALCULATIONS, call, LOOSEST, RELATIONS } from "./operators.js";
import { TokenReader } from "./tokens.js";

/** The recursive rules of the grammar. */
type Rule = "expression" | "relation" | "calculation";

/** The fault of an identifier in back quotes, which cel-go only supports with an option. */
const NO_QUOTES = "unsupported syntax: '`'";

/**
 * A recursive descent parser for cel-go's grammar. cel-go makes further checks in a second pass over the tree; here
 * they are made while parsing, and all faults are reported together.
 */
export class CelParser {
  readonly #source: string;
  readonly #tokens: TokenReader;
  readonly #maxDepth: number;
  readonly #depths: Record<Rule, number> = { expression: 0, relation: 0, calculation: 0 };
  readonly #issues: CelIssue[] = [];
  /**
   * The nesting of operators, selections, indexes and method calls in the last parsed expression, as cel-go counts it.
   */
  #height = 0;

  constructor(source: string, maxDepth: number, version: CelGoVersion) {
    this.#source = source;
    this.#tokens = new TokenReader(source, this.#issues, version);
    this.#maxDepth = maxDepth;
  }

  parse(): Expr {
    const parsed = this.#expression();
    if (!this.#tokens.is("end")) throw this.#tokens.unexpected("an operator or the end of the expression");
    if (this.#height > this.#maxDepth) throw this.#tooDeep("max recursion depth exceeded");
    if (this.#issues.length > 0) throw new CelError(this.#source, this.#issues);
    return parsed;
  }

  #expression(): Expr {
    this.#enter("expression");
    let parsed = this.#logical("||");
    if (this.#tokens.is("?")) {
      const at = this.#tokens.take().start;
      let height = this.#height;
      const whenTrue = this.#logical("||");
      height = Math.max(height, this.#height);
      this.#tokens.expect(":");
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
      if (!this.#tokens.is(operator)) break;
      signs.push(this.#tokens.take().start);
    }
    this.#height = height;
    return terms.length === 1 ? terms[0]! : balance(`_${operator}_`, terms, signs, 0, signs.length - 1);
  }

  #relation(): Expr {
    this.#enter("relation");
    let left = this.#calculation(LOOSEST);
    while (true) {
      const name = RELATIONS.get(this.#tokens.next().kind);
      if (name === undefined) break;
      const at = this.#tokens.take().start;
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
      const operator = CALCULATIONS.get(this.#tokens.next().kind);
      if (operator === undefined || operator.tightness < tightness) break;
      const at = this.#tokens.take().start;
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
    const sign = this.#tokens.next();
    if ((sign.kind !== "!" && sign.kind !== "-") || this.#isNegativeNumber()) return this.#member();
    let count = 0;
    for (; this.#tokens.is(sign.kind); count++) this.#tokens.take();
    const operand = this.#member();
    return count % 2 === 0 ? operand : call(sign.start, sign.kind === "!" ? "!_" : "-_", [operand]);
  }

  #isNegativeNumber(): boolean {
    if (!this.#tokens.is("-")) return false;
    const kind = this.#tokens.kindAt(1);
    return kind === "int" || kind === "double";
  }

  #member(): Expr {
    let operand = this.#primary();
    while (true) {
      if (this.#tokens.is(".")) operand = this.#selection(operand);
      else if (this.#tokens.is("[")) operand = this.#index(operand);
      else return operand;
    }
  }

  #selection(operand: Expr): Expr {
    const dot = this.#tokens.take().start;
    const isOptional = this.#tokens.skip("?");
    const isQuoted = this.#tokens.is("quoted identifier");
    if (isQuoted) this.#fault(this.#tokens.next().start, NO_QUOTES);
    const field = isQuoted
      ? this.#tokens.textOf(this.#tokens.take())
      : this.#tokens.identifier("the name of a field or a method");
    if (this.#tokens.is("(") && !isOptional && !isQuoted) {
      const at = this.#tokens.next().start;
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
    const at = this.#tokens.take().start;
    const isOptional = this.#tokens.skip("?");
    const height = this.#height;
    const index = this.#expression();
    this.#height = Math.max(height, this.#height) + 1;
    this.#tokens.expect("]");
    return isOptional ? this.#fault(at, "unsupported syntax '[?'") : call(at, "_[_]", [operand, index]);
  }

  #primary(): Expr {
    const { kind } = this.#tokens.next();
    if (kind === "." || kind === "identifier") return this.#isStruct() ? this.#struct() : this.#named();
    if (kind === "[") return this.#list();
    if (kind === "{") return this.#map();
    if (kind !== "(") return this.#literal();
    this.#tokens.take();
    const parsed = this.#expression();
    this.#tokens.expect(")");
    return parsed;
  }

  /** Parses a variable or a function call. */
  #named(): Expr {
    const start = this.#tokens.next().start;
    const dot = this.#tokens.skip(".") ? "." : "";
    const at = this.#tokens.next().start;
    const name = this.#tokens.identifier("a name");
    this.#height = 0;
    if (!this.#tokens.is("(")) {
      if (RESERVED.has(name)) return this.#fault(start, `reserved identifier: ${name}`);
      return { kind: "ident", at, name: dot + name };
    }
    const open = this.#tokens.next().start;
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
    if (!isMacro(name, args.length)) return { kind: "call", at, function: name, target, args };
    const macro = macroOf(at, name, target, args);
    return "fault" in macro ? this.#fault(macro.at, macro.fault) : macro;
  }

  #arguments(): Expr[] {
    this.#tokens.expect("(");
    const args: Expr[] = [];
    let height = 0;
    if (!this.#tokens.is(")")) {
      do {
        args.push(this.#expression());
        height = Math.max(height, this.#height);
      } while (this.#tokens.skip(","));
    }
    this.#tokens.expect(")");
    this.#height = height;
    return args;
  }

  #list(): Expr {
    const at = this.#tokens.next().start;
    const elements: Expr[] = [];
    this.#items("[", "]", () => {
      const start = this.#tokens.next().start;
      const isOptional = this.#tokens.skip("?");
      elements.push(this.#expression());
      if (isOptional) this.#fault(start, "unsupported syntax '?'");
    });
    return { kind: "list", at, elements };
  }

  #map(): Expr {
    const at = this.#tokens.next().start;
    const entries: MapEntry[] = [];
    this.#items("{", "}", () => {
      const entry = (): void => {
        const key = this.#expression();
        const height = this.#height;
        const colon = this.#tokens.expect(":").start;
        entries.push({ at: colon, key, value: this.#expression() });
        this.#height = Math.max(height, this.#height);
      };
      this.#perhapsOptional(entry);
    });
    return { kind: "map", at, entries };
  }

  #struct(): Expr {
    let name = this.#tokens.skip(".") ? "." : "";
    name += this.#tokens.identifier("a name");
    while (this.#tokens.skip(".")) name += `.${this.#tokens.identifier("a name")}`;
    const at = this.#tokens.next().start;
    const fields: StructField[] = [];
    this.#items("{", "}", () => {
      this.#perhapsOptional(() => {
        const { kind, start } = this.#tokens.next();
        if (kind === "quoted identifier") {
          this.#tokens.take();
          this.#unvisited(start, NO_QUOTES, () => this.#fieldValue());
        } else {
          const name = this.#tokens.identifier("the name of a field");
          fields.push({ name, ...this.#fieldValue() });
        }
      });
    });
    return { kind: "struct", at, name, fields };
  }

  #fieldValue(): Omit<StructField, "name"> {
    const at = this.#tokens.expect(":").start;
    return { at, value: this.#expression() };
  }

  /** Whether the next tokens are a dotted name followed by a brace. */
  #isStruct(): boolean {
    let ahead = this.#tokens.is(".") ? 1 : 0;
    while (this.#tokens.kindAt(ahead) === "identifier") {
      const after = this.#tokens.kindAt(ahead + 1);
      if (after !== ".") return after === "{";
      ahead += 2;
    }
    return false;
  }

  /** Parses items in brackets. A trailing comma is allowed, also on its own: cel-go parses `[,]` as an empty list. */
  #items(open: TokenKind, close: TokenKind, item: () => void): void {
    this.#tokens.expect(open);
    let height = 0;
    if (!this.#tokens.skip(",") && !this.#tokens.is(close)) {
      do {
        item();
        height = Math.max(height, this.#height);
      } while (this.#tokens.skip(",") && !this.#tokens.is(close));
    }
    this.#tokens.expect(close);
    this.#height = height;
  }

  /** Parses an entry. cel-go does not check entries with a preceding question mark. */
  #perhapsOptional(entry: () => void): void {
    const start = this.#tokens.next().start;
    if (this.#tokens.skip("?")) this.#unvisited(start, "unsupported syntax '?'", entry);
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
    const at = this.#tokens.next().start;
    const isNegative = this.#isNegativeNumber() && this.#tokens.skip("-");
    const token = this.#tokens.next();
    const literal = literalOf(token.kind, this.#tokens.textOf(token), isNegative);
    if (literal === undefined) throw this.#tokens.unexpected("a value");
    this.#tokens.take();
    this.#height = 0;
    return "fault" in literal
      ? this.#fault(at, literal.fault)
      : { kind: "const", at, literal: literal.value };
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
}
