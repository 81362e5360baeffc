import { BOOL, type CelType, DYN, isSameType } from "../check/type.js";
import { Frame } from "../run/frame.js";
import { Fault, NO_OVERLOAD } from "../value/fault.js";
import { CelUint, type CelValue } from "../value/value.js";

/** Computes the value of a node. Throws a {@link Fault} if that fails. */
export type Run<T> = (frame: Frame) => T;

/**
 * The representation of a node's value: `value` for a {@link CelValue}; `number` for an int or uint that is exact as a
 * JavaScript number; `uint` for any uint as a bigint.
 */
export type Form = "value" | "number" | "uint";

/** A compiled node of an expression. */
export interface Code {
  /** The type of the value; dyn if it is only known at run time. */
  readonly type: CelType;
  readonly form: Form;
  readonly run: Run<unknown>;
  /** The value, if it is known at compile time. */
  readonly constant?: CelValue | undefined;
  /** Whether it can throw a fault that `||` and `&&` absorb. */
  readonly canFail: boolean;
  /** The approximate number of steps per run, without loops. */
  readonly weight: number;
}

/** Creates code for a value that is known at compile time. */
export function constantCode(type: CelType, value: CelValue): Code {
  const number = type.kind === "int" || type.kind === "uint" ? toSafeNumber(value) : undefined;
  const form = number === undefined ? "value" : "number";
  const content = number ?? value;
  return { type, form, run: () => content, constant: value, canFail: false, weight: 1 };
}

/** Converts an int or uint to a number; undefined if that is not exact. */
export function toSafeNumber(value: CelValue | undefined): number | undefined {
  const integer = value instanceof CelUint ? value.value : value;
  if (typeof integer !== "bigint") return undefined;
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Creates code that always fails with a fault that was found at compile time. */
export function failing(fault: Fault, weight: number): Code {
  const run = () => {
    throw fault;
  };
  return { type: DYN, form: "value", run, canFail: true, weight };
}

/** Converts to the representation that carries its type. */
export function asValue({ form, type, run, constant }: Code): Run<CelValue> {
  if (constant !== undefined) return () => constant;
  if (form === "value") return run as Run<CelValue>;
  if (form === "uint") return (frame) => new CelUint(run(frame) as bigint);
  return type.kind === "uint"
    ? (frame) => new CelUint(BigInt(run(frame) as number))
    : (frame) => BigInt(run(frame) as number);
}

/** Converts an int or uint to a bigint. */
export function asBigint({ form, type, run, constant }: Code): Run<bigint> {
  if (constant !== undefined) {
    const value = constant instanceof CelUint ? constant.value : (constant as bigint);
    return () => value;
  }
  if (form === "number") return (frame) => BigInt(run(frame) as number);
  if (form === "uint" || type.kind === "int") return run as Run<bigint>;
  return (frame) => (run(frame) as CelUint).value;
}

/** Returns an int or uint in the representation that is cheapest to compare. */
export function asNumeric(code: Code): Run<number | bigint> {
  return code.form === "number" ? (code.run as Run<number>) : asBigint(code);
}

export function isInteger({ type }: Code): boolean {
  return type.kind === "int" || type.kind === "uint";
}

/** Requires a bool; any other value throws a {@link Fault}. */
export function asBool(code: Code): Run<boolean> {
  if (code.type.kind === "bool") return code.run as Run<boolean>;
  const value = asValue(code);
  return (frame) => {
    const held = value(frame);
    if (typeof held !== "boolean") throw NO_OVERLOAD;
    return held;
  };
}

/** Returns the common type of all nodes; dyn if they differ. */
export function commonType(codes: readonly Code[]): CelType {
  const [first, ...others] = codes;
  return first !== undefined && others.every(({ type }) => isSameType(type, first.type)) ? first.type : DYN;
}

export function weigh(codes: readonly Code[]): number {
  return codes.reduce((sum, { weight }) => sum + weight, 1);
}

export function anyFails(codes: readonly Code[]): boolean {
  return codes.some(({ canFail }) => canFail);
}

/** Creates code for a condition. */
export function testCode(
  run: Run<boolean>,
  codes: readonly Code[],
  canFail: boolean = anyFails(codes),
): Code {
  return { type: BOOL, form: "value", run, canFail, weight: weigh(codes) };
}

/** Enough for any expression without a loop. */
const FOLDING_STEPS = 100_000;

/** Evaluates a node at compile time if all its operands are constant. */
export function folded(code: Code, operands: readonly Code[]): Code {
  if (operands.some(({ constant }) => constant === undefined)) return code;
  const frame = new Frame(0);
  frame.steps = FOLDING_STEPS;
  try {
    return constantCode(code.type, asValue(code)(frame));
  } catch (error) {
    if (error instanceof Fault) return failing(error, code.weight);
    throw error;
  }
}
