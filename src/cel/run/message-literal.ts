import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { type Any, AnySchema, NullValue, type Struct, StructSchema } from "@bufbuild/protobuf/wkt";
import { setProperty } from "../../message/properties.js";
import type { TypeRegistry } from "../check/environment.js";
import { isWellKnown } from "../check/type.js";
import { spendOnContent } from "../value/content.js";
import { Fault } from "../value/fault.js";
import { CelMap, type CelValue, typeNameOf } from "../value/value.js";
import type { Frame } from "./frame.js";
import { EMPTY_ANY, fromMessage } from "./message.js";
import { toScalar } from "./scalar.js";
import { toMessage, WRAPPED } from "./well-known.js";

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
  if (content !== undefined) setProperty(message, field, content);
}

/** Converts a value to the content of a field; undefined to leave the field unset, as null does for messages. */
function toField(field: DescField, value: CelValue, registry: TypeRegistry): unknown {
  switch (field.fieldKind) {
    case "list": {
      const convert = toElement(
        field.listKind === "enum" ? field.enum : (field.message ?? field.scalar),
        registry,
      );
      if (!Array.isArray(value)) throw typeMismatch(value, field);
      return (value as readonly CelValue[]).map(
        (element) => convert(element) ?? rejectElement(element, field),
      );
    }
    case "map": {
      const convert = toElement(
        field.mapKind === "enum" ? field.enum : (field.message ?? field.scalar),
        registry,
      );
      const toKey = toElement(field.mapKey, registry);
      if (!(value instanceof CelMap)) throw typeMismatch(value, field);
      const entries = [...value].map(([key, content]) => [
        String(toKey(key)),
        convert(content) ?? rejectElement(content, field),
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
      throw typeMismatch(value, field);
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

function toElement(
  type: ScalarType | DescEnum | DescMessage | undefined,
  registry: TypeRegistry,
): (value: CelValue) => unknown {
  if (typeof type !== "object") return (value) => toScalar(type ?? ScalarType.INT32, value);
  return type.kind === "enum"
    ? (value) => toScalar(ScalarType.INT32, value)
    : (value) => toMessage(type, value, registry);
}

function typeMismatch(value: CelValue, field: DescField): Fault {
  return new Fault(`unsupported field type for '${field.name}': ${typeNameOf(value)}`);
}

function rejectElement(value: CelValue, field: DescField): never {
  throw typeMismatch(value, field);
}
