import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { FieldTree } from "../../field-tree.js";
import { jsonFieldsOf, type Properties, propertiesOf } from "../../properties.js";
import { emptyMessages } from "../empty.js";
import { createNameTable, type NameTable } from "./name-table.js";

/** How the value of a member is read. */
export const KIND = {
  /** Not read. */
  skip: 0,
  string: 1,
  bool: 2,
  uint32: 3,
  int32: 4,
  long: 5,
  enum: 6,
  message: 7,
  strings: 8,
  messages: 9,
  /** By the reader of whole messages. */
  other: 10,
} as const;

/** A field of a message, read or not. */
export interface FieldPlan {
  readonly kind: number;
  /** The property of the message: that of the field, or of its oneof. */
  readonly property: string;
  /** The bit of its oneof in a set of those that have occurred; 0 if it is not in a oneof. */
  readonly oneofBit: number;
  /** Whether null differs from unset. */
  readonly nullMatters: boolean;
  readonly field: DescField;
  /** For messages. */
  readonly message: MessagePlan | undefined;
  /** For a message in a oneof: the value of the property, which is reused. */
  readonly oneof: { readonly case: string; readonly value: Properties } | undefined;
  /** For enums: the numbers by name. */
  readonly numbers: NameTable | undefined;
}

/** What is read of a message. */
export interface MessagePlan {
  readonly schema: DescMessage;
  /** The indexes of fields by their names in JSON. */
  readonly names: NameTable;
  readonly fields: readonly FieldPlan[];
  readonly create: () => Message;
  /** The message that is filled again and again; not for elements of lists. */
  readonly target: Properties;
  /** The properties to reset before reading, and their values. */
  readonly resetNames: readonly string[];
  readonly resetValues: readonly unknown[];
}

/** More fields cannot be told apart in two sets of 32 bits. */
const MAX_FIELDS = 64;

/** Messages that are nested deeper are read as a whole: message types can be recursive. */
const MAX_DEPTH = 8;

/**
 * Plans the reading of some fields of a message.
 *
 * @param tree `true` for all fields. The name of a oneof selects its cases without the fields of their messages.
 */
export function planMessage(schema: DescMessage, tree: FieldTree | true, depth = 0): MessagePlan {
  const create = emptyMessages(schema);
  const fields = schema.fields.map((field) =>
    planField(field, tree === true ? true : selected(tree, field), depth),
  );
  const byName = new Map<string, number>();
  for (const [name, field] of jsonFieldsOf(schema)) byName.set(name, schema.fields.indexOf(field));
  const empty = propertiesOf(create());
  const resetNames = new Set(fields.filter(({ kind }) => kind !== KIND.skip).map(({ property }) => property));
  return {
    schema,
    names: createNameTable(byName),
    fields,
    create,
    target: propertiesOf(create()),
    resetNames: [...resetNames],
    resetValues: Array.from(resetNames, (name) => empty[name]),
  };
}

function selected(tree: FieldTree, { name, oneof }: DescField): FieldTree | true | undefined {
  return tree[name] ?? (oneof !== undefined && tree[oneof.name] !== undefined ? {} : undefined);
}

function planField(field: DescField, tree: FieldTree | true | undefined, depth: number): FieldPlan {
  const { oneof, localName } = field;
  const kind = tree === undefined ? KIND.skip : kindOf(field, depth);
  const isMessage = kind === KIND.message || kind === KIND.messages;
  const message = isMessage && field.message ? planMessage(field.message, tree!, depth + 1) : undefined;
  const isEnum = kind === KIND.enum && field.enum;
  return {
    kind,
    property: oneof?.localName ?? localName,
    oneofBit: oneof === undefined ? 0 : 1 << (oneof.parent.oneofs.indexOf(oneof) & 31),
    nullMatters: oneof !== undefined || isNullValue(field),
    field,
    message,
    oneof: oneof && message && { case: localName, value: message.target },
    numbers: isEnum ? createNameTable(numbersOf(isEnum)) : undefined,
  };
}

function kindOf(field: DescField, depth: number): number {
  switch (field.fieldKind) {
    case "scalar":
      return field.oneof === undefined ? scalarKind(field.scalar, field.longAsString) : KIND.other;
    case "enum":
      return field.oneof === undefined && field.enum.open && !isNullValue(field) ? KIND.enum : KIND.other;
    case "message": {
      const { message, oneof } = field;
      if (isWrapperDesc(message) && oneof === undefined) {
        const [{ scalar, longAsString }] = message.fields;
        return scalarKind(scalar, longAsString);
      }
      return depth === MAX_DEPTH || isSpecial(message) ? KIND.other : KIND.message;
    }
    case "list":
      if (field.listKind === "scalar" && field.scalar === ScalarType.STRING) return KIND.strings;
      return field.listKind === "message" && depth < MAX_DEPTH && !isSpecial(field.message)
        ? KIND.messages
        : KIND.other;
    case "map":
      return KIND.other;
  }
}

function isNullValue(field: DescField): boolean {
  return field.enum?.typeName === "google.protobuf.NullValue";
}

/** Whether the message may have a special JSON form, or has too many fields. */
function isSpecial({ typeName, fields }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.") || fields.length > MAX_FIELDS;
}

function scalarKind(type: ScalarType, longAsString: boolean): number {
  switch (type) {
    case ScalarType.STRING:
      return KIND.string;
    case ScalarType.BOOL:
      return KIND.bool;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return KIND.uint32;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return KIND.int32;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longAsString ? KIND.other : KIND.long;
    default:
      return KIND.other;
  }
}

function numbersOf(schema: DescEnum): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { jsonName, number } of schema.values) numbers.set(jsonName, number);
  for (const { name, number } of schema.values) numbers.set(name, number);
  return numbers;
}
