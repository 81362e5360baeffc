import { checkArgument } from "../errors/check-argument.js";
import { aMessage } from "../errors/value-checks.js";
import { type FlowEnvelope, type FlowEvent, flowEvent } from "../filter/index.js";
import type { Flow } from "../gen/flow/flow_pb.js";

const anEvent = aMessage("flow.Flow", "observer.GetFlowsResponse", "observer.ExportEvent");

/**
 * Returns the flow of an event; undefined for other events.
 *
 * @param name The name of the public function, for error messages.
 * @throws TypeError if `event` is not an event.
 */
export function flowOf(name: string, event: FlowEvent | FlowEnvelope): Flow | undefined {
  switch (event?.$typeName) {
    case "flow.Flow":
      return event;
    case "observer.GetFlowsResponse":
    case "observer.ExportEvent": {
      const inner = flowEvent(event);
      return inner?.$typeName === "flow.Flow" ? inner : undefined;
    }
    case "flow.LostEvent":
    case "flow.AgentEvent":
    case "flow.DebugEvent":
      return undefined;
    default:
      if (event !== undefined) checkArgument(name, "event", event, anEvent);
      return undefined;
  }
}
