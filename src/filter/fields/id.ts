import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { valueIndex } from "../list-index/value-index.js";
import { compileOneOf } from "../one-of.js";

const byUuid = valueIndex(INDEX_COST.id, (flow) => flow.uuid);
const byTraceId = valueIndex(INDEX_COST.id, (flow) => flow.traceContext?.parent?.traceId ?? "");
const byIpTraceId = valueIndex(INDEX_COST.id, (flow) => flow.ipTraceId?.traceId ?? 0n);

/** The flow's UUID, exactly; "" matches flows without one (pkg/hubble/filters/uuid.go). */
export const uuid: FieldCompiler<"uuid"> = (values) => {
  const isWanted = compileOneOf(values);
  return {
    matches: (flow) => isWanted(flow.uuid),
    seen: (event) => (isFlow(event) ? event.uuid : undefined),
    reads: ["uuid"],
    cost: "cheap",
    key: exactKey(byUuid, values),
  };
};

/**
 * The trace ID of the flow; "" matches events without one, including events of other kinds
 * (pkg/hubble/filters/trace_id.go).
 */
export const traceId: FieldCompiler<"traceId"> = (values) => {
  const isWanted = compileOneOf(values);
  const matchesNone = isWanted("");
  return {
    matches: (flow) => isWanted(flow.traceContext?.parent?.traceId ?? ""),
    matchesOther: () => matchesNone,
    seen: (event) => (isFlow(event) ? event.traceContext?.parent?.traceId : undefined) ?? "",
    reads: ["trace_context.parent.trace_id"],
    cost: "cheap",
    key: exactKey(byTraceId, values),
  };
};

/** The trace ID in an IP option; 0 matches events without one, including events of other kinds. Since 1.19. */
export const ipTraceId: FieldCompiler<"ipTraceId"> = (values) => {
  const isWanted = compileOneOf(values);
  const matchesNone = isWanted(0n);
  return {
    matches: (flow) => isWanted(flow.ipTraceId?.traceId ?? 0n),
    matchesOther: () => matchesNone,
    seen: (event) => (isFlow(event) ? event.ipTraceId?.traceId : undefined) ?? 0n,
    reads: ["ip_trace_id.trace_id"],
    cost: "cheap",
    key: exactKey(byIpTraceId, values),
  };
};
