import type { AgentEvent, DebugEvent, Flow, LostEvent } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";

/**
 * What a filter is asked about: an event of the Hubble stream, told apart by `$typeName`, or none at all (a response
 * that carries no event, such as a node's status).
 */
export type FlowEvent = Flow | LostEvent | AgentEvent | DebugEvent | undefined;

/** Takes the event out of its envelope; undefined when there is none that filters see. */
export function flowEvent(response: GetFlowsResponse | ExportEvent): FlowEvent {
  const { responseTypes } = response;
  switch (responseTypes.case) {
    case "flow":
    case "lostEvents":
    case "agentEvent":
    case "debugEvent":
      return responseTypes.value;
    default:
      return undefined;
  }
}

/** Whether an event is a flow: the one kind that most fields can match. */
export function isFlow(event: FlowEvent): event is Flow {
  return event?.$typeName === "flow.Flow";
}
