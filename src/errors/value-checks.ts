import { isUint8Array } from "../bytes/is-uint8-array.js";
import { describeValue } from "./describe-value.js";

/** Receives one issue: the path of the value, such as `rotation.maxBytes`, and the message. */
export type ReportIssue = (path: string, message: string) => void;

/**
 * Checks one argument or option, for callers without types. Where a `ValueCheck<V>` is expected, the compiler rejects a
 * check whose type does not cover `V`.
 */
export interface ValueCheck<in V> {
  (value: unknown, path: string, report: ReportIssue): void;
  /** For type checking only; never present. */
  readonly accepts?: (value: V) => void;
}

/** The check of a required option. */
export interface RequiredCheck<in V> extends ValueCheck<V> {
  readonly required: true;
}

/** Creates a check from a predicate. `expected` completes the sentence "must be …". */
export function valueCheck<V>(expected: string, accepts: (value: unknown) => boolean): ValueCheck<V> {
  return (value, path, report) => {
    if (!accepts(value)) report(path, `must be ${expected}, not ${describeValue(value)}`);
  };
}

export const aString: ValueCheck<string> = valueCheck("a string", (value) => typeof value === "string");

/** A non-empty string. */
export const aPath: ValueCheck<string> = valueCheck(
  "a path as a string",
  (value) => typeof value === "string" && value !== "",
);

export const aBoolean: ValueCheck<boolean> = valueCheck(
  "true or false",
  (value) => typeof value === "boolean",
);

export const aFunction: ValueCheck<(...args: never[]) => unknown> = valueCheck(
  "a function",
  (value) => typeof value === "function",
);

export const anObject: ValueCheck<object> = valueCheck("an object", isObject);

export const aDate: ValueCheck<Date> = valueCheck(
  "a valid Date",
  (value) => isDate(value) && !Number.isNaN(value.getTime()),
);

export const aUint8Array: ValueCheck<Uint8Array> = valueCheck("a Uint8Array", (value) => isUint8Array(value));

/** Any number, including Infinity, except NaN. */
export const aNumber: ValueCheck<number> = valueCheck(
  "a number",
  (value) => typeof value === "number" && !Number.isNaN(value),
);

/** A number above 0, including Infinity. */
export const aPositiveNumber: ValueCheck<number> = valueCheck(
  "a number above 0",
  (value) => typeof value === "number" && value > 0,
);

/** A number of at least `least`, including Infinity. */
export function aNumberFrom(least: number): ValueCheck<number> {
  return valueCheck(`a number, at least ${least}`, (value) => typeof value === "number" && value >= least);
}

/** An integer from `least` to `most`; by default any safe integer. */
export function anInteger(
  least: number = Number.MIN_SAFE_INTEGER,
  most: number = Number.MAX_SAFE_INTEGER,
): ValueCheck<number> {
  const from = least === Number.MIN_SAFE_INTEGER ? "" : ` from ${least}`;
  const to = most === Number.MAX_SAFE_INTEGER ? (from === "" ? "" : " on") : ` to ${most}`;
  return valueCheck(
    `an integer${from}${to}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

/** A non-negative bigint. */
export const aCount: ValueCheck<bigint> = valueCheck(
  "a bigint, at least 0n",
  (value) => typeof value === "bigint" && value >= 0n,
);

export function oneOf<V extends string | number>(...values: readonly V[]): ValueCheck<V> {
  return valueCheck(`one of ${values.join(", ")}`, (value) => (values as readonly unknown[]).includes(value));
}

/** An object with methods of these names, such as a clock or an AbortSignal. */
export function withMethods<V extends object>(
  expected: string,
  ...names: readonly (keyof V & (string | symbol))[]
): ValueCheck<V> {
  return valueCheck(expected, (value) => hasMethods(value, names));
}

export const aSignal: ValueCheck<AbortSignal> = withMethods<AbortSignal>(
  "an AbortSignal",
  "throwIfAborted",
  "addEventListener",
  "removeEventListener",
);

export const anIterable: ValueCheck<AsyncIterable<unknown> | Iterable<unknown>> = valueCheck(
  "an iterable or async iterable",
  isIterable,
);

/** A protobuf-es message of one of these types; its fields are not checked. */
export function aMessage<V extends { readonly $typeName: string }>(
  ...typeNames: readonly V["$typeName"][]
): ValueCheck<V> {
  return valueCheck(
    `a message of type ${typeNames.join(" or ")}`,
    (value) => isObject(value) && typeNames.includes((value as Partial<V>).$typeName ?? ""),
  );
}

export function aListOf<V>(check: ValueCheck<V>): ValueCheck<readonly V[]> {
  return (value, path, report) => {
    if (!Array.isArray(value)) {
      report(path, `must be a list, not ${describeValue(value)}`);
      return;
    }
    // An index loop, so that holes are checked as well.
    for (let index = 0; index < value.length; index++) check(value[index], `${path}[${index}]`, report);
  };
}

/** An object used as a map: any keys, and values of one type. */
export function anObjectOf<V>(check: ValueCheck<V>): ValueCheck<Readonly<Record<string, V>>> {
  return (value, path, report) => {
    if (!isObject(value)) {
      report(path, `must be an object, not ${describeValue(value)}`);
      return;
    }
    for (const [key, element] of Object.entries(value)) check(element, `${path}.${key}`, report);
  };
}

/** A value of one of two types; `isFirst` selects the check. */
export function either<A, B>(
  isFirst: (value: unknown) => boolean,
  first: ValueCheck<A>,
  second: ValueCheck<B>,
): ValueCheck<A | B> {
  return (value, path, report) => (isFirst(value) ? first : second)(value, path, report);
}

/** Accepts any value; for options that the function checks itself. */
export const checkedElsewhere: ValueCheck<unknown> = () => {};

export function required<V>(check: ValueCheck<V>): RequiredCheck<V> {
  const checkRequired: ValueCheck<V> = (value, path, report) => {
    if (value === undefined) report(path, "is required");
    else check(value, path, report);
  };
  return Object.assign(checkRequired, { required: true } as const);
}

/** Whether a value is a Date of any realm; see {@link isUint8Array}. */
export function isDate(value: unknown): value is Date {
  return value instanceof Date || Object.prototype.toString.call(value) === "[object Date]";
}

/** Whether a value is an object other than null and arrays. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is an iterable or async iterable object; strings are not. */
export function isIterable(value: unknown): boolean {
  return hasMethods(value, [Symbol.asyncIterator]) || hasMethods(value, [Symbol.iterator]);
}

export function hasMethods(value: unknown, names: readonly (string | symbol)[]): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => typeof (value as Record<string | symbol, unknown>)[name] === "function");
}
