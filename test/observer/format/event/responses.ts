// Responses with the events that print as one line with a time.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AgentEventSchema,
  type DebugEventSchema,
  type GetAgentEventsResponse,
  GetAgentEventsResponseSchema,
  type GetDebugEventsResponse,
  GetDebugEventsResponseSchema,
} from "../../../../src/proto.js";

export type AgentEventInit = MessageInitShape<typeof AgentEventSchema> & { $typeName?: never };
export type DebugEventInit = MessageInitShape<typeof DebugEventSchema> & { $typeName?: never };

/** One minute after the epoch. */
const FROM_NODE = { nodeName: "one/n1", time: { seconds: 60n } };

export function agentResponse(agentEvent: AgentEventInit): GetAgentEventsResponse {
  return create(GetAgentEventsResponseSchema, { agentEvent, ...FROM_NODE });
}

export function debugResponse(debugEvent: DebugEventInit): GetDebugEventsResponse {
  return create(GetDebugEventsResponseSchema, { debugEvent, ...FROM_NODE });
}
