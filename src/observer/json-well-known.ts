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
import { messageOf } from "../error-message.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../timestamp-bounds.js";
import { ExportError } from "./export-error.js";
import { ANY_BYTES, typeNameOf } from "./json-any.js";
import { JsonBuffer } from "./json-buffer.js";
import { quote } from "./json-quote.js";
import { writeUtcTime } from "./json-time.js";
import { anyJson } from "./json-unknown.js";
import { scalarWriter, writeJson } from "./json-value.js";

/** How many messages inside each other `Any` fields may hold. */
const MAX_ANY_DEPTH = 100;
const MAX_NANOS = 999_999_999;

/** What `google.protobuf.Any` fields may hold, and how deep inside such fields the writer is. */
export interface WriteState {
  readonly registry: Registry;
  /** Called with the type of each extension that is written as bytes. */
  readonly onUndecodable?: ((typeUrl: string) => void) | undefined;
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
    return (out, any, state) => out.raw(anyToJson(any as Any, state, writerOf));
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

/**
 * Formats an extension as Go's protojson does where its message can be decoded. One of an unknown type, or whose bytes are
 * not of its type, does not take its event along: the JSON that it was read from is returned unchanged, and what came as
 * bytes is returned as bytes, see {@link ANY_BYTES}.
 */
function anyToJson(any: Any, state: WriteState, writerOf: (inner: DescMessage) => JsonWriter): string {
  const { typeUrl, value } = any;
  const unchanged = anyJson(any);
  if (unchanged !== undefined) return unchanged;
  if (typeUrl === "" && value.length === 0) return "{}";
  const type = typeUrl === "" ? "" : `"@type":${quote(typeUrl)}`;
  const schema = state.registry.getMessage(typeNameOf(typeUrl));
  const message =
    schema === undefined || state.depth >= MAX_ANY_DEPTH ? undefined : decodeMessage(schema, value);
  if (schema === undefined || message === undefined) {
    state.onUndecodable?.(typeUrl);
    return `{${type}${type && ","}"${ANY_BYTES}":"${base64Encode(value)}"}`;
  }
  const inner = new JsonBuffer();
  state.depth++;
  writerOf(schema)(inner, message, state);
  state.depth--;
  const json = inner.toString();
  if (wellKnownWriter(schema, writerOf) !== undefined) return `{${type},"value":${json}}`;
  return json === "{}" ? `{${type}}` : `{${type},${json.slice(1)}`;
}

function decodeMessage(schema: DescMessage, bytes: Uint8Array): object | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
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
