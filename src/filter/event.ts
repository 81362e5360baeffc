import { checkArgument } from "../errors/check-argument.js";
import { aMessage } from "../errors/value-checks.js";
import type { AgentEvent, DebugEvent, Flow, LostEvent } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";

/**
 * What a filter is asked about: an event of the Hubble stream, told apart by `$typeName`, or none at all (a response
 * that carries no event, such as a node's status).
 */
export type FlowEvent = Flow | LostEvent | AgentEvent | DebugEvent | undefined;

/** What events come in: a response of the Observer, or a line of an export file. */
export type FlowEnvelope = GetFlowsResponse | ExportEvent;

const AN_ENVELOPE = aMessage<FlowEnvelope>("observer.GetFlowsResponse", "observer.ExportEvent");

/**
 * The event in an envelope; undefined when it holds none that filters see.
 *
 * @throws TypeError for what is not an envelope.
 */
export function flowEvent(response: FlowEnvelope): FlowEvent {
  // For callers without types; no more than this, as it is called for every event.
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

/** The event, if it stands in an envelope; itself if it does not. */
export function withoutEnvelope(event: FlowEvent | FlowEnvelope): FlowEvent {
  const name = event?.$typeName;
  return name === "observer.GetFlowsResponse" || name === "observer.ExportEvent"
    ? flowEvent(event as FlowEnvelope)
    : (event as FlowEvent);
}

/** Whether an event is a flow: the one kind that most fields can match. */
export function isFlow(event: FlowEvent | FlowEnvelope): event is Flow {
  return event?.$typeName === "flow.Flow";
}
