import type { Message } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";

/** A uint as a value that carries its type, to distinguish it from an int, which is a bigint. */
export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A point in time: seconds since 1970 and additional nanoseconds from 0 to 999,999,999. */
export class CelTimestamp {
  readonly seconds: number;
  readonly nanos: number;

  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

/** A duration as in cel-go: nanoseconds in 64 bits. */
export class CelDuration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value: `type(1) == int`. Types are equal if their names are. */
export class CelTypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The index of a key: the numeric value for both ints and uints. */
type MapIndex = string | boolean | bigint;

/** A map that keeps the order of its entries. Keys are strings, bools, ints and uints. */
export class CelMap {
  readonly #entries = new Map<MapIndex, readonly [key: CelValue, value: CelValue]>();

  get size(): number {
    return this.#entries.size;
  }

  /** Adds an entry. Returns false if the key exists or has an unsupported type. */
  add(key: CelValue, value: CelValue): boolean {
    const index = toIndex(key);
    if (index === undefined || this.#entries.has(index)) return false;
    this.#entries.set(index, [key, value]);
    return true;
  }

  /** Returns the value of a key, or undefined. Numeric keys match regardless of their type. */
  get(key: CelValue): CelValue | undefined {
    const index = typeof key === "number" && Number.isInteger(key) ? BigInt(key) : toIndex(key);
    return index === undefined ? undefined : this.#entries.get(index)?.[1];
  }

  /** Returns the keys in the order of the entries. */
  *keys(): IterableIterator<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }

  /** Returns the entries in order. */
  [Symbol.iterator](): IterableIterator<readonly [key: CelValue, value: CelValue]> {
    return this.#entries.values();
  }
}

function toIndex(key: CelValue): MapIndex | undefined {
  if (key instanceof CelUint) return key.value;
  return typeof key === "string" || typeof key === "boolean" || typeof key === "bigint" ? key : undefined;
}

/**
 * A value that carries its type: an int is a bigint, a double a number, lists are arrays, and messages are protobuf-es
 * messages.
 */
export type CelValue =
  | null
  | boolean
  | bigint
  | CelUint
  | number
  | string
  | Uint8Array
  | CelTimestamp
  | CelDuration
  | CelTypeValue
  | readonly CelValue[]
  | CelMap
  | Message;

/** The kinds of values, with the names of the checker's types. */
export type ValueKind =
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "type"
  | "list"
  | "map"
  | "message";

export function kindOf(value: CelValue): ValueKind {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
    default:
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (value instanceof CelUint) return "uint";
  if (isUint8Array(value)) return "bytes";
  if (value instanceof CelTimestamp) return "timestamp";
  if (value instanceof CelDuration) return "duration";
  if (value instanceof CelMap) return "map";
  return value instanceof CelTypeValue ? "type" : "message";
}

const TYPE_NAMES: Readonly<Partial<Record<ValueKind, string>>> = {
  null: "null_type",
  timestamp: "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
};

/** Returns the name of a value's type, as in `type()`. */
export function typeNameOf(value: CelValue): string {
  const kind = kindOf(value);
  return kind === "message" ? (value as Message).$typeName : (TYPE_NAMES[kind] ?? kind);
}
