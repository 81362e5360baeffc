import { type DescMessage, fromBinary, type MessageShape, type Registry, toJson } from "@bufbuild/protobuf";
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
import { messageOf } from "../error-message.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../timestamp-bounds.js";
import { ExportError } from "./export-error.js";
import { JsonBuffer } from "./json-buffer.js";
import { quote } from "./json-quote.js";
import { writeUtcTime } from "./json-time.js";
import { scalarWriter, writeJson } from "./json-value.js";

/** How many messages inside each other `Any` fields may hold. */
const MAX_ANY_DEPTH = 100;
const MAX_NANOS = 999_999_999;

/** What `google.protobuf.Any` fields may hold, and how deep inside such fields the writer is. */
export interface WriteState {
  readonly registry: Registry;
  depth: number;
}

/** Writes a message as Go's protojson and encoding/json do together. */
export type JsonWriter = (out: JsonBuffer, message: object, state: WriteState) => void;

/**
 * The writer of a message that has a JSON form of its own; undefined for the others.
 *
 * @param writerOf What writes the messages inside.
 */
export function wellKnownWriter(
  schema: DescMessage,
  writerOf: (inner: DescMessage) => JsonWriter,
): JsonWriter | undefined {
  if (schema.typeName === "google.protobuf.Any") {
    return (out, any, state) => writeAny(out, any as Any, state, writerOf);
  }
  // Each function takes messages of the type that its name was looked up by.
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
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS) {
    throw unencodable(`google.protobuf.Timestamp: seconds out of range ${time.seconds}`);
  }
  if (!(nanos >= 0 && nanos <= MAX_NANOS)) {
    throw unencodable(`google.protobuf.Timestamp: nanos out of range ${nanos}`);
  }
  writeUtcTime(out, seconds, nanos);
}

function writeAny(
  out: JsonBuffer,
  any: Any,
  state: WriteState,
  writerOf: (inner: DescMessage) => JsonWriter,
): void {
  if (any.typeUrl === "") {
    if (any.value.length > 0) throw unencodable("google.protobuf.Any: a value without a type");
    out.raw("{}");
    return;
  }
  const name = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  const schema = state.registry.getMessage(name);
  if (schema === undefined) throw unencodable(`google.protobuf.Any: unable to resolve ${quote(any.typeUrl)}`);
  if (state.depth >= MAX_ANY_DEPTH)
    throw unencodable(`google.protobuf.Any: nested over ${MAX_ANY_DEPTH} times`);
  const message = unpack(schema, any.value);
  const inner = new JsonBuffer();
  state.depth++;
  writerOf(schema)(inner, message, state);
  state.depth--;
  const json = inner.toString();
  const type = `"@type":${quote(any.typeUrl)}`;
  if (wellKnownWriter(schema, writerOf) !== undefined) out.raw(`{${type},"value":${json}}`);
  else out.raw(json === "{}" ? `{${type}}` : `{${type},${json.slice(1)}`);
}

function unpack(schema: DescMessage, bytes: Uint8Array): object {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw unencodable(
      `google.protobuf.Any: unable to unmarshal ${schema.typeName}: ${messageOf(error)}`,
      error,
    );
  }
}

/** By protobuf-es, for what flows never hold. */
function generic<Desc extends DescMessage>(
  schema: Desc,
): (out: JsonBuffer, message: MessageShape<Desc>) => void {
  return (out, message) => {
    try {
      out.raw(writeJson(toJson(schema, message)));
    } catch (error) {
      throw unencodable(messageOf(error), error);
    }
  };
}

function unencodable(message: string, cause?: unknown): ExportError {
  return new ExportError("unencodable_event", message, undefined, { cause });
}
