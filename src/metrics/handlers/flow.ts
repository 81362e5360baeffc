import { type Flow, VerdictSchema } from "../../gen/flow/flow_pb.js";
import { MONITOR_EVENT } from "../../hubble/monitor-events.js";
import type { MetricType } from "./handler.js";
import { enumNames, layer7Name, PROTOCOL_READS, protocolOf } from "./names.js";

const OWN_LABELS = ["protocol", "type", "subtype", "verdict"];

/** `flow`: all flows by the type of their event. */
export const flow: MetricType = {
  options: {},
  create({ labels, counter, tracePoints }) {
    const flows = counter(
      "hubble_flows_processed_total",
      "Total number of flows processed",
      OWN_LABELS,
      "last",
    );
    const { values } = flows;
    const verdictName = enumNames(VerdictSchema);
    return {
      reads: ["verdict", ...PROTOCOL_READS, ...labels.reads],
      observe(flow) {
        const type = flow.eventType?.type ?? 0;
        const name = typeName(type);
        values[0] = protocolOf(flow);
        values[1] = name ?? "Unknown";
        // The number of an unknown type is its subtype.
        values[2] = name === undefined ? type : subtypeOf(flow, type, tracePoints);
        values[3] = verdictName(flow.verdict);
        labels.write(flow, values, OWN_LABELS.length);
        flows.add(1);
      },
    };
  },
};

function typeName(type: number): string | undefined {
  switch (type) {
    case MONITOR_EVENT.ACCESS_LOG:
      return "L7";
    case MONITOR_EVENT.DROP:
      return "Drop";
    case MONITOR_EVENT.CAPTURE:
      return "Capture";
    case MONITOR_EVENT.TRACE:
      return "Trace";
    case MONITOR_EVENT.POLICY_VERDICT:
      return "PolicyVerdict";
    default:
      return undefined;
  }
}

function subtypeOf({ eventType, l7 }: Flow, type: number, tracePoints: readonly string[]): string {
  switch (type) {
    case MONITOR_EVENT.ACCESS_LOG:
      return layer7Name(l7?.record.case);
    case MONITOR_EVENT.TRACE:
      // Go converts to uint8, which keeps the low byte.
      return tracePoints[(eventType?.subType ?? 0) & 0xff] ?? "";
    default:
      return "";
  }
}
