import type { DescMessage } from "@bufbuild/protobuf";
import { FlowSchema } from "../../gen/flow/flow_pb.js";
import { ExportEventSchema, GetFlowsResponseSchema } from "../../gen/observer/observer_pb.js";
import { jsonFieldsOf } from "../properties.js";

const ONLY_EXPORTED = new Set(["agent_event", "agentEvent", "debug_event", "debugEvent"]);
const EVENTS = new Set(["flow", "node_status", "nodeStatus", "lost_events", "lostEvents"]);
const STAMPS = new Set(["node_name", "nodeName", "time"]);

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
  const fields = jsonFieldsOf(FlowSchema);
  for (const name in json) if (fields.has(name) && !STAMPS.has(name)) return true;
  return false;
}
