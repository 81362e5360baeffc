import { create, type DescMessage, fromJson, type Message, type Registry, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { ListValueSchema, NullValue, StructSchema, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { TypeRegistry } from "../check/environment.js";
import { formatDuration } from "../value/duration.js";
import { Fault } from "../value/fault.js";
import { formatTimestamp } from "../value/timestamp.js";
import {
  type CelDuration,
  type CelMap,
  type CelTimestamp,
  CelUint,
  type CelValue,
  kindOf,
  typeNameOf,
} from "../value/value.js";

/**
 * Converts a value to a google.protobuf.Value. Integers that are not exact as doubles become strings, as in protobuf's
 * JSON form.
 */
export function toValue(value: CelValue, registry: TypeRegistry): Value {
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
