import { checkArgument } from "../errors/check-argument.js";
import { aMessage } from "../errors/value-checks.js";
import type { AgentEvent, DebugEvent, Flow, LostEvent } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";

/**
 * The input of a filter: an event of the Hubble stream, distinguished by `$typeName`, or undefined for a response
 * without an event, such as a node status.
 */
export type FlowEvent = Flow | LostEvent | AgentEvent | DebugEvent | undefined;

/**
 * What `hubble observe` tests for an event of a file that is not a flow: a missing flow. Only the filter of
 * encryption treats it as an empty flow, all others as an event without a flow.
 */
export const MISSING_FLOW: FlowEvent = Object.freeze({
  $typeName: "google.protobuf.Empty",
  // Filters treat it like undefined, because its type is not that of an event.
}) as unknown as FlowEvent;

/** The envelope of an event: a response of the Observer, or a line of an export file. */
export type FlowEnvelope = GetFlowsResponse | ExportEvent;

const AN_ENVELOPE = aMessage<FlowEnvelope>("observer.GetFlowsResponse", "observer.ExportEvent");

/**
 * Returns the event in an envelope; undefined if the envelope holds nothing that filters can match.
 *
 * @throws TypeError if `response` is not an envelope.
 */
export function flowEvent(response: FlowEnvelope): FlowEvent {
  // For callers without types. Keep this check minimal because it runs for every event.
  const responseTypes = response?.responseTypes as FlowEnvelope["responseTypes"] | undefined;
  if (responseTypes === undefined) checkArgument("flowEvent", "response", response, AN_ENVELOPE);
  switch (responseTypes?.case) {
    case "flow":
    case "lostEvents":
    case "agentEvent":
    case "debugEvent":
      return responseTypes.value;
    default:
      return undefined;
  }
}

/** Returns the event in an envelope. A value that is not an envelope is returned unchanged. */
export function withoutEnvelope(event: FlowEvent | FlowEnvelope): FlowEvent {
  const name = event?.$typeName;
  return name === "observer.GetFlowsResponse" || name === "observer.ExportEvent"
    ? flowEvent(event as FlowEnvelope)
    : (event as FlowEvent);
}

/** Whether an event is a flow, the only kind that most fields can match. */
export function isFlow(event: FlowEvent | FlowEnvelope): event is Flow {
  return event?.$typeName === "flow.Flow";
}
