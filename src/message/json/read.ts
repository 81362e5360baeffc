import {
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type Any, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { propertiesOf } from "../properties.js";
import { ANY_BYTES, typeNameOf } from "./any.js";
import { emptyMessages } from "./empty.js";
import { parseUtcTime } from "./time.js";

/**
 * Thrown by a {@link JsonReader} to fall back to protobuf-es for unusual or possibly invalid input. A shared object
 * because creating a stack trace costs more than reading the line.
 */
export const FALLBACK = new Error("fall back to protobuf-es");

/** State that is collected while a line is read. */
export interface ReadState {
  /** The types of messages in extensions. */
  readonly registry: Registry;
  /**
   * The number of member names so far, at any depth. If it differs from the number in the string, there are duplicates.
   */
  members: number;
  /** Whether there are unknown fields, enum value names or extension types: see `separateUnknown`. */
  hasUnknown: boolean;
}

/** Creates a message from the output of `JSON.parse`. The message may reuse its arrays. */
export type JsonReader = (json: unknown, state: ReadState) => Message;

const readers = new WeakMap<DescMessage, JsonReader>();

/**
 * Returns the reader for a message type: it accepts protobuf's JSON form or throws {@link FALLBACK}. Unknown fields and
 * enum value names are skipped, and extensions of unknown types are left empty.
 */
export function jsonReader(schema: DescMessage): JsonReader {
  let reader = readers.get(schema);
  if (reader === undefined) {
    // Registered before its fields are compiled, because message types can be recursive.
    readers.set(schema, (json, state) => jsonReader(schema)(json, state));
    reader = schema.typeName.startsWith("google.protobuf.") ? wellKnownReader(schema) : messageReader(schema);
    readers.set(schema, reader);
  }
  return reader;
}

/** A message that is being built, or a JSON object. */
type Members = Record<string, unknown>;
type FieldReader = (message: Members, json: unknown, state: ReadState) => void;

interface Entry {
  readonly read: FieldReader;
  /** The field's other name; only set for the name that Hubble does not write. */
  readonly otherName: string | undefined;
  /** Whether null differs from unset for this field. */
  readonly nullMatters: boolean;
}

function messageReader(schema: DescMessage): JsonReader {
  const empty = emptyMessages(schema);
  const entries = new Map<string, Entry>();
  for (const field of schema.fields) {
    const read = fieldReader(field);
    const nullMatters = field.oneof !== undefined || field.enum?.typeName === "google.protobuf.NullValue";
    entries.set(field.jsonName, { read, otherName: field.name, nullMatters });
    entries.set(field.name, { read, otherName: undefined, nullMatters });
  }
  return (json, state) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) throw FALLBACK;
    const members = json as Members;
    const message = empty();
    const properties = propertiesOf(message);
    for (const name in members) {
      state.members++;
      const entry = entries.get(name);
      const value = members[name];
      if (entry === undefined) {
        state.hasUnknown = true;
        if (typeof value === "object" && value !== null) state.members += countMembers(value);
        continue;
      }
      if (entry.otherName !== undefined && Object.hasOwn(members, entry.otherName)) throw FALLBACK;
      if (value !== null) entry.read(properties, value, state);
      else if (entry.nullMatters) throw FALLBACK;
    }
    return message;
  };
}

/** The number of member names in a value, at any depth. */
function countMembers(value: object): number {
  let members = 0;
  const rest: object[] = [value];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const values = Object.values(next);
    if (!Array.isArray(next)) members += values.length;
    for (const inner of values) if (typeof inner === "object" && inner !== null) rest.push(inner);
  }
  return members;
}

function fieldReader(field: DescField): FieldReader {
  const name = field.localName;
  switch (field.fieldKind) {
    case "scalar":
      return store(field, scalarReader(field.scalar, field.longAsString));
    case "enum":
      return enumFieldReader(field);
    case "message": {
      const { message } = field;
      if (isWrapperDesc(message) && field.oneof === undefined) {
        const [wrapped] = message.fields;
        return store(field, scalarReader(wrapped.scalar, wrapped.longAsString));
      }
      return store(field, jsonReader(message));
    }
    case "list": {
      const readList = listReader(field);
      return (message, json, state) => {
        message[name] = readList(json, state);
      };
    }
    case "map":
      return fallBack;
  }
}

function fallBack(): never {
  throw FALLBACK;
}

type ValueReader = (json: unknown, state: ReadState) => unknown;

function store({ localName, oneof }: DescField, read: ValueReader): FieldReader {
  if (oneof === undefined) {
    return (message, json, state) => {
      message[localName] = read(json, state);
    };
  }
  const group = oneof.localName;
  return (message, json, state) => {
    // Every message has its oneof properties, initially without a case.
    if ((message[group] as { case: unknown }).case !== undefined) throw FALLBACK;
    message[group] = { case: localName, value: read(json, state) };
  };
}

function scalarReader(type: ScalarType, longAsString: boolean): ValueReader {
  switch (type) {
    case ScalarType.STRING:
      return (json) => {
        if (typeof json !== "string") throw FALLBACK;
        return json;
      };
    case ScalarType.BOOL:
      return (json) => {
        if (typeof json !== "boolean") throw FALLBACK;
        return json;
      };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return (json) => {
        if (typeof json !== "number" || json >>> 0 !== json) throw FALLBACK;
        return json >>> 0;
      };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return (json) => {
        if (typeof json !== "number" || (json | 0) !== json) throw FALLBACK;
        return json | 0;
      };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longAsString ? fallBack : (json) => readLong(json, false);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longAsString ? fallBack : (json) => readLong(json, true);
    case ScalarType.DOUBLE:
      return (json) => {
        if (typeof json !== "number" || !Number.isFinite(json)) throw FALLBACK;
        return json;
      };
    case ScalarType.BYTES:
      return (json) => {
        if (typeof json !== "string") throw FALLBACK;
        return base64Decode(json);
      };
    case ScalarType.FLOAT:
      return fallBack;
  }
}

/** At most as many digits as always fit into 64 bits. */
const UNSIGNED = /^(?:0|[1-9][0-9]{0,18})$/;
const SIGNED = /^(?:0|-?[1-9][0-9]{0,17})$/;

function readLong(json: unknown, signed: boolean): bigint {
  if (typeof json === "string") {
    if (!(signed ? SIGNED : UNSIGNED).test(json)) throw FALLBACK;
    return BigInt(json);
  }
  // JSON.parse may have rounded integers beyond 2^53.
  if (typeof json !== "number" || !Number.isSafeInteger(json) || (!signed && json < 0)) throw FALLBACK;
  return BigInt(json);
}

/** Accepts any enum number and known names. */
function enumReader({
  enum: schema,
}: DescField & { enum: NonNullable<DescField["enum"]> }): (
  json: unknown,
  state: ReadState,
) => number | undefined {
  const numbers = new Map<unknown, number>();
  for (const { jsonName, number } of schema.values) numbers.set(jsonName, number);
  for (const { name, number } of schema.values) numbers.set(name, number);
  const special = !schema.open || schema.typeName === "google.protobuf.NullValue";
  return (json, state) => {
    const number = numbers.get(json);
    if (number !== undefined && !special) return number;
    if (special) throw FALLBACK;
    if (typeof json === "number" && (json | 0) === json) return json | 0;
    if (typeof json !== "string") throw FALLBACK;
    state.hasUnknown = true;
    return undefined;
  };
}

function enumFieldReader(field: DescField & { fieldKind: "enum" }): FieldReader {
  if (field.oneof !== undefined) return fallBack;
  const { localName } = field;
  const read = enumReader(field);
  return (message, json, state) => {
    const number = read(json, state);
    if (number !== undefined) message[localName] = number;
  };
}

function listReader(field: DescField & { fieldKind: "list" }): ValueReader {
  switch (field.listKind) {
    case "scalar":
      return field.scalar === ScalarType.STRING
        ? readStrings
        : eachOf(scalarReader(field.scalar, field.longAsString));
    case "enum":
      return eachOf(enumReader(field));
    case "message":
      return eachOf(jsonReader(field.message));
  }
}

/** The message reuses the array from the JSON. */
function readStrings(json: unknown): unknown {
  if (!Array.isArray(json)) throw FALLBACK;
  for (let index = 0; index < json.length; index++) if (typeof json[index] !== "string") throw FALLBACK;
  return json;
}

function eachOf(read: ValueReader): ValueReader {
  return (json, state) => {
    if (!Array.isArray(json)) throw FALLBACK;
    const list: unknown[] = [];
    for (const element of json) {
      if (element === null) throw FALLBACK;
      const value = read(element, state);
      if (value !== undefined) list.push(value);
    }
    return list;
  };
}

/** The messages of google.protobuf have special JSON forms. Flows mainly contain timestamps. */
function wellKnownReader(schema: DescMessage): JsonReader {
  switch (schema.typeName) {
    case "google.protobuf.Timestamp":
      return (json) => {
        const time = typeof json === "string" ? parseUtcTime(json) : undefined;
        if (time === undefined) throw FALLBACK;
        return time;
      };
    case "google.protobuf.Empty":
      return messageReader(schema);
    case "google.protobuf.Any":
      return readAny;
    default:
      return fallBack;
  }
}

/**
 * Extensions of known types fall back to protobuf-es, which needs their messages; those of unknown types are not
 * decoded.
 */
function readAny(json: unknown, state: ReadState): Any {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw FALLBACK;
  const { "@type": typeUrl, [ANY_BYTES]: bytes } = json as Members;
  if (typeof typeUrl !== "string" || typeUrl === "" || bytes !== undefined) throw FALLBACK;
  if (state.registry.getMessage(typeNameOf(typeUrl)) !== undefined) throw FALLBACK;
  state.hasUnknown = true;
  state.members += countMembers(json);
  return { $typeName: "google.protobuf.Any", typeUrl: "", value: NO_BYTES };
}

const NO_BYTES = new Uint8Array(0);
