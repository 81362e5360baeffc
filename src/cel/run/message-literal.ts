import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type Message,
  type Registry,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Any,
  AnySchema,
  anyPack,
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  Int64ValueSchema,
  type ListValue,
  ListValueSchema,
  NullValue,
  StringValueSchema,
  type Struct,
  StructSchema,
  TimestampSchema,
  UInt64ValueSchema,
  type Value,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import type { TypeRegistry } from "../check/environment.js";
import { isWellKnown } from "../check/type.js";
import { spendOnContent } from "../value/content.js";
import { formatDuration } from "../value/duration.js";
import { Fault } from "../value/fault.js";
import { formatTimestamp, wholeSeconds } from "../value/timestamp.js";
import {
  CelDuration,
  CelMap,
  CelTimestamp,
  CelUint,
  type CelValue,
  kindOf,
  typeNameOf,
} from "../value/value.js";
import type { Frame } from "./frame.js";
import { EMPTY_ANY, fromMessage } from "./message.js";

/**
 * Creates the value of a message literal: `google.protobuf.BoolValue{value: true}` is true. Throws a {@link Fault} if a
 * value does not fit its field.
 */
export function buildMessage(
  desc: DescMessage,
  entries: readonly (readonly [field: DescField, value: CelValue])[],
  registry: TypeRegistry,
  frame: Frame,
): CelValue {
  const message = create(desc);
  for (const [field, value] of entries) {
    spendOnEntry(field, value, frame);
    setField(message, field, value, registry);
  }
  if (desc.typeName === AnySchema.typeName && (message as Any).typeUrl === "") throw EMPTY_ANY;
  return fromMessage(message, registry);
}

/**
 * Spends steps for lists and maps, which are converted, and for the whole content of values that become a JSON message
 * or an Any.
 */
function spendOnEntry(field: DescField, value: CelValue, frame: Frame): void {
  if (field.message !== undefined && isWellKnown(field.message.typeName)) spendOnValue(value, frame);
  else if (Array.isArray(value)) frame.spend(value.length);
  else if (value instanceof CelMap) frame.spend(value.size);
}

/** The approximate cost of creating a JSON message, or of packing a value. */
const PART_STEPS = 5;

/** {@link spendOnContent} for CEL values. */
function spendOnValue(value: CelValue, frame: Frame): void {
  frame.spend(PART_STEPS);
  if (Array.isArray(value)) for (const element of value) spendOnValue(element, frame);
  else if (!(value instanceof CelMap)) spendOnContent(value, frame);
  else {
    for (const [key, content] of value) {
      spendOnValue(key, frame);
      spendOnValue(content, frame);
    }
  }
}

function setField(message: Message, field: DescField, value: CelValue, registry: TypeRegistry): void {
  const content = toField(field, value, registry);
  if (content === undefined) return;
  const fields = message as unknown as Record<string, unknown>;
  if (field.oneof === undefined) fields[field.localName] = content;
  else fields[field.oneof.localName] = { case: field.localName, value: content };
}

/** Converts a value to the content of a field; undefined to leave the field unset, as null does for messages. */
function toField(field: DescField, value: CelValue, registry: TypeRegistry): unknown {
  switch (field.fieldKind) {
    case "list": {
      const convert = toElement(
        field.listKind === "enum" ? field.enum : (field.message ?? field.scalar),
        registry,
      );
      if (!Array.isArray(value)) throw misfit(value, field);
      return (value as readonly CelValue[]).map(
        (element) => convert(element) ?? misfitElement(element, field),
      );
    }
    case "map": {
      const convert = toElement(
        field.mapKind === "enum" ? field.enum : (field.message ?? field.scalar),
        registry,
      );
      const toKey = toElement(field.mapKey, registry);
      if (!(value instanceof CelMap)) throw misfit(value, field);
      const entries = [...value].map(([key, content]) => [
        String(toKey(key)),
        convert(content) ?? misfitElement(content, field),
      ]);
      return Object.fromEntries(entries);
    }
    case "message":
      return toMessageField(field, value, registry);
    case "enum":
      if (value === null && field.enum.typeName === "google.protobuf.NullValue") return NullValue.NULL_VALUE;
      return toElement(field.enum, registry)(value);
    case "scalar":
      return toElement(field.scalar, registry)(value);
  }
}

function toMessageField(
  field: DescField & { fieldKind: "message" },
  value: CelValue,
  registry: TypeRegistry,
): unknown {
  const { typeName } = field.message;
  if (value === null && typeName !== "google.protobuf.Value" && typeName !== "google.protobuf.Any") {
    if (typeName === "google.protobuf.Struct" || typeName === "google.protobuf.ListValue")
      throw misfit(value, field);
    return undefined;
  }
  // protobuf-es stores these as plain values if they are fields outside a oneof.
  const isPlain = field.oneof === undefined;
  if (isPlain && typeName === "google.protobuf.Struct") {
    return toJson(StructSchema, toMessage(StructSchema, value, registry) as Struct);
  }
  const wrapped = WRAPPED[typeName];
  if (isPlain && wrapped !== undefined) return toElement(wrapped, registry)(value);
  return toElement(field.message, registry)(value);
}

const WRAPPED: Readonly<Record<string, ScalarType>> = {
  "google.protobuf.BoolValue": ScalarType.BOOL,
  "google.protobuf.BytesValue": ScalarType.BYTES,
  "google.protobuf.DoubleValue": ScalarType.DOUBLE,
  "google.protobuf.FloatValue": ScalarType.FLOAT,
  "google.protobuf.Int32Value": ScalarType.INT32,
  "google.protobuf.Int64Value": ScalarType.INT64,
  "google.protobuf.StringValue": ScalarType.STRING,
  "google.protobuf.UInt32Value": ScalarType.UINT32,
  "google.protobuf.UInt64Value": ScalarType.UINT64,
};

function toElement(
  type: ScalarType | DescEnum | DescMessage | undefined,
  registry: TypeRegistry,
): (value: CelValue) => unknown {
  if (typeof type !== "object") return (value) => toScalar(type ?? ScalarType.INT32, value);
  return type.kind === "enum"
    ? (value) => toScalar(ScalarType.INT32, value)
    : (value) => toMessage(type, value, registry);
}

function toScalar(type: ScalarType, value: CelValue): unknown {
  switch (type) {
    case ScalarType.BOOL:
      if (typeof value === "boolean") return value;
      break;
    case ScalarType.STRING:
      if (typeof value === "string") return value;
      break;
    case ScalarType.BYTES:
      if (isUint8Array(value)) return value;
      break;
    case ScalarType.DOUBLE:
      if (typeof value === "number") return value;
      break;
    case ScalarType.FLOAT:
      if (typeof value === "number") return Math.fround(value);
      break;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      if (value instanceof CelUint) return inRange(value.value, 0n, 0xffff_ffffn);
      break;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      if (value instanceof CelUint) return value.value;
      break;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      if (typeof value === "bigint") return inRange(value, -0x8000_0000n, 0x7fff_ffffn);
      break;
    default:
      if (typeof value === "bigint") return value;
  }
  throw new Fault(`type conversion error from '${typeNameOf(value)}' to '${ScalarType[type].toLowerCase()}'`);
}

function inRange(value: bigint, least: bigint, most: bigint): number {
  if (value < least || value > most) throw new Fault("range error");
  return Number(value);
}

function toMessage(desc: DescMessage, value: CelValue, registry: TypeRegistry): Message | undefined {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      if (!(value instanceof CelTimestamp)) break;
      return timestampMessage(value);
    case "google.protobuf.Duration":
      if (!(value instanceof CelDuration)) break;
      return durationOf(value);
    case "google.protobuf.Any":
      return packAny(value, registry);
    case "google.protobuf.Value":
      return toValue(value, registry);
    case "google.protobuf.ListValue": {
      const { kind } = toValue(value, registry);
      if (kind.case !== "listValue") break;
      return kind.value;
    }
    case "google.protobuf.Struct": {
      const { kind } = toValue(value, registry);
      if (kind.case !== "structValue") break;
      return kind.value;
    }
    default: {
      const wrapped = WRAPPED[desc.typeName];
      if (wrapped !== undefined && value !== null) {
        return create(desc, { value: toScalar(wrapped, value) });
      }
      if (kindOf(value) === "message" && (value as Message).$typeName === desc.typeName)
        return value as Message;
    }
  }
  throw new Fault(`type conversion error from '${typeNameOf(value)}' to '${desc.typeName}'`);
}

function timestampMessage(timestamp: CelTimestamp) {
  return create(TimestampSchema, { seconds: wholeSeconds(timestamp), nanos: timestamp.nanos });
}

function durationOf({ nanos }: CelDuration) {
  const seconds = nanos / 1_000_000_000n;
  return create(DurationSchema, { seconds, nanos: Number(nanos - seconds * 1_000_000_000n) });
}

function packAny(value: CelValue, registry: TypeRegistry): Message {
  if (kindOf(value) === "message") {
    const message = value as Message;
    if (message.$typeName === "google.protobuf.Any") return message;
    const desc = registry.getMessage(message.$typeName);
    if (desc === undefined) throw new Fault(`unknown message type '${message.$typeName}'`);
    return anyPack(desc, message);
  }
  switch (kindOf(value)) {
    case "bool":
      return anyPack(BoolValueSchema, create(BoolValueSchema, { value: value as boolean }));
    case "bytes":
      return anyPack(BytesValueSchema, create(BytesValueSchema, { value: (value as Uint8Array).slice() }));
    case "double":
      return anyPack(DoubleValueSchema, create(DoubleValueSchema, { value: value as number }));
    case "int":
      return anyPack(Int64ValueSchema, create(Int64ValueSchema, { value: value as bigint }));
    case "uint":
      return anyPack(UInt64ValueSchema, create(UInt64ValueSchema, { value: (value as CelUint).value }));
    case "string":
      return anyPack(StringValueSchema, create(StringValueSchema, { value: value as string }));
    case "timestamp":
      return anyPack(TimestampSchema, timestampMessage(value as CelTimestamp));
    case "duration":
      return anyPack(DurationSchema, durationOf(value as CelDuration));
    case "list":
      return anyPack(ListValueSchema, toValue(value, registry).kind.value as ListValue);
    case "map":
      return anyPack(StructSchema, toValue(value, registry).kind.value as Struct);
    case "null":
      return anyPack(ValueSchema, toValue(null, registry));
    default:
      throw new Fault(`type conversion error from '${typeNameOf(value)}' to '${AnySchema.typeName}'`);
  }
}

/**
 * Converts a value to a google.protobuf.Value. Integers that are not exact as doubles become strings, as in protobuf's
 * JSON form.
 */
function toValue(value: CelValue, registry: TypeRegistry): Value {
  switch (kindOf(value)) {
    case "null":
      return create(ValueSchema, { kind: { case: "nullValue", value: NullValue.NULL_VALUE } });
    case "bool":
      return create(ValueSchema, { kind: { case: "boolValue", value: value as boolean } });
    case "double":
      return create(ValueSchema, { kind: { case: "numberValue", value: value as number } });
    case "list":
      return create(ValueSchema, {
        kind: {
          case: "listValue",
          value: create(ListValueSchema, {
            values: (value as readonly CelValue[]).map((one) => toValue(one, registry)),
          }),
        },
      });
    case "map": {
      const entries = [...(value as CelMap)].map(
        ([key, content]) => [toName(key), toValue(content, registry)] as const,
      );
      // `Object.fromEntries` because a key may be `__proto__`.
      const struct = create(StructSchema, { fields: Object.fromEntries(entries) });
      return create(ValueSchema, { kind: { case: "structValue", value: struct } });
    }
    case "int":
    case "uint": {
      const number = value instanceof CelUint ? value.value : (value as bigint);
      if (number < -MAX_EXACT || number > MAX_EXACT) return toText(String(number));
      return create(ValueSchema, { kind: { case: "numberValue", value: Number(number) } });
    }
    case "string":
      return toText(value as string);
    case "bytes":
      return toText(base64Encode(value as Uint8Array));
    case "timestamp":
      return toText(formatTimestamp(value as CelTimestamp));
    case "duration":
      return toText(formatDuration(value as CelDuration));
    case "message": {
      const desc = registry.getMessage((value as Message).$typeName);
      if (desc !== undefined) return jsonOf(desc, value as Message, registry);
      break;
    }
    default:
  }
  throw new Fault(`type conversion error from '${typeNameOf(value)}' to '${ValueSchema.typeName}'`);
}

function jsonOf(desc: DescMessage, message: Message, registry: TypeRegistry): Value {
  try {
    return fromJson(ValueSchema, toJson(desc, message, { registry: registry as Registry }));
  } catch {
    throw new Fault(`conversion error: ${desc.typeName} to JSON`);
  }
}

/** Larger integers may not be exact as doubles. */
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

function toText(text: string): Value {
  return create(ValueSchema, { kind: { case: "stringValue", value: text } });
}

function toName(key: CelValue): string {
  if (typeof key === "string") return key;
  throw new Fault(`bad key type '${typeNameOf(key)}' in google.protobuf.Struct`);
}

function misfit(value: CelValue, field: DescField): Fault {
  return new Fault(`unsupported field type for '${field.name}': ${typeNameOf(value)}`);
}

function misfitElement(value: CelValue, field: DescField): never {
  throw misfit(value, field);
}
