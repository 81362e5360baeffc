import type { CelType } from "../check/type.js";
import type { Frame } from "../run/frame.js";
import { equalStrings } from "../value/equal.js";
import { Fault } from "../value/fault.js";
import { NAN_UNORDERED } from "../value/int64.js";
import { compareValues, orderStrings } from "../value/order.js";
import { asBigint, asNumeric, asValue, type Code, isInteger, type Run, testCode } from "./code.js";
import type { Compiler } from "./compiler.js";

/** Types whose values, or null, can be compared with `===`. */
const PLAIN = new Set(["bool", "string", "double", "null"]);

function plainKind(type: CelType): string {
  return type.kind === "wrapper" ? type.of.kind : type.kind;
}

export function compileEqual(a: Code, b: Code, { equal }: Compiler): Code {
  const codes = [a, b];
  if (isInteger(a) && a.type.kind === b.type.kind) return compileEqualIntegers(a, b);
  const kinds = [plainKind(a.type), plainKind(b.type)].filter((kind) => kind !== "null");
  if (kinds.every((kind) => PLAIN.has(kind)) && new Set(kinds).size <= 1) {
    const left = a.run;
    // A constant is not longer than the expression, so comparing with it costs no steps.
    if (b.constant !== undefined) {
      const value = b.constant;
      return testCode((frame) => left(frame) === value, codes);
    }
    const right = b.run;
    if (kinds[0] === "string")
      return testCode((frame) => equalStrings(left(frame), right(frame), frame), codes);
    return testCode((frame) => left(frame) === right(frame), codes);
  }
  const left = asValue(a);
  const right = asValue(b);
  return testCode((frame) => equal(left(frame), right(frame), frame), codes);
}

function compileEqualIntegers(a: Code, b: Code): Code {
  if (a.form !== "number" || b.form !== "number") {
    const left = asBigint(a);
    const right = asBigint(b);
    return testCode((frame) => left(frame) === right(frame), [a, b]);
  }
  const left = a.run as Run<number>;
  const right = b.run as Run<number>;
  if (b.constant === undefined) return testCode((frame) => left(frame) === right(frame), [a, b]);
  const value = right(NO_FRAME);
  return testCode((frame) => left(frame) === value, [a, b]);
}

/** Constants do not use the frame. */
const NO_FRAME = undefined as unknown as Frame;

type OrderOperator = "<" | "<=" | ">" | ">=";

const HOLDS: Readonly<Record<OrderOperator, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

export function compileOrder(a: Code, b: Code, operator: OrderOperator): Code {
  const codes = [a, b];
  const holds = HOLDS[operator];
  if (isInteger(a) && a.type.kind === b.type.kind) {
    return testCode(compareIntegers(asNumeric(a), asNumeric(b), operator), codes);
  }
  if (a.type.kind === "string" && b.type.kind === "string") {
    const left = a.run as Run<string>;
    const right = b.run as Run<string>;
    return testCode((frame) => holds(orderStrings(left(frame), right(frame), frame)), codes);
  }
  const left = asValue(a);
  const right = asValue(b);
  return testCode(
    (frame) => {
      const order = compareValues(left(frame), right(frame), frame);
      if (order === undefined) throw UNORDERED;
      return holds(order);
    },
    codes,
    true,
  );
}

const UNORDERED = new Fault(NAN_UNORDERED);

type Numeric = Run<number | bigint>;

/** A separate closure for each operator saves a call per comparison. */
function compareIntegers(left: Numeric, right: Numeric, operator: OrderOperator): Run<boolean> {
  switch (operator) {
    case "<":
      return (frame) => left(frame) < right(frame);
    case "<=":
      return (frame) => left(frame) <= right(frame);
    case ">":
      return (frame) => left(frame) > right(frame);
    case ">=":
      return (frame) => left(frame) >= right(frame);
  }
}
