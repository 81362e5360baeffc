import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { readMessage } from "../../message/json/read-message.js";
import { flowResponse } from "../flow-response.js";

/** A decoded event and its unknown values. */
export interface EventReading {
  readonly event: GetFlowsResponse | ExportEvent;
  /** Descriptions of unknown fields, enum value names and extension types: distinct, at most one hundred. */
  readonly unknown: readonly string[];
}

/**
 * Decodes the JSON of a GetFlowsResponse, an ExportEvent, or a bare Flow, which is wrapped in a GetFlowsResponse.
 *
 * @param schema The type, from `envelopeSchema`, or FlowSchema.
 * @param json The result of `JSON.parse` for `text`.
 * @throws Error describing the fault if the JSON does not match the type.
 */
export function readEvent(schema: DescMessage, json: object, text: string, registry: Registry): EventReading {
  const { message, unknown } = readMessage(schema, json, text, registry);
  // The message was decoded with this schema, so it has its type.
  const event =
    schema === FlowSchema ? flowResponse(message as Flow) : (message as GetFlowsResponse | ExportEvent);
  return { event, unknown };
}
