import { create, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import {
  AnySchema,
  anyPack,
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  Int64ValueSchema,
  type ListValue,
  ListValueSchema,
  StringValueSchema,
  type Struct,
  StructSchema,
  TimestampSchema,
  UInt64ValueSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { TypeRegistry } from "../check/environment.js";
import { Fault } from "../value/fault.js";
import { wholeSeconds } from "../value/timestamp.js";
import {
  CelDuration,
  CelTimestamp,
  type CelUint,
  type CelValue,
  kindOf,
  typeNameOf,
} from "../value/value.js";
import { toValue } from "./json-value.js";
import { toScalar } from "./scalar.js";

export const WRAPPED: Readonly<Record<string, ScalarType>> = {
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

export function toMessage(desc: DescMessage, value: CelValue, registry: TypeRegistry): Message | undefined {
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
