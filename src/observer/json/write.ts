import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { messageOf } from "../../errors/message.js";
import { compareText } from "../../go/compare.js";
import { type UnknownMembers, unknownMembers, writableMembers } from "../../message/json/unknown.js";
import { ExportError, unencodableEvent } from "../export/error.js";
import { asciiBytes, JsonBuffer } from "./buffer.js";
import { quote } from "./quote.js";
import { scalarWriter, writeJson } from "./value.js";
import { type JsonWriter, type WriteState, wellKnownWriter } from "./well-known.js";

const writers = new WeakMap<DescMessage, JsonWriter>();

/** Reused for every message. This is safe because no callback runs while a message is written. */
const buffer = new JsonBuffer();

/**
 * Returns a function that formats messages of a type as JSON: proto field names in declaration order, unset fields
 * omitted.
 *
 * @throws ExportError `unencodable_event` from the returned function; also for an object that is not a valid message of
 *   the type, such as a cyclic one.
 */
export function jsonWriter(schema: DescMessage): (message: object, state: WriteState) => string {
  const write = writerOf(schema);
  return (message, state) => {
    buffer.clear();
    try {
      write(buffer, message, state);
      return buffer.toString();
    } catch (error) {
      if (error instanceof ExportError) throw error;
      // Messages are not validated before they are written. A value of the wrong type, or a cycle, fails wherever it is
      // used.
      throw unencodableEvent(`not a valid ${schema.typeName} message: ${messageOf(error)}`, error);
    }
  };
}

function writerOf(schema: DescMessage): JsonWriter {
  let writer = writers.get(schema);
  if (writer === undefined) {
    // Registered before its fields are compiled, because message types can be recursive.
    writers.set(schema, (out, message, state) => writerOf(schema)(out, message, state));
    writer = wellKnownWriter(schema, writerOf) ?? messageWriter(schema);
    writers.set(schema, writer);
  }
  return writer;
}

type Members = Readonly<Record<string, unknown>>;
/** Writes a field and a comma if the field is set. */
type FieldWriter = (out: JsonBuffer, message: Members, state: WriteState) => void;
type ValueWriter = (out: JsonBuffer, value: unknown, state: WriteState) => void;

const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function messageWriter(schema: DescMessage): JsonWriter {
  const fields = schema.members.map((member): FieldWriter => {
    if (member.kind === "field") return fieldWriter(member);
    const group = member.localName;
    const cases = new Map(
      member.fields.map((field) => [field.localName, { label: labelOf(field), write: singular(field) }]),
    );
    return (out, message, state) => {
      const { case: name, value } = message[group] as { case: string | undefined; value?: unknown };
      if (name === undefined) return;
      const known = cases.get(name);
      if (known === undefined) {
        throw unencodableEvent(`${schema.typeName}: ${group} has no case ${JSON.stringify(name)}`);
      }
      out.copy(known.label);
      known.write(out, value, state);
      out.byte(COMMA);
    };
  });
  return (out, message, state) => {
    out.byte(OPEN_OBJECT);
    for (let index = 0; index < fields.length; index++) fields[index]!(out, message as Members, state);
    const unknown = unknownMembers(message);
    // Only messages that were decoded from JSON have unknown members.
    if (unknown !== undefined) writeUnknown(out, message as Message, unknown);
    out.close(CLOSE_OBJECT);
  };
}

function writeUnknown(out: JsonBuffer, message: Message, unknown: UnknownMembers): void {
  for (const json of writableMembers(message, unknown)) {
    out.raw(json);
    out.byte(COMMA);
  }
}

function labelOf({ name }: DescField): Uint8Array {
  return asciiBytes(`${quote(name)}:`);
}

/** Returns the writer for a field that is not part of a oneof. */
function fieldWriter(field: DescField): FieldWriter {
  const { localName } = field;
  const label = labelOf(field);
  const write = valueWriter(field);
  const isUnset = unsetTest(field);
  return (out, message, state) => {
    const value = message[localName];
    if (isUnset(value, message)) return;
    out.copy(label);
    write(out, value, state);
    out.byte(COMMA);
  };
}

/** `FeatureSet.FieldPresence.IMPLICIT` of descriptor.proto. */
const IMPLICIT = 2;

function unsetTest(field: DescField): (value: unknown, message: Members) => boolean {
  const { localName } = field;
  if (field.fieldKind === "list") return (value) => (value as readonly unknown[]).length === 0;
  if (field.fieldKind === "map") return (value) => Object.keys(value as object).length === 0;
  if (field.fieldKind === "message") return (value) => value === undefined;
  // protobuf-es stores proto2 defaults on the prototype.
  if (field.presence !== IMPLICIT) {
    return (value, message) => value === undefined || !Object.hasOwn(message, localName);
  }
  if (field.fieldKind === "enum") return (value) => value === 0;
  switch (field.scalar) {
    case ScalarType.STRING:
      return (value) => value === "";
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.BYTES:
      return (value) => (value as Uint8Array).length === 0;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (value) => Object.is(value, 0);
    case ScalarType.UINT64:
    case ScalarType.INT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      return (value) => value === 0n || value === "0" || value === 0;
    default:
      return (value) => value === 0;
  }
}

function valueWriter(field: DescField): ValueWriter {
  switch (field.fieldKind) {
    case "list":
      return listWriter(elementWriter(field.listKind, field));
    case "map":
      return mapWriter(field.mapKey, elementWriter(field.mapKind, field));
    default:
      return singular(field);
  }
}

function singular(field: DescField): ValueWriter {
  switch (field.fieldKind) {
    case "scalar":
      return scalarWriter(field.scalar);
    case "enum":
      return enumWriter(field.enum);
    case "message":
      return messageValueWriter(field);
    default:
      throw new TypeError(`${field} is not singular`);
  }
}

/**
 * A wrapper in a field of its own is written as its value; protobuf-es represents a Struct in such a field as plain
 * JSON.
 */
function messageValueWriter(field: DescField & { fieldKind: "message" }): ValueWriter {
  const { message } = field;
  if (isWrapperDesc(message) && field.oneof === undefined) return scalarWriter(message.fields[0].scalar);
  if (message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") {
    return (out, value) => out.raw(writeJson(value));
  }
  const write = writerOf(message);
  return (out, value, state) => write(out, value as object, state);
}

function elementWriter(
  kind: "scalar" | "enum" | "message",
  field: DescField & { fieldKind: "list" | "map" },
): ValueWriter {
  if (kind === "scalar") return scalarWriter(field.scalar as ScalarType);
  if (kind === "enum") return enumWriter(field.enum as DescEnum);
  const write = writerOf(field.message as DescMessage);
  return (out, value, state) => write(out, value as object, state);
}

function listWriter(write: ValueWriter): ValueWriter {
  return (out, value, state) => {
    const list = value as readonly unknown[];
    out.byte(OPEN_LIST);
    for (let index = 0; index < list.length; index++) {
      write(out, list[index], state);
      out.byte(COMMA);
    }
    out.close(CLOSE_LIST);
  };
}

/** Writes a map with sorted keys, as Go does: strings by their bytes, numbers by value. */
function mapWriter(key: ScalarType, write: ValueWriter): ValueWriter {
  const numeric = key !== ScalarType.STRING && key !== ScalarType.BOOL;
  return (out, value, state) => {
    const map = value as Members;
    out.byte(OPEN_OBJECT);
    for (const name of Object.keys(map).sort(numeric ? byValue : compareText)) {
      out.raw(`${quote(name)}:`);
      write(out, map[name], state);
      out.byte(COMMA);
    }
    out.close(CLOSE_OBJECT);
  };
}

function byValue(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function enumWriter(schema: DescEnum): ValueWriter {
  if (schema.typeName === "google.protobuf.NullValue") return (out) => out.raw("null");
  // If several names share a number, the first one is used.
  const names = new Map<unknown, Uint8Array>();
  for (const { number, name } of schema.values)
    if (!names.has(number)) names.set(number, asciiBytes(quote(name)));
  return (out, value) => {
    const name = names.get(value);
    if (name === undefined) out.raw(String(value));
    else out.copy(name);
  };
}
