import type { Message } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";

/** A uint where its type is not known beforehand, so that it is not taken for an int, which is a bigint. */
export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A point in time: seconds since 1970 and nanoseconds from 0 to 999,999,999 after them. */
export class CelTimestamp {
  readonly seconds: number;
  readonly nanos: number;

  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

/** A span of time, as cel-go has it: nanoseconds in 64 bits. */
export class CelDuration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value: `type(1) == int`. Types are the same when their names are. */
export class CelTypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a key is looked up by: the numeric value for ints and uints alike. */
type MapIndex = string | boolean | bigint;

/** A map, in the order in which its entries were written. Keys are strings, bools, ints and uints. */
export class CelMap {
  private readonly entries = new Map<MapIndex, readonly [key: CelValue, value: CelValue]>();

  get size(): number {
    return this.entries.size;
  }

  /** Adds an entry; false when the key is there already, or cannot be one. */
  add(key: CelValue, value: CelValue): boolean {
    const index = toIndex(key);
    if (index === undefined || this.entries.has(index)) return false;
    this.entries.set(index, [key, value]);
    return true;
  }

  /** The value under a key, or undefined. A number is found whatever its type. */
  get(key: CelValue): CelValue | undefined {
    const index = typeof key === "number" && Number.isInteger(key) ? BigInt(key) : toIndex(key);
    return index === undefined ? undefined : this.entries.get(index)?.[1];
  }

  /** The keys, in the order of the entries. */
  *keys(): IterableIterator<CelValue> {
    for (const [key] of this.entries.values()) yield key;
  }

  /** The entries, in their order. */
  [Symbol.iterator](): IterableIterator<readonly [key: CelValue, value: CelValue]> {
    return this.entries.values();
  }
}

function toIndex(key: CelValue): MapIndex | undefined {
  if (key instanceof CelUint) return key.value;
  return typeof key === "string" || typeof key === "boolean" || typeof key === "bigint" ? key : undefined;
}

/**
 * A value whose type is known only from itself: an int is a bigint and a double a number, lists are arrays, and messages
 * are protobuf-es messages.
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

/** The kinds of values, named as the types of the checker are. */
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

/** The name of a value's type, as `type()` gives it. */
export function typeNameOf(value: CelValue): string {
  const kind = kindOf(value);
  return kind === "message" ? (value as Message).$typeName : (TYPE_NAMES[kind] ?? kind);
}
