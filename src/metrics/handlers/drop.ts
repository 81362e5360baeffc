import { DropReasonSchema, Verdict } from "../../gen/flow/flow_pb.js";
import type { MetricType } from "./handler.js";
import { enumNames, PROTOCOL_READS, protocolOf } from "./names.js";

/** `drop`: dropped flows by reason. */
export const drop: MetricType = {
  options: {},
  create({ labels, counter }) {
    const drops = counter("hubble_drop_total", "Number of drops", ["reason", "protocol"], "first");
    const { values } = drops;
    const reasonName = enumNames(DropReasonSchema);
    const at = labels.names.length;
    return {
      reads: ["verdict", "drop_reason_desc", ...PROTOCOL_READS, ...labels.reads],
      observe(flow) {
        if (flow.verdict !== Verdict.DROPPED) return;
        labels.write(flow, values, 0);
        values[at] = reasonName(flow.dropReasonDesc);
        values[at + 1] = protocolOf(flow);
        drops.add(1);
      },
    };
  },
};
