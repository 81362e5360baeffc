import type { Message } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import { isDate } from "../../errors/value-checks.js";
import { goQuote } from "../../go/strconv/quote.js";
import type { TypeRegistry } from "../check/environment.js";
import { type CelType, formatType } from "../check/type.js";
import { Fault } from "../value/fault.js";
import {
  CelDuration,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  typeNameOf,
} from "../value/value.js";
import { fromMessage } from "./message.js";

/** Converts a caller's value for a variable. Throws a {@link Fault} if it does not have the variable's type. */
export type InputReader = (input: unknown) => CelValue;

/**
 * Returns the reader for a variable's type: an int or uint is given as a bigint or an integer, a timestamp as a message
 * or a Date, a map as a Map or an object. For dyn, a number is a double and a bigint an int.
 */
export function inputReader(type: CelType, registry: TypeRegistry): InputReader {
  const read = readerOf(type, registry);
  // A well-known message is converted to the value that it represents, as in a field.
  return (input) => read(isMessage(input) ? fromMessage(input, registry) : input);
}

function readerOf(type: CelType, registry: TypeRegistry): InputReader {
  const invalidInput = (input: unknown, why: string) =>
    new Fault(`no such overload: a variable of type ${formatType(type)} was given ${describe(input)}${why}`);
  const guarded =
    (read: (input: unknown) => CelValue | undefined, range?: string): InputReader =>
    (input) => {
      const value = read(input);
      if (value === undefined) throw invalidInput(input, whyNoInteger(input, range));
      return value;
    };
  switch (type.kind) {
    case "bool":
      return guarded((input) => (typeof input === "boolean" ? input : undefined));
    case "string":
      return guarded((input) => (typeof input === "string" ? input : undefined));
    case "double":
      return guarded((input) => (typeof input === "number" ? input : undefined));
    case "bytes":
      return guarded((input) => (isUint8Array(input) ? input : undefined));
    case "int":
      return guarded((input) => {
        const value = toBigint(input);
        return value !== undefined && isInt(value) ? value : undefined;
      }, "-2^63 to 2^63 - 1");
    case "uint":
      return guarded((input) => {
        const value = toBigint(input instanceof CelUint ? input.value : input);
        return value !== undefined && BigInt.asUintN(64, value) === value ? new CelUint(value) : undefined;
      }, "0 to 2^64 - 1");
    case "null":
      return guarded((input) => (input === null || input === undefined ? null : undefined));
    case "wrapper": {
      const read = inputReader(type.of, registry);
      return (input) => (input === null || input === undefined ? null : read(input));
    }
    case "timestamp":
      return guarded((input) => {
        const value = fromAny(input, registry);
        return value instanceof CelTimestamp ? value : undefined;
      });
    case "duration":
      return guarded((input) => {
        const value = fromAny(input, registry);
        return value instanceof CelDuration ? value : undefined;
      });
    case "message":
      return guarded((input) => (isMessage(input) && input.$typeName === type.name ? input : undefined));
    case "list": {
      const read = inputReader(type.element, registry);
      return guarded((input) =>
        Array.isArray(input)
          ? Array.from(input, (element, index) => readAt(index, read, element))
          : undefined,
      );
    }
    // The checker takes every type of a type for any other, and so does this.
    case "type":
      return guarded((input) => (input instanceof CelTypeValue ? input : undefined));
    case "map": {
      const readKey = inputReader(type.key, registry);
      const readValue = inputReader(type.value, registry);
      return guarded((input) => readMap(input, readKey, readValue));
    }
    default:
      return guarded((input) => fromAny(input, registry));
  }
}

function isInt(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function toBigint(input: unknown): bigint | undefined {
  if (typeof input === "bigint") return input;
  return typeof input === "number" && Number.isSafeInteger(input) ? BigInt(input) : undefined;
}

/** Converts a value without a declared type; undefined if it has no CEL type. */
function fromAny(input: unknown, registry: TypeRegistry): CelValue | undefined {
  const readAny: InputReader = (value) => {
    const read = fromAny(value, registry);
    if (read === undefined) throw new Fault(`not a CEL value: ${describe(value)}`);
    return read;
  };
  switch (typeof input) {
    case "boolean":
    case "string":
    case "number":
      return input;
    case "bigint":
      return isInt(input) ? input : undefined;
    case "undefined":
      return null;
    case "object":
      break;
    default:
      return undefined;
  }
  if (input === null || isOwnValue(input)) return input;
  if (isMessage(input)) return fromMessage(input, registry);
  if (Array.isArray(input)) return Array.from(input, (element, index) => readAt(index, readAny, element));
  if (isDate(input)) return fromDate(input);
  return readMap(input, readAny, readAny);
}

function isOwnValue(input: object): input is CelValue & object {
  return [Uint8Array, CelUint, CelTimestamp, CelDuration, CelTypeValue, CelMap].some(
    (type) => input instanceof type,
  );
}

function isMessage(input: unknown): input is Message {
  return typeof input === "object" && input !== null && "$typeName" in input;
}

function fromDate(date: Date): CelTimestamp | undefined {
  const milliseconds = date.getTime();
  if (Number.isNaN(milliseconds)) return undefined;
  const seconds = Math.floor(milliseconds / 1000);
  return new CelTimestamp(seconds, (milliseconds - seconds * 1000) * 1_000_000);
}

function readMap(input: unknown, readKey: InputReader, readValue: InputReader): CelMap | undefined {
  if (typeof input !== "object" || input === null) return undefined;
  if (!isEntries(input) && !isPlainObject(input)) return undefined;
  const map = new CelMap();
  for (const [key, value] of isEntries(input) ? input : Object.entries(input)) {
    const shown = typeof key === "string" ? goQuote(key) : String(key);
    if (!map.add(readKey(key), readAt(shown, readValue, value)))
      throw new Fault(`invalid key of a map: ${describe(key)}`);
  }
  return map;
}

/** Reads an element of a list or map; a fault names its index or key. */
function readAt(index: number | string, read: InputReader, input: unknown): CelValue {
  try {
    return read(input);
  } catch (error) {
    throw faultAt(`[${index}]`, error);
  }
}

/** Adds a place in front of a fault: `pods` of `[2]: …` is `pods[2]: …`. Other errors stay as they are. */
export function faultAt(place: string, error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault(`${place}${error.message.startsWith("[") ? "" : ": "}${error.message}`);
}

/** Whether an object, also of another realm, is written as `{}` or made by JSON.parse; class instances are not. */
function isPlainObject(input: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(input);
  return !isMessage(input) && (prototype === null || Object.getPrototypeOf(prototype) === null);
}

function isEntries(input: object): input is Iterable<readonly [key: unknown, value: unknown]> {
  return input instanceof Map || input instanceof CelMap;
}

function describe(input: unknown): string {
  if (input === null || input === undefined) return String(input);
  if (isMessage(input)) return input.$typeName;
  if (typeof input === "object" && isOwnValue(input)) return typeNameOf(input);
  if (Array.isArray(input)) return "an array";
  if (typeof input !== "object") return `a ${typeof input}`;
  // The name of its class: "a Set", "a Date"; "an object" for plain ones.
  const name = Object.prototype.toString.call(input).slice("[object ".length, -1);
  return ["Object", "String", "Number", "Boolean"].includes(name) ? "an object" : `a ${name}`;
}

/** Why a number is not an int or uint: the end of a message. */
function whyNoInteger(input: unknown, range: string | undefined): string {
  if (range === undefined || (typeof input !== "number" && typeof input !== "bigint")) return "";
  if (typeof input === "bigint") return ` that is out of range (${range})`;
  if (!Number.isInteger(input)) return " that is not an integer";
  return Number.isSafeInteger(input)
    ? ` that is out of range (${range})`
    : " that is not exact; use a bigint";
}
