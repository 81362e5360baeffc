import { type DescMessage, fromJsonString, type Message, type Registry } from "@bufbuild/protobuf";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../gen/observer/observer_pb.js";
import { flowResponse } from "../flow-response.js";
import { DOUBT, jsonReader, type ReadState } from "../json/read.js";
import { separateUnknown } from "../json/separate.js";

/** An event, and what it was read with. */
export interface EventReading {
  readonly event: GetFlowsResponse | ExportEvent;
  /** Unknown fields, names of enum values and types of extensions, in words; each once, the first hundred. */
  readonly unknown: readonly string[];
}

/**
 * Reads the JSON of a GetFlowsResponse, an ExportEvent, or a bare Flow, which is put into a GetFlowsResponse.
 *
 * `JSON.parse` makes objects, from which messages are built directly; what is unusual is left to protobuf-es.
 *
 * @param schema The type, from {@link envelopeSchema}, or FlowSchema.
 * @param json What `JSON.parse` made of `text`.
 * @throws Error in words, for JSON that is not of this type.
 */
export function readEvent(schema: DescMessage, json: object, text: string, registry: Registry): EventReading {
  const { message, unknown } =
    readQuickly(schema, json, text, registry) ?? readThoroughly(schema, text, registry);
  // The message was read by the schema, whose types these are.
  const event =
    schema === FlowSchema ? flowResponse(message as Flow) : (message as GetFlowsResponse | ExportEvent);
  return { event, unknown };
}

const ONLY_EXPORTED = new Set(["agent_event", "agentEvent", "debug_event", "debugEvent"]);
const EVENTS = new Set(["flow", "node_status", "nodeStatus", "lost_events", "lostEvents"]);
const STAMPS = new Set(["node_name", "nodeName", "time"]);
const FLOW_FIELDS = new Set(FlowSchema.fields.flatMap(({ name, jsonName }) => [name, jsonName]));

/** The type of an object with an event in it, by the names of its members; undefined when there is no event. */
export function envelopeSchema(json: object): DescMessage | undefined {
  let isResponse = false;
  for (const name in json) {
    if (ONLY_EXPORTED.has(name)) return ExportEventSchema;
    isResponse ||= EVENTS.has(name);
  }
  return isResponse ? GetFlowsResponseSchema : undefined;
}

/** Whether an object has a field of Flow that other things do not have as well. */
export function isBareFlow(json: object): boolean {
  for (const name in json) if (FLOW_FIELDS.has(name) && !STAMPS.has(name)) return true;
  return false;
}

interface MessageReading {
  readonly message: Message;
  readonly unknown: readonly string[];
}

/** Undefined where anything is in doubt. */
function readQuickly(
  schema: DescMessage,
  json: object,
  text: string,
  registry: Registry,
): MessageReading | undefined {
  // Half a surrogate pair can only come from an escape.
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
    if (error === DOUBT) return undefined;
    throw error;
  }
}

const COLON = 0x3a;
const COMMA = 0x2c;
const BRACKET = 0x5b;

/**
 * Names of members in a text without white space around colons; more, or less, than there are in any other, and then
 * the line is read thoroughly. `JSON.parse` keeps the last of members that have the same name: their count differs (unless
 * there is such white space elsewhere in the line, to make up for it: then the last one counts).
 */
function countNames(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) {
    // The quote that opens a value such as "::1" stands behind one of these.
    const before = text.charCodeAt(at - 1);
    if (before !== COLON && before !== COMMA && before !== BRACKET) count++;
  }
  return count;
}

/** With the strictness of protobuf-es, no name twice, for all that is known. */
function readThoroughly(schema: DescMessage, text: string, registry: Registry): MessageReading {
  const { known, notes, attachTo } = separateUnknown(schema, text, registry);
  const message = fromJsonString(schema, known(), { registry });
  attachTo(message);
  return { message, unknown: notes };
}
