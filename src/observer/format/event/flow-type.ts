import {
  DebugCapturePointSchema,
  type Flow,
  L7FlowTypeSchema,
  type Layer7,
  SocketTranslationPoint,
  SocketTranslationPointSchema,
  TrafficDirectionSchema,
} from "../../../gen/flow/flow_pb.js";
import { MONITOR_EVENT, POLICY_MATCHES, TRACE_POINTS_OF } from "../../../hubble/monitor-events.js";
import type { HubbleRules } from "../../../hubble/rules.js";
import { enumName } from "../../../message/proto-text.js";
import { formatDropReason } from "./drop-reason.js";

const { DROP, CAPTURE, TRACE, POLICY_VERDICT, TRACE_SOCK } = MONITOR_EVENT;

/**
 * Describes the packet's observation point or drop reason, or the layer 7 message: `to-endpoint`, `Policy denied`,
 * `http-request`.
 */
export function formatFlowType(flow: Flow, rules: HubbleRules): string {
  if (flow.l7 !== undefined) return formatL7Type(flow.l7);
  const type = flow.eventType?.type;
  // Go converts to uint8, which keeps the low byte.
  const subType = (flow.eventType?.subType ?? 0) & 0xff;
  switch (type) {
    case TRACE:
      return TRACE_POINTS_OF[rules.eventNames][subType] ?? String(subType);
    case DROP:
      return formatDropReason(subType, rules);
    case POLICY_VERDICT: {
      const match = POLICY_MATCHES[flow.policyMatchType] ?? "unknown";
      return `policy-verdict:${match} ${enumName(TrafficDirectionSchema, flow.trafficDirection)}`;
    }
    case CAPTURE:
      return enumName(DebugCapturePointSchema, flow.debugCapturePoint);
    case TRACE_SOCK:
      return (
        SOCKET_POINTS.get(flow.sockXlatePoint) ?? enumName(SocketTranslationPointSchema, flow.sockXlatePoint)
      );
    default:
      return "UNKNOWN";
  }
}

/** Whether a flow is a policy verdict, whose verdicts have different names. */
export function isPolicyVerdict(flow: Flow): boolean {
  return flow.eventType?.type === POLICY_VERDICT;
}

const SOCKET_POINTS: ReadonlyMap<SocketTranslationPoint, string> = new Map([
  [SocketTranslationPoint.SOCK_XLATE_POINT_PRE_DIRECTION_FWD, "pre-xlate-fwd"],
  [SocketTranslationPoint.SOCK_XLATE_POINT_PRE_DIRECTION_REV, "pre-xlate-rev"],
  [SocketTranslationPoint.SOCK_XLATE_POINT_POST_DIRECTION_FWD, "post-xlate-fwd"],
  [SocketTranslationPoint.SOCK_XLATE_POINT_POST_DIRECTION_REV, "post-xlate-rev"],
]);

function formatL7Type({ type, record }: Layer7): string {
  const name = enumName(L7FlowTypeSchema, type).toLowerCase();
  switch (record.case) {
    case "dns":
      return `dns-${name} ${record.value.observationSource}`;
    case "http":
    case "kafka":
      return `${record.case}-${name}`;
    default:
      return `l7-${name}`;
  }
}
