import { type DescMessage, fromJsonString, type Message, type Registry } from "@bufbuild/protobuf";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../gen/observer/observer_pb.js";
import { jsonFieldsOf } from "../../message/properties.js";
import { flowResponse } from "../flow-response.js";
import { FALLBACK, jsonReader, type ReadState } from "../json/read.js";
import { separateUnknown } from "../json/separate.js";

/** A decoded event and its unknown values. */
export interface EventReading {
  readonly event: GetFlowsResponse | ExportEvent;
  /** Descriptions of unknown fields, enum value names and extension types: distinct, at most one hundred. */
  readonly unknown: readonly string[];
}

/**
 * Decodes the JSON of a GetFlowsResponse, an ExportEvent, or a bare Flow, which is wrapped in a GetFlowsResponse.
 *
 * Messages are built directly from the output of `JSON.parse`; unusual input falls back to protobuf-es.
 *
 * @param schema The type, from {@link envelopeSchema}, or FlowSchema.
 * @param json The result of `JSON.parse` for `text`.
 * @throws Error describing the fault if the JSON does not match the type.
 */
export function readEvent(schema: DescMessage, json: object, text: string, registry: Registry): EventReading {
  const { message, unknown } =
    readQuickly(schema, json, text, registry) ?? readThoroughly(schema, text, registry);
  // The message was decoded with this schema, so it has its type.
  const event =
    schema === FlowSchema ? flowResponse(message as Flow) : (message as GetFlowsResponse | ExportEvent);
  return { event, unknown };
}

const ONLY_EXPORTED = new Set(["agent_event", "agentEvent", "debug_event", "debugEvent"]);
const EVENTS = new Set(["flow", "node_status", "nodeStatus", "lost_events", "lostEvents"]);
const STAMPS = new Set(["node_name", "nodeName", "time"]);
const FLOW_FIELDS = jsonFieldsOf(FlowSchema);

/** Determines the type of an object that contains an event by its member names; undefined if there is no event. */
export function envelopeSchema(json: object): DescMessage | undefined {
  let isResponse = false;
  for (const name in json) {
    if (ONLY_EXPORTED.has(name)) return ExportEventSchema;
    isResponse ||= EVENTS.has(name);
  }
  return isResponse ? GetFlowsResponseSchema : undefined;
}

/** Whether an object has a field of Flow other than the time and node name, which envelopes have, too. */
export function isBareFlow(json: object): boolean {
  for (const name in json) if (FLOW_FIELDS.has(name) && !STAMPS.has(name)) return true;
  return false;
}

interface MessageReading {
  readonly message: Message;
  readonly unknown: readonly string[];
}

/** The fast path. Returns undefined if the input needs the strict one. */
function readQuickly(
  schema: DescMessage,
  json: object,
  text: string,
  registry: Registry,
): MessageReading | undefined {
  // In valid UTF-8, an unpaired surrogate can only come from an escape.
  if (text.includes("\\u") && (text.includes("\\ud") || text.includes("\\uD"))) return undefined;
  const state: ReadState = { registry, members: 0, hasUnknown: false };
  try {
    const message = jsonReader(schema)(json, state);
    if (state.members !== countNames(text)) return undefined;
    if (!state.hasUnknown) return { message, unknown: [] };
    const { notes, attachTo } = separateUnknown(schema, text, registry);
    attachTo(message);
    return { message, unknown: notes };
  } catch (error) {
    if (error === FALLBACK) return undefined;
    throw error;
  }
}

const COLON = 0x3a;
const COMMA = 0x2c;
const BRACKET = 0x5b;

/**
 * Counts the member names in JSON that has no white space before colons. Other JSON gives a different count and falls
 * back to the strict path. `JSON.parse` keeps only the last of duplicate members, so duplicates also change the count.
 * (White space before a colon elsewhere in the same line may compensate for a duplicate; then the last one is used.)
 */
function countNames(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) {
    // A quote after one of these opens a value such as "::1".
    const before = text.charCodeAt(at - 1);
    if (before !== COLON && before !== COMMA && before !== BRACKET) count++;
  }
  return count;
}

/** The strict path: protobuf-es decodes everything that is known and rejects duplicate names. */
function readThoroughly(schema: DescMessage, text: string, registry: Registry): MessageReading {
  const { known, notes, attachTo } = separateUnknown(schema, text, registry);
  const message = fromJsonString(schema, known(), { registry });
  attachTo(message);
  return { message, unknown: notes };
}
