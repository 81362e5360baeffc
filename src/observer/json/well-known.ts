import { type DescMessage, fromBinary, type MessageShape, type Registry, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Any,
  DurationSchema,
  FieldMaskSchema,
  isWrapperDesc,
  ListValueSchema,
  StructSchema,
  type Timestamp,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { messageOf } from "../../errors/message.js";
import { ANY_BYTES, typeNameOf } from "../../message/json/any.js";
import { anyJson } from "../../message/json/unknown.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import { ExportError, unencodableEvent } from "../export/error.js";
import { JsonBuffer } from "./buffer.js";
import { quote } from "./quote.js";
import { writeUtcTime } from "./time.js";
import { scalarWriter, writeJson } from "./value.js";

/** The maximum nesting of messages in `Any` fields. */
const MAX_ANY_DEPTH = 100;
const MAX_NANOS = 999_999_999;

/** The types of messages in `google.protobuf.Any` fields, and state of the writer. */
export interface WriteState {
  readonly registry: Registry;
  /** The type URL of each extension that was written as bytes, in the order of the JSON. */
  readonly undecodable: string[];
  depth: number;
}

/** Writes a message like Go's protojson followed by encoding/json. */
export type JsonWriter = (out: JsonBuffer, message: object, state: WriteState) => void;

/**
 * Returns the writer for a message with a special JSON form; undefined for other messages.
 *
 * @param writerOf Returns the writers for nested messages.
 */
export function wellKnownWriter(
  schema: DescMessage,
  writerOf: (inner: DescMessage) => JsonWriter,
): JsonWriter | undefined {
  if (schema.typeName === "google.protobuf.Any") {
    return (out, any, state) => out.raw(anyToJson(any as Any, state, writerOf));
  }
  // Each writer accepts messages of the type that is its key.
  const known = writers.get(schema.typeName) as JsonWriter | undefined;
  if (known !== undefined || !isWrapperDesc(schema)) return known;
  const [field] = schema.fields;
  const write = scalarWriter(field.scalar);
  return (out, message) => write(out, (message as Record<string, unknown>)[field.localName]);
}

const writers = new Map<string, unknown>([
  ["google.protobuf.Timestamp", writeTime],
  ["google.protobuf.Duration", generic(DurationSchema)],
  ["google.protobuf.FieldMask", generic(FieldMaskSchema)],
  ["google.protobuf.Struct", generic(StructSchema)],
  ["google.protobuf.Value", generic(ValueSchema)],
  ["google.protobuf.ListValue", generic(ListValueSchema)],
  ["google.protobuf.Empty", (out: JsonBuffer) => out.raw("{}")],
]);

function writeTime(out: JsonBuffer, time: Timestamp): void {
  const { nanos } = time;
  const seconds = Number(time.seconds);
  if (!(seconds >= MIN_TIMESTAMP_SECONDS && seconds <= MAX_TIMESTAMP_SECONDS)) {
    throw unencodableEvent(`google.protobuf.Timestamp: seconds out of range ${time.seconds}`);
  }
  if (!(nanos >= 0 && nanos <= MAX_NANOS)) {
    throw unencodableEvent(`google.protobuf.Timestamp: nanos out of range ${nanos}`);
  }
  writeUtcTime(out, seconds, nanos);
}

/**
 * Formats an extension like Go's protojson. An unchanged extension that was decoded from JSON keeps that JSON if part
 * of it is unknown. An extension whose type is unknown, whose bytes do not decode, or whose message has no JSON form is
 * written as bytes, see {@link ANY_BYTES}, so that its event is not lost.
 */
function anyToJson(any: Any, state: WriteState, writerOf: (inner: DescMessage) => JsonWriter): string {
  const { typeUrl, value } = any;
  const unchanged = anyJson(any);
  if (unchanged !== undefined) return unchanged;
  if (typeUrl === "" && value.length === 0) return "{}";
  const type = typeUrl === "" ? "" : `"@type":${quote(typeUrl)}`;
  const schema = state.registry.getMessage(typeNameOf(typeUrl));
  const json = schema && contentToJson(schema, value, state, writerOf);
  if (schema === undefined || json === undefined) {
    state.undecodable.push(typeUrl);
    return `{${type}${type && ","}"${ANY_BYTES}":"${base64Encode(value)}"}`;
  }
  if (wellKnownWriter(schema, writerOf) !== undefined) return `{${type},"value":${json}}`;
  return json === "{}" ? `{${type}}` : `{${type},${json.slice(1)}`;
}

/**
 * Formats the message of an extension; returns undefined if the bytes do not decode or the message has no JSON form.
 */
function contentToJson(
  schema: DescMessage,
  bytes: Uint8Array,
  state: WriteState,
  writerOf: (inner: DescMessage) => JsonWriter,
): string | undefined {
  const message = state.depth < MAX_ANY_DEPTH ? decodeMessage(schema, bytes) : undefined;
  if (message === undefined) return undefined;
  const inner = new JsonBuffer();
  const { undecodable } = state;
  const undecodableBefore = undecodable.length;
  state.depth++;
  try {
    writerOf(schema)(inner, message, state);
    return inner.toString();
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    // Nested extensions are part of this one's bytes.
    undecodable.length = undecodableBefore;
    return undefined;
  } finally {
    state.depth--;
  }
}

function decodeMessage(schema: DescMessage, bytes: Uint8Array): object | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}

/** Formats with protobuf-es, for types that are rare in flows. */
function generic<Desc extends DescMessage>(
  schema: Desc,
): (out: JsonBuffer, message: MessageShape<Desc>) => void {
  return (out, message) => {
    try {
      out.raw(writeJson(toJson(schema, message)));
    } catch (error) {
      throw unencodableEvent(messageOf(error), error);
    }
  };
}
