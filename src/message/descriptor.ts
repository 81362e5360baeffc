import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { jsonStringOf } from "./json-string.js";
import { type EnumType, type FieldType, integerType, type MessageType, type ValueType } from "./type.js";

const types = new WeakMap<DescMessage, MessageType>();

/** Returns what a descriptor says about a message type. */
export function typeOf(desc: DescMessage): MessageType {
  let type = types.get(desc);
  if (type === undefined) {
    const json = jsonStringOf(desc.typeName);
    type = { name: desc.name, fields: desc.fields.map(fieldType), ...(json && { json }) };
    types.set(desc, type);
  }
  return type;
}

function fieldType(field: DescField): FieldType {
  const { name, localName, jsonName, oneof, fieldKind } = field;
  return {
    ...{ name, localName, jsonName, oneof: oneof?.localName },
    isList: fieldKind === "list",
    value: fieldKind === "map" ? { kind: "object" } : valueType(field),
  };
}

function valueType({ message, enum: ofEnum, scalar, fieldKind }: DescField): ValueType {
  if (message !== undefined) {
    // protobuf-es represents a wrapper message in a field of its own by its value.
    if (isWrapperDesc(message) && fieldKind !== "list") return SCALARS[message.fields[0].scalar];
    if (message.typeName === "google.protobuf.Struct") return { kind: "object" };
    return { kind: "message", type: () => typeOf(message) };
  }
  if (ofEnum !== undefined) return enumType(ofEnum);
  // A field that has neither a message nor an enum is a scalar.
  return SCALARS[scalar as ScalarType];
}

function enumType({ name, values }: DescEnum): EnumType {
  return { kind: "enum", name, values };
}

const SCALARS: { readonly [K in ScalarType]: ValueType } = {
  [ScalarType.DOUBLE]: { kind: "double" },
  [ScalarType.FLOAT]: { kind: "double" },
  [ScalarType.INT64]: integerType(64, true),
  [ScalarType.UINT64]: integerType(64, false),
  [ScalarType.INT32]: integerType(32, true),
  [ScalarType.FIXED64]: integerType(64, false),
  [ScalarType.FIXED32]: integerType(32, false),
  [ScalarType.BOOL]: { kind: "bool" },
  [ScalarType.STRING]: { kind: "string" },
  [ScalarType.BYTES]: { kind: "bytes" },
  [ScalarType.UINT32]: integerType(32, false),
  [ScalarType.SFIXED32]: integerType(32, true),
  [ScalarType.SFIXED64]: integerType(64, true),
  [ScalarType.SINT32]: integerType(32, true),
  [ScalarType.SINT64]: integerType(64, true),
};
