import type { Overload } from "../check/standard.js";
import { BOOL, type CelType, DYN, INT, isSameType, listOf, UINT } from "../check/type.js";
import type { CallExpr } from "../parse/ast.js";
import type { Frame } from "../run/frame.js";
import { IMPLEMENTATIONS, type Implementation } from "../run/functions.js";
import { equalTexts } from "../value/equal.js";
import { Fault, NO_OVERLOAD } from "../value/fault.js";
import { NAN_UNORDERED } from "../value/int64.js";
import { compareValues, orderTexts } from "../value/order.js";
import { codePointCount } from "../value/text.js";
import { CelMap, CelUint, type CelValue, kindOf } from "../value/value.js";
import {
  anyFails,
  asBigint,
  asBool,
  asNumeric,
  asValue,
  type Code,
  commonType,
  folded,
  isInteger,
  type Run,
  weigh,
} from "./code.js";
import type { Compiler } from "./compiler.js";
import { compileLogic, negate } from "./logic.js";
import { compileMatches } from "./matches.js";

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

function test(run: Run<boolean>, codes: readonly Code[], canFail = anyFails(codes)): Code {
  return { type: BOOL, form: "value", run, canFail, weight: weigh(codes) };
}

/** Types whose values, or null, can be compared with `===`. */
const PLAIN = new Set(["bool", "string", "double", "null"]);

function plainKind(type: CelType): string {
  return type.kind === "wrapper" ? type.of.kind : type.kind;
}

function compileEqual(a: Code, b: Code, { equal }: Compiler): Code {
  const codes = [a, b];
  if (isInteger(a) && a.type.kind === b.type.kind) return compileEqualIntegers(a, b);
  const kinds = [plainKind(a.type), plainKind(b.type)].filter((kind) => kind !== "null");
  if (kinds.every((kind) => PLAIN.has(kind)) && new Set(kinds).size <= 1) {
    const left = a.run;
    // A constant is not longer than the expression, so comparing with it costs no steps.
    if (b.constant !== undefined) {
      const value = b.constant;
      return test((frame) => left(frame) === value, codes);
    }
    const right = b.run;
    if (kinds[0] === "string") return test((frame) => equalTexts(left(frame), right(frame), frame), codes);
    return test((frame) => left(frame) === right(frame), codes);
  }
  const left = asValue(a);
  const right = asValue(b);
  return test((frame) => equal(left(frame), right(frame), frame), codes);
}

function compileEqualIntegers(a: Code, b: Code): Code {
  if (a.form !== "number" || b.form !== "number") {
    const left = asBigint(a);
    const right = asBigint(b);
    return test((frame) => left(frame) === right(frame), [a, b]);
  }
  const left = a.run as Run<number>;
  const right = b.run as Run<number>;
  if (b.constant === undefined) return test((frame) => left(frame) === right(frame), [a, b]);
  const value = right(NO_FRAME);
  return test((frame) => left(frame) === value, [a, b]);
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

function compileOrder(a: Code, b: Code, operator: OrderOperator): Code {
  const codes = [a, b];
  const holds = HOLDS[operator];
  if (isInteger(a) && a.type.kind === b.type.kind) {
    return test(compareIntegers(asNumeric(a), asNumeric(b), operator), codes);
  }
  if (a.type.kind === "string" && b.type.kind === "string") {
    const left = a.run as Run<string>;
    const right = b.run as Run<string>;
    return test((frame) => holds(orderTexts(left(frame), right(frame), frame)), codes);
  }
  const left = asValue(a);
  const right = asValue(b);
  return test(
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

function compileIn(element: Code, container: Code, { equal }: Compiler): Code {
  const codes = [element, container];
  const set = constantSet(element, container);
  if (set !== undefined) return set;
  const value = asValue(element);
  const range = asValue(container);
  const { type } = container;
  if (type.kind === "list" && element.type.kind === "string" && type.element.kind === "string") {
    return test((frame) => {
      const wanted = value(frame);
      const list = range(frame) as readonly string[];
      frame.spendOn(list.length);
      for (let index = 0; index < list.length; index++) {
        if (equalTexts(list[index], wanted, frame)) return true;
      }
      return false;
    }, codes);
  }
  return test(
    (frame) => {
      const wanted = value(frame);
      const values = range(frame);
      if (values instanceof CelMap) return lookUp(values, wanted, frame) !== undefined;
      if (!Array.isArray(values)) throw NO_OVERLOAD;
      frame.spend(values.length);
      return (values as readonly CelValue[]).some((one) => equal(wanted, one, frame));
    },
    codes,
    anyFails(codes) || (type.kind !== "list" && type.kind !== "map"),
  );
}

/** For a constant list of strings or integers: a lookup in a set. */
function constantSet(element: Code, container: Code): Code | undefined {
  const { constant } = container;
  if (!Array.isArray(constant) || container.type.kind !== "list") return undefined;
  if (!isSameType(element.type, container.type.element)) return undefined;
  const codes = [element, container];
  const values = constant as readonly CelValue[];
  if (element.type.kind === "string") {
    const set = new Set(values as readonly string[]);
    const run = element.run as Run<string>;
    return test((frame) => set.has(run(frame)), codes);
  }
  if (!isInteger(element)) return undefined;
  const integers = values.map((value) => (value instanceof CelUint ? value.value : (value as bigint)));
  if (element.form !== "number") {
    const set = new Set(integers);
    const run = asBigint(element);
    return test((frame) => set.has(run(frame)), codes);
  }
  const set = new Set(integers.map(Number));
  const run = element.run as Run<number>;
  return test((frame) => set.has(run(frame)), codes);
}

function compileIndex(container: Code, index: Code): Code {
  const weight = weigh([container, index]);
  const { type } = container;
  const values = asValue(container);
  if (type.kind === "list" && index.type.kind === "int") {
    const list = container.run as Run<readonly CelValue[]>;
    const at = asNumeric(index);
    const run: Run<CelValue> = (frame) => elementAt(list(frame), at(frame));
    return { type: type.element, form: "value", run, canFail: true, weight };
  }
  const key = asValue(index);
  const run: Run<CelValue> = (frame) => {
    const found = values(frame);
    const wanted = key(frame);
    if (found instanceof CelMap) {
      const value = lookUp(found, wanted, frame);
      if (value === undefined) throw new Fault("no such key");
      return value;
    }
    if (!Array.isArray(found)) throw NO_OVERLOAD;
    return elementAt(found as readonly CelValue[], toIndex(wanted));
  };
  return { type: type.kind === "map" ? type.value : DYN, form: "value", run, canFail: true, weight };
}

/** Looks up a key. A long string is compared with the stored key, which costs steps. */
function lookUp(map: CelMap, key: CelValue, frame: Frame): CelValue | undefined {
  if (typeof key === "string") frame.spendOn(key.length);
  return map.get(key);
}

function elementAt(list: readonly CelValue[], index: number | bigint): CelValue {
  const value = list[Number(index)];
  if (value === undefined) throw new Fault(`index out of bounds: ${index}`);
  return value;
}

/** Converts an index. A double is accepted if it is an integer. */
function toIndex(index: CelValue): number | bigint {
  if (index instanceof CelUint) return index.value;
  if (typeof index === "bigint") return index;
  if (typeof index === "number" && Number.isInteger(index)) return index;
  throw new Fault("invalid index of a list");
}

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

function compileSize(code: Code): Code | undefined {
  const { canFail, weight, type } = code;
  const size = (run: Run<number>): Code => ({ type: INT, form: "number", run, canFail, weight: weight + 1 });
  switch (type.kind) {
    case "string": {
      const text = code.run as Run<string>;
      return size((frame) => {
        const value = text(frame);
        frame.spendOn(value.length);
        return codePointCount(value);
      });
    }
    case "list": {
      const list = code.run as Run<readonly CelValue[]>;
      return size((frame) => list(frame).length);
    }
    default:
      return undefined;
  }
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
    return test(
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
  return test((frame) => hasPart(text(frame), constant), [a, b]);
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

/** Compiles any other function: with the overload that matches the types, or by selecting an overload at run time. */
function compileOverloads(expr: CallExpr, codes: readonly Code[], { checked, environment }: Compiler): Code {
  const isMember =
    expr.target !== undefined && checked.overloadsOf(expr).some((overload) => overload.isMember);
  const candidates = [...environment.functions]
    .filter(([name]) => name === expr.function || name.endsWith(`.${expr.function}`))
    .flatMap(([, overloads]) => overloads)
    .filter((overload) => overload.isMember === isMember && overload.parameters.length === codes.length);
  const values = codes.map(asValue);
  const weight = weigh(codes);
  const sure = candidates.find((overload) => isSurely(overload, codes));
  if (sure !== undefined) {
    const run = call(IMPLEMENTATIONS[sure.id]!, values);
    return { type: resultType(sure, codes), form: "value", run, canFail: true, weight };
  }
  const [a, b] = values;
  const run: Run<CelValue> = (frame) => {
    const first = a === undefined ? null : a(frame);
    const second = b === undefined ? null : b(frame);
    const fitting = candidates.find(
      ({ parameters }) => fits(parameters[0], first) && fits(parameters[1], second),
    );
    if (fitting === undefined) throw NO_OVERLOAD;
    return IMPLEMENTATIONS[fitting.id]!(first as never, second as never, frame);
  };
  const kinds = new Set(candidates.map(({ result }) => result.kind));
  const [only] = candidates;
  const type = kinds.size === 1 && only !== undefined && isPlainResult(only.result) ? only.result : DYN;
  return { type, form: "value", run, canFail: true, weight };
}

function call(implementation: Implementation, [a, b]: readonly Run<CelValue>[]): Run<CelValue> {
  if (a === undefined) return (frame) => implementation(undefined as never, undefined as never, frame);
  if (b === undefined) return (frame) => implementation(a(frame) as never, undefined as never, frame);
  return (frame) => implementation(a(frame) as never, b(frame) as never, frame);
}

function isSurely({ parameters }: Overload, codes: readonly Code[]): boolean {
  return parameters.every(
    (parameter, index) => parameter.kind === "param" || parameter.kind === codes[index]!.type.kind,
  );
}

function fits(parameter: CelType | undefined, value: CelValue): boolean {
  return parameter === undefined || parameter.kind === "param" || parameter.kind === kindOf(value);
}

function resultType({ id, result }: Overload, codes: readonly Code[]): CelType {
  if (id === "add_list") {
    const type = commonType(codes);
    return type === DYN ? listOf(DYN) : type;
  }
  return isPlainResult(result) ? result : DYN;
}

function isPlainResult({ kind }: CelType): boolean {
  return kind !== "param" && kind !== "list" && kind !== "map" && kind !== "type";
}
