import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { AgentEvent, DebugEvent, Flow, LostEvent } from "../../gen/flow/flow_pb.js";
import type {
  ExportEvent,
  GetAgentEventsResponse,
  GetDebugEventsResponse,
  GetFlowsResponse,
} from "../../gen/observer/observer_pb.js";
import type { NodeStatusEvent } from "../../gen/relay/relay_pb.js";
import { describeMessage } from "../flow-response.js";
import { NOTHING, type PrintedText } from "./printed.js";
import type { Stamped } from "./stamped.js";

/**
 * The messages that can be printed: responses of the Observer API, lines of an export file, and the bare events inside
 * them.
 */
export type PrintableEvent =
  | GetFlowsResponse
  | ExportEvent
  | GetAgentEventsResponse
  | GetDebugEventsResponse
  | Flow
  | LostEvent
  | AgentEvent
  | DebugEvent;

/** Prints each kind of event. The envelope is the response that contained the event. */
export interface EventPrinter {
  flow(flow: Flow, envelope?: Envelope): PrintedText;
  lostEvent(event: LostEvent, envelope?: Envelope): PrintedText;
  nodeStatus(status: Stamped<NodeStatusEvent>, envelope: Envelope): PrintedText;
  agentEvent(event: Stamped<AgentEvent>, envelope?: Envelope): PrintedText;
  debugEvent(event: Stamped<DebugEvent>, envelope?: Envelope): PrintedText;
  /** Returns the buffered output. */
  end(): PrintedText;
}

export type Envelope = GetFlowsResponse | ExportEvent;

/**
 * Extracts an event from its envelope and prints it. An empty envelope prints nothing.
 *
 * @param name The name of the public function, for error messages.
 * @throws TypeError if `event` is not an event.
 */
export function dispatch(name: string, event: PrintableEvent, printer: EventPrinter): PrintedText {
  // For callers without types: unknown messages are rejected below.
  switch (event?.$typeName) {
    case "observer.GetFlowsResponse":
    case "observer.ExportEvent":
      return dispatchContent(event, printer);
    case "observer.GetAgentEventsResponse":
      return event.agentEvent === undefined ? NOTHING : printer.agentEvent(stamp(event.agentEvent, event));
    case "observer.GetDebugEventsResponse":
      return event.debugEvent === undefined ? NOTHING : printer.debugEvent(stamp(event.debugEvent, event));
    case "flow.Flow":
      return printer.flow(event);
    case "flow.LostEvent":
      return printer.lostEvent(event);
    case "flow.AgentEvent":
      return printer.agentEvent(unstamped(event));
    case "flow.DebugEvent":
      return printer.debugEvent(unstamped(event));
    default:
      throw new TypeError(
        `${name}: event must be a message of the Observer API, not ${describeMessage(event)}`,
      );
  }
}

function dispatchContent(envelope: Envelope, printer: EventPrinter): PrintedText {
  const { responseTypes: content } = envelope;
  switch (content.case) {
    case "flow":
      return printer.flow(content.value, envelope);
    case "lostEvents":
      return printer.lostEvent(content.value, envelope);
    case "nodeStatus":
      return printer.nodeStatus(stamp(content.value, envelope), envelope);
    case "agentEvent":
      return printer.agentEvent(stamp(content.value, envelope), envelope);
    case "debugEvent":
      return printer.debugEvent(stamp(content.value, envelope), envelope);
    default:
      return NOTHING;
  }
}

function stamp<Event>(
  event: Event,
  { time, nodeName }: { readonly time?: Timestamp | undefined; readonly nodeName: string },
): Stamped<Event> {
  return { event, time, nodeName };
}

function unstamped<Event>(event: Event): Stamped<Event> {
  return { event, time: undefined, nodeName: "" };
}
