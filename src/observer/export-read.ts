import { type DescMessage, fromJsonString, type Message, type Registry } from "@bufbuild/protobuf";
import { messageOf } from "../error-message.js";
import { type Flow, FlowSchema } from "../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../gen/observer/observer_pb.js";
import { ExportError } from "./export-error.js";
import { flowResponse } from "./flow-response.js";
import { DOUBT, jsonReader, type ReadState } from "./json-read.js";
import { separateUnknown } from "./json-separate.js";

/** What reading a line has to say beside the event. */
export interface LineReading {
  readonly event: GetFlowsResponse | ExportEvent;
  /** Unknown fields, names of enum values and types of extensions, in words; each once, the first hundred. */
  readonly unknown: readonly string[];
}

/**
 * Reads one line of JSON: a GetFlowsResponse, an ExportEvent, or a bare Flow, which is put into a GetFlowsResponse.
 *
 * `JSON.parse` makes objects, from which messages are built directly; what is unusual is left to protobuf-es.
 *
 * @throws ExportError `malformed_export`
 */
export function readExportLine(text: string, line: number, registry: Registry): LineReading {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ExportError("malformed_export", `not JSON: ${messageOf(error)}`, line, { cause: error });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ExportError("malformed_export", "not a JSON object", line);
  }
  try {
    const schema = schemaOf(json);
    const { message, unknown } =
      readQuickly(schema, json, text, registry) ?? readThoroughly(schema, text, registry);
    // The message was read by the schema, whose types these are.
    const event =
      schema === FlowSchema ? flowResponse(message as Flow) : (message as GetFlowsResponse | ExportEvent);
    return { event, unknown };
  } catch (error) {
    throw new ExportError("malformed_export", messageOf(error), line, { cause: error });
  }
}

const ONLY_EXPORTED = new Set(["agent_event", "agentEvent", "debug_event", "debugEvent"]);
const EVENTS = new Set(["flow", "node_status", "nodeStatus", "lost_events", "lostEvents"]);
const ENVELOPE = new Set(["node_name", "nodeName", "time"]);
const FLOW_FIELDS = new Set(FlowSchema.fields.flatMap(({ name, jsonName }) => [name, jsonName]));

/** What an object is, by the names in it: an envelope without an event, and what nobody knows, is a response. */
function schemaOf(json: object): DescMessage {
  let isEnvelope = false;
  let isFlow = false;
  for (const name in json) {
    if (ONLY_EXPORTED.has(name)) return ExportEventSchema;
    if (EVENTS.has(name)) isEnvelope = true;
    else if (!isFlow && !ENVELOPE.has(name)) isFlow = FLOW_FIELDS.has(name);
  }
  return isFlow && !isEnvelope ? FlowSchema : GetFlowsResponseSchema;
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
  const message = fromJsonString(schema, known, { registry });
  attachTo(message);
  return { message, unknown: notes };
}
