import { DropReason, type Flow, Verdict, VerdictSchema } from "../../gen/flow/flow_pb.js";
import type { MetricType } from "./handler.js";
import { enumNames, PROTOCOL_READS, protocolOf } from "./names.js";

const WORLD = "reserved:world";

/** `flows-to-world`: flows to outside of the cluster. */
export const flowsToWorld: MetricType = {
  options: { "any-drop": "no value", port: "no value", "syn-only": "no value" },
  create({ labels, counter, has }) {
    const [anyDrop, hasPort, synOnly] = [has("any-drop"), has("port"), has("syn-only")];
    const own = ["protocol", "verdict", ...(hasPort ? ["port"] : [])];
    const flows = counter(
      "hubble_flows_to_world_total",
      "Total number of flows to reserved:world",
      own,
      "last",
    );
    const { values } = flows;
    const verdictName = enumNames(VerdictSchema);
    const ports = ["TCP", "UDP", "SCTP"].map((protocol) => `l4.${protocol}.destination_port`);
    return {
      reads: [
        ...["destination.labels", "verdict", "is_reply", ...PROTOCOL_READS],
        ...(anyDrop ? [] : ["drop_reason_desc"]),
        ...(synOnly ? ["l4.TCP.flags.SYN"] : []),
        ...(hasPort ? ports : []),
        ...labels.reads,
      ],
      observe(flow) {
        const { verdict, eventType, l4, destination } = flow;
        if (destination === undefined || eventType === undefined || l4 === undefined) return;
        if (!destination.labels.includes(WORLD)) return;
        const isReply = flow.isReply === true;
        if (verdict === Verdict.DROPPED) {
          if (!anyDrop && flow.dropReasonDesc !== DropReason.POLICY_DENIED) return;
        } else if (isReply) return;
        if (synOnly && (isReply || !hasSyn(l4))) return;
        values[0] = protocolOf(flow);
        values[1] = verdictName(verdict);
        if (hasPort) values[2] = portOf(l4);
        labels.write(flow, values, own.length);
        flows.add(1);
      },
    };
  },
};

type Layer4 = NonNullable<Flow["l4"]>;

function hasSyn({ protocol }: Layer4): boolean {
  return protocol.case === "TCP" && protocol.value.flags?.SYN === true;
}

/** The destination port; empty for protocols without ports. */
function portOf({ protocol }: Layer4): number | string {
  switch (protocol.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return protocol.value.destinationPort;
    default:
      return "";
  }
}
