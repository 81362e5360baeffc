import { type CelType, DYN, INT, UINT } from "../check/type.js";
import type { CallExpr } from "../parse/ast.js";
import { Fault } from "../value/fault.js";
import {
  anyFails,
  asBool,
  asValue,
  type Code,
  commonType,
  folded,
  isInteger,
  type Run,
  testCode,
  weigh,
} from "./code.js";
import { compileEqual, compileOrder } from "./compare.js";
import type { Compiler } from "./compiler.js";
import { compileIn, compileIndex, compileSize } from "./container.js";
import { compileLogic, negate } from "./logic.js";
import { compileMatches } from "./matches.js";
import { compileOverloads } from "./overload.js";

/** Compiles a call: functions with a special compiler first, others by their overloads, selected now or at run time. */
export function compileCall(expr: CallExpr, compiler: Compiler): Code {
  if (expr.function === "_&&_" || expr.function === "_||_") return compileLogic(expr, compiler);
  const args = expr.target === undefined ? expr.args : [expr.target, ...expr.args];
  const codes = args.map((arg) => compiler.compile(arg));
  // If faults are deferred to the evaluation, the number of arguments may be wrong.
  const forms = compiler.environment.functions.get(expr.function) ?? [];
  const special = forms.some(({ parameters }) => parameters.length === codes.length)
    ? SPECIAL.get(expr.function)
    : undefined;
  const code = special?.(codes, compiler) ?? compileOverloads(expr, codes, compiler);
  return folded(code, codes);
}

type Special = (codes: readonly Code[], compiler: Compiler) => Code | undefined;

const SPECIAL: ReadonlyMap<string, Special> = new Map<string, Special>([
  ["_==_", ([a, b], compiler) => compileEqual(a!, b!, compiler)],
  ["_!=_", ([a, b], compiler) => negate(compileEqual(a!, b!, compiler))],
  ["_<_", ([a, b]) => compileOrder(a!, b!, "<")],
  ["_<=_", ([a, b]) => compileOrder(a!, b!, "<=")],
  ["_>_", ([a, b]) => compileOrder(a!, b!, ">")],
  ["_>=_", ([a, b]) => compileOrder(a!, b!, ">=")],
  ["@in", ([a, b], compiler) => compileIn(a!, b!, compiler)],
  ["_[_]", ([a, b]) => compileIndex(a!, b!)],
  ["_?_:_", ([condition, a, b]) => compileConditional(condition!, a!, b!)],
  ["!_", ([a]) => negate(a!)],
  ["size", ([a]) => compileSize(a!)],
  ["dyn", ([a]) => a],
  ["int", ([a]) => compileToInteger(a!, INT)],
  ["uint", ([a]) => compileToInteger(a!, UINT)],
  ["matches", ([a, b], compiler) => compileMatches(a!, b!, compiler)],
  ["startsWith", ([a, b]) => compilePartTest(a!, b!, startsWith)],
  ["endsWith", ([a, b]) => compilePartTest(a!, b!, endsWith)],
]);

function compileConditional(condition: Code, a: Code, b: Code): Code {
  const codes = [condition, a, b];
  const holds = asBool(condition);
  const type = commonType([a, b]);
  const canFail = anyFails(codes) || condition.type.kind !== "bool";
  const isAlike = type !== DYN && a.form === b.form;
  const left = isAlike ? a.run : asValue(a);
  const right = isAlike ? b.run : asValue(b);
  const run: Run<unknown> = (frame) => (holds(frame) ? left(frame) : right(frame));
  return { type, form: isAlike ? a.form : "value", run, canFail, weight: weigh(codes) };
}

/** Conversions between ints and uints that fit into a number only need to check the sign. */
function compileToInteger(code: Code, type: CelType): Code | undefined {
  if (code.form !== "number" || !isInteger(code)) return undefined;
  if (type === INT || code.type.kind === "uint") return { ...code, type, constant: undefined };
  const run = code.run as Run<number>;
  return {
    ...code,
    type,
    constant: undefined,
    canFail: true,
    run: (frame) => {
      const number = run(frame);
      if (number < 0) throw NEGATIVE;
      return number;
    },
  };
}

const NEGATIVE = new Fault("unsigned integer overflow");

/** Compiles a test for a prefix or suffix. A constant is not longer than the expression, so it costs no steps. */
function compilePartTest(
  a: Code,
  b: Code,
  hasPart: (text: string, part: string) => boolean,
): Code | undefined {
  if (a.type.kind !== "string" || b.type.kind !== "string") return undefined;
  const text = a.run as Run<string>;
  const part = b.run as Run<string>;
  if (typeof b.constant !== "string") {
    return testCode(
      (frame) => {
        const whole = text(frame);
        const wanted = part(frame);
        frame.spendOn(wanted.length);
        return hasPart(whole, wanted);
      },
      [a, b],
    );
  }
  const { constant } = b;
  return testCode((frame) => hasPart(text(frame), constant), [a, b]);
}

/**
 * Compares backward because strings often share a prefix, such as `k8s:` in labels. For labels,
 * `String.prototype.startsWith` took five to eight times as long.
 */
function startsWith(text: string, part: string): boolean {
  if (text.length < part.length) return false;
  for (let index = part.length - 1; index >= 0; index--) {
    if (text.charCodeAt(index) !== part.charCodeAt(index)) return false;
  }
  return true;
}

function endsWith(text: string, part: string): boolean {
  return text.endsWith(part);
}
