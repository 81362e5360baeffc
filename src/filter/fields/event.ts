import type { EventTypeFilter, Flow } from "../../gen/flow/flow_pb.js";
import type { FlowEvent } from "../event.js";
import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { pairIndex } from "../list-index/value-index.js";

/** The monitor's message types (pkg/monitor/api/types.go). */
const DEBUG = 2;
const AGENT = 130;

/**
 * The event type and, if requested, the sub-type. Lost events always match because their kind is unknown
 * (pkg/hubble/filters/eventtype.go).
 */
export const eventType: FieldCompiler<"eventType"> = (values) => ({
  matches: ({ eventType: ofFlow }) => ofFlow !== undefined && matchesAny(values, ofFlow.type, ofFlow.subType),
  matchesOther: (event) => {
    switch (event?.$typeName) {
      case "flow.AgentEvent":
        return matchesAny(values, AGENT, event.type);
      case "flow.DebugEvent":
        return matchesAny(values, DEBUG, event.type);
      case "flow.LostEvent":
        return true;
      default:
        return false;
    }
  },
  seen: seenType,
  reads: ["event_type"],
  cost: "cheap",
  key: exactKey(
    byEventType,
    values.map(({ type, matchSubType, subType }) => ({
      first: type || undefined,
      second: matchSubType ? subType : undefined,
    })),
  ),
});

const byEventType = pairIndex(
  INDEX_COST.enumeration,
  (flow) => flow.eventType,
  ({ type }) => type,
  ({ subType }) => subType,
);

function matchesAny(values: readonly EventTypeFilter[], type: number, subType: number): boolean {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if ((value.type === 0 || value.type === type) && (!value.matchSubType || value.subType === subType))
      return true;
  }
  return false;
}

function seenType(event: FlowEvent): unknown {
  if (isFlow(event)) return event.eventType;
  switch (event?.$typeName) {
    case "flow.AgentEvent":
      return { type: AGENT, subType: event.type };
    case "flow.DebugEvent":
      return { type: DEBUG, subType: event.type };
    case "flow.LostEvent":
      return "lost events";
    default:
      return undefined;
  }
}

/** The network interface by index and name; 0 and "" match any (pkg/hubble/filters/interface.go). */
export const networkInterface: FieldCompiler<"interface"> = (values) => ({
  matches: (flow: Flow) => {
    const ofFlow = flow.interface;
    if (ofFlow === undefined) return false;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (
        (value.index === 0 || value.index === ofFlow.index) &&
        (value.name === "" || value.name === ofFlow.name)
      ) {
        return true;
      }
    }
    return false;
  },
  seen: (event) => (isFlow(event) ? event.interface : undefined),
  reads: ["interface"],
  cost: "cheap",
  key: exactKey(
    byInterface,
    values.map(({ index, name }) => ({ first: index || undefined, second: name || undefined })),
  ),
});

const byInterface = pairIndex(
  INDEX_COST.code,
  (flow) => flow.interface,
  ({ index }) => index,
  ({ name }) => name,
);
