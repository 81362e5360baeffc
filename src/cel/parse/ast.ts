/**
 * The syntax tree of an expression. Every node has its position as an offset in UTF-16 code units. For operators,
 * calls, indexes and message literals it is the position of the sign, as in cel-go.
 */
export type Expr =
  | ConstExpr
  | IdentExpr
  | SelectExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | StructExpr
  | MacroExpr;

/** A literal. The values of ints and uints are bigints; `type` distinguishes them. */
export interface ConstExpr {
  readonly kind: "const";
  readonly at: number;
  readonly literal: Literal;
}

export type Literal =
  | { readonly type: "null" }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "int" | "uint"; readonly value: bigint }
  | { readonly type: "double"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bytes"; readonly value: Uint8Array };

/** A name, including a leading dot if the expression has one. */
export interface IdentExpr {
  readonly kind: "ident";
  readonly at: number;
  readonly name: string;
}

/** `operand.field`, or `has(operand.field)` if `testOnly`. */
export interface SelectExpr {
  readonly kind: "select";
  readonly at: number;
  readonly operand: Expr;
  readonly field: string;
  readonly testOnly: boolean;
}

/**
 * A call of a function, or of a method of `target`. Operators are functions with cel-go's names:
 * `_+_ _-_ _*_ _/_ _%_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in _&&_ _||_ _?_:_ _[_] !_ -_`.
 */
export interface CallExpr {
  readonly kind: "call";
  readonly at: number;
  readonly function: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export interface ListExpr {
  readonly kind: "list";
  readonly at: number;
  readonly elements: readonly Expr[];
}

export interface MapExpr {
  readonly kind: "map";
  readonly at: number;
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  /** The position of the colon. */
  readonly at: number;
  readonly key: Expr;
  readonly value: Expr;
}

/** A message literal, `flow.TCP{source_port: 80u}`. */
export interface StructExpr {
  readonly kind: "struct";
  readonly at: number;
  /** As written, including a leading dot. */
  readonly name: string;
  readonly fields: readonly StructField[];
}

export interface StructField {
  /** The position of the colon. */
  readonly at: number;
  readonly name: string;
  readonly value: Expr;
}

export type MacroName = "all" | "exists" | "exists_one" | "map" | "filter";

/** A macro over the elements of a list or the keys of a map: `range.all(variable, predicate)`. */
export interface MacroExpr {
  readonly kind: "macro";
  readonly at: number;
  readonly macro: MacroName;
  readonly range: Expr;
  readonly variable: string;
  /** The condition for elements; absent in `map(x, f)`. */
  readonly predicate: Expr | undefined;
  /** The transformation of `map`; absent in the other macros. */
  readonly transform: Expr | undefined;
}
