import { BOOL } from "../check/type.js";
import type { CallExpr, Expr } from "../parse/ast.js";
import type { Frame } from "../run/frame.js";
import { Fault, OVER_BUDGET } from "../value/fault.js";
import { asBool, type Code, folded, type Run, weigh } from "./code.js";
import type { Compiler } from "./compiler.js";

/**
 * Compiles `||` and `&&`. One decisive operand determines the result even if other operands fail. Without one, the
 * first fault is thrown (cel-spec, "Logical Operators").
 */
export function compileLogic(expr: CallExpr, compiler: Compiler): Code {
  const decisive = expr.function === "_||_";
  const codes = termsOf(expr, expr.function).map((term) => compiler.compile(term));
  const canFail = codes.some((code) => canThrow(code));
  // The order only determines which fault is reported. Without possible faults, the cheapest operand is evaluated
  // first.
  if (!canFail) codes.sort((a, b) => a.weight - b.weight);
  const code: Code = {
    type: BOOL,
    form: "value",
    run: canFail ? decideCarefully(codes, decisive) : decide(codes.map(asBool), decisive),
    canFail,
    weight: weigh(codes),
  };
  return folded(code, codes);
}

/** Returns the operands of a chain of one operator, which the parser balances into a tree. */
function termsOf(expr: Expr, operator: string): readonly Expr[] {
  if (expr.kind !== "call" || expr.function !== operator) return [expr];
  return expr.args.flatMap((arg) => termsOf(arg, operator));
}

function canThrow({ canFail, type }: Code): boolean {
  return canFail || type.kind !== "bool";
}

function decide(terms: readonly Run<boolean>[], decisive: boolean): Run<boolean> {
  const [first, second, third] = terms;
  if (first === undefined || second === undefined) return first ?? (() => !decisive);
  if (third === undefined) {
    return decisive ? (frame) => first(frame) || second(frame) : (frame) => first(frame) && second(frame);
  }
  if (terms.length === 3) {
    return decisive
      ? (frame) => first(frame) || second(frame) || third(frame)
      : (frame) => first(frame) && second(frame) && third(frame);
  }
  return (frame) => {
    for (let index = 0; index < terms.length; index++) {
      if (terms[index]!(frame) === decisive) return decisive;
    }
    return !decisive;
  };
}

function decideCarefully(codes: readonly Code[], decisive: boolean): Run<boolean> {
  const terms = codes.map(asBool);
  return (frame) => {
    let fault: Fault | undefined;
    for (let index = 0; index < terms.length; index++) {
      try {
        if (terms[index]!(frame) === decisive) return decisive;
      } catch (error) {
        const absorbed = absorbable(error, frame);
        fault ??= absorbed;
      }
    }
    if (fault !== undefined) throw fault;
    return !decisive;
  };
}

/** Returns a fault that another operand can override; rethrows any other error. */
export function absorbable(error: unknown, frame: Frame): Fault {
  if (!(error instanceof Fault) || error === OVER_BUDGET) throw error;
  frame.spend(FAULT_STEPS);
  return error;
}

/** The approximate cost of throwing and catching. */
const FAULT_STEPS = 5;

/** `!` */
export function negate(code: Code): Code {
  const holds = asBool(code);
  return {
    type: BOOL,
    form: "value",
    run: (frame) => !holds(frame),
    canFail: canThrow(code),
    weight: code.weight + 1,
  };
}
