import {
  create,
  type DescField,
  type DescMessage,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { type Any, anyUnpack, type ListValue, type Struct, type Value } from "@bufbuild/protobuf/wkt";
import {
  defaultOf,
  type Properties,
  presenceTest,
  propertiesOf,
  propertyReader,
} from "../../message/properties.js";
import { findField, type TypeRegistry } from "../check/environment.js";
import { isWellKnown } from "../check/type.js";
import { spendOnContent } from "../value/content.js";
import { durationOf } from "../value/duration.js";
import { Fault, NO_OVERLOAD } from "../value/fault.js";
import { timestampOf } from "../value/timestamp.js";
import { CelDuration, CelMap, CelTimestamp, CelUint, type CelValue } from "../value/value.js";
import type { Frame } from "./frame.js";

/**
 * Converts a message to a CEL value: well-known messages become the values that they represent, an Any is unpacked, and
 * other messages are unchanged. Throws a {@link Fault} for an Any that cannot be unpacked.
 */
export function fromMessage(message: Message, registry: TypeRegistry): CelValue {
  return isWellKnown(message.$typeName) ? fromWellKnown(message, registry) : message;
}

function fromWellKnown(message: Message, registry: TypeRegistry): CelValue {
  const fields = propertiesOf(message);
  switch (message.$typeName) {
    case "google.protobuf.Timestamp":
      return timestampOf(fields.seconds as bigint, fields.nanos as number);
    case "google.protobuf.Duration":
      return durationOf(fields.seconds as bigint, fields.nanos as number);
    case "google.protobuf.Any":
      return openAny(message as Any, registry);
    case "google.protobuf.Struct":
      return fromStruct(message as Struct);
    case "google.protobuf.ListValue":
      return (message as ListValue).values.map(fromValue);
    case "google.protobuf.Value":
      return fromValue(message as Value);
    case "google.protobuf.Int32Value":
    case "google.protobuf.Int64Value":
      return BigInt(fields.value as bigint);
    case "google.protobuf.UInt32Value":
    case "google.protobuf.UInt64Value":
      return new CelUint(BigInt(fields.value as bigint));
    default:
      // The other wrappers contain a bool, a string, bytes, or a floating-point number.
      return fields.value as CelValue;
  }
}

/** As in cel-go, an Any that is set but empty has no value; only an unset one is null. */
export const EMPTY_ANY = new Fault("conversion error: empty type URL in google.protobuf.Any");

function openAny(any: Any, registry: TypeRegistry): CelValue {
  if (any.typeUrl === "") throw EMPTY_ANY;
  let message: Message | undefined;
  const desc = registry.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
  try {
    message = desc && anyUnpack(any, desc);
  } catch {
    message = undefined;
  }
  if (message === undefined) throw new Fault(`conversion error: Any of ${any.typeUrl}`);
  return fromMessage(message, registry);
}

function fromStruct({ fields }: Struct): CelMap {
  const map = new CelMap();
  for (const [name, value] of Object.entries(fields)) map.add(name, fromValue(value));
  return map;
}

function fromValue({ kind }: Value): CelValue {
  switch (kind.case) {
    case "structValue":
      return fromStruct(kind.value);
    case "listValue":
      return kind.value.values.map(fromValue);
    case "nullValue":
    case undefined:
      return null;
    default:
      return kind.value;
  }
}

/** Converts a JSON value, which is how protobuf-es stores a field of type Struct. */
export function fromJson(json: JsonValue | undefined): CelValue {
  if (json === undefined) return new CelMap();
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json !== "object" || json === null) return json;
  const map = new CelMap();
  for (const [name, value] of Object.entries(json)) map.add(name, fromJson(value));
  return map;
}

/** Reads a field as a value; an unset field has its default. Throws a {@link Fault} as {@link fromMessage} does. */
export type FieldReader = (message: Message) => CelValue;

/** Returns the reader for a field. */
export function fieldReader(field: DescField, registry: TypeRegistry): FieldReader {
  const raw = propertyReader(field);
  switch (field.fieldKind) {
    case "list": {
      const convert = elementReader(field.listKind === "scalar" ? field.scalar : field.message, registry);
      return (message) => (raw(message) as unknown[]).map(convert);
    }
    case "map": {
      const convert = elementReader(field.mapKind === "scalar" ? field.scalar : field.message, registry);
      const toKey = keyReader(field.mapKey);
      return (message) => {
        const map = new CelMap();
        for (const [key, value] of Object.entries(raw(message) as Properties))
          map.add(toKey(key), convert(value));
        return map;
      };
    }
    case "message": {
      const unset = unsetMessage(field.message);
      const isStruct = field.message.typeName === "google.protobuf.Struct" && field.oneof === undefined;
      if (isStruct) return (message) => fromJson(raw(message) as JsonValue | undefined);
      const convert = elementReader(field.message, registry);
      return (message) => {
        const value = raw(message);
        return value === undefined ? unset : convert(value);
      };
    }
    case "enum": {
      const unset = defaultOf(field);
      return (message) => BigInt((raw(message) ?? unset) as number);
    }
    case "scalar": {
      const convert = elementReader(field.scalar, registry);
      const unset = convert(defaultOf(field));
      return (message) => {
        const value = raw(message);
        return value === undefined ? unset : convert(value);
      };
    }
  }
}

/** A {@link FieldReader} that spends steps if it traverses the whole content of the field. */
export type MeteredReader = (message: Message, frame: Frame) => CelValue;

export function meteredReader(field: DescField, registry: TypeRegistry): MeteredReader {
  const read = fieldReader(field, registry);
  const isLong = field.fieldKind === "list" || field.fieldKind === "map";
  if (!isLong && !LONG_MESSAGES.has(field.message?.typeName ?? "")) return read;
  const raw = propertyReader(field);
  return (message, frame) => {
    spendOnContent(raw(message), frame);
    return read(message);
  };
}

const LONG_MESSAGES: ReadonlySet<string> = new Set(
  ["Any", "ListValue", "Struct", "Value"].map((name) => `google.protobuf.${name}`),
);

/** Returns the converter for an element: a scalar, a message, or, if `type` is undefined, an enum value. */
function elementReader(
  type: ScalarType | DescMessage | undefined,
  registry: TypeRegistry,
): (raw: unknown) => CelValue {
  if (typeof type === "object") {
    // Wrapper fields are already unwrapped; only elements that are messages are converted.
    return (raw) => {
      const isMessage = typeof raw === "object" && raw !== null && "$typeName" in raw;
      return isMessage ? fromMessage(raw as Message, registry) : fromWrapped(type, raw);
    };
  }
  switch (type) {
    case ScalarType.BOOL:
    case ScalarType.STRING:
    case ScalarType.BYTES:
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (raw) => raw as CelValue;
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return (raw) => new CelUint(BigInt(raw as bigint));
    default:
      return (raw) => BigInt(raw as bigint);
  }
}

function fromWrapped({ typeName }: DescMessage, raw: unknown): CelValue {
  if (typeName === "google.protobuf.UInt32Value" || typeName === "google.protobuf.UInt64Value") {
    return new CelUint(BigInt(raw as bigint));
  }
  const isInt = typeName === "google.protobuf.Int32Value" || typeName === "google.protobuf.Int64Value";
  return isInt ? BigInt(raw as bigint) : (raw as CelValue);
}

/** Map keys are stored as property names. */
function keyReader(type: ScalarType): (key: string) => CelValue {
  switch (type) {
    case ScalarType.STRING:
      return (key) => key;
    case ScalarType.BOOL:
      return (key) => key === "true";
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return (key) => new CelUint(BigInt(key));
    default:
      return (key) => BigInt(key);
  }
}

/** Returns the value of an unset message field: an empty message, or null for types that can be null. */
function unsetMessage(desc: DescMessage): CelValue {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return new CelTimestamp(0, 0);
    case "google.protobuf.Duration":
      return new CelDuration(0n);
    case "google.protobuf.ListValue":
      return [];
    case "google.protobuf.Struct":
      return new CelMap();
    default:
      return isWellKnown(desc.typeName) ? null : emptyMessage(desc);
  }
}

const empties = new WeakMap<DescMessage, Message>();

/** Returns the shared empty message of a type. It must not be modified. */
export function emptyMessage(desc: DescMessage): Message {
  const known = empties.get(desc);
  if (known !== undefined) return known;
  const message = create(desc);
  empties.set(desc, message);
  return message;
}

/** Reads a field by name from messages whose type is only known at run time. */
export class DynamicFields {
  readonly #field: string;
  readonly #registry: TypeRegistry;
  readonly #readers = new Map<string, { read: MeteredReader; has: (message: Message) => boolean }>();

  constructor(field: string, registry: TypeRegistry) {
    this.#field = field;
    this.#registry = registry;
  }

  read(message: Message, frame: Frame): CelValue {
    return this.#readerFor(message).read(message, frame);
  }

  has(message: Message): boolean {
    return this.#readerFor(message).has(message);
  }

  #readerFor({ $typeName }: Message) {
    const known = this.#readers.get($typeName);
    if (known !== undefined) return known;
    const desc = this.#registry.getMessage($typeName);
    const field = desc && findField(desc, this.#field, this.#registry);
    if (desc === undefined) throw NO_OVERLOAD;
    if (field === undefined) throw new Fault(`no such field '${this.#field}'`);
    const reader = { read: meteredReader(field, this.#registry), has: presenceTest(field) };
    this.#readers.set($typeName, reader);
    return reader;
  }
}
