import { Verdict } from "../../gen/flow/flow_pb.js";
import type { MetricType } from "./handler.js";

const OWN_LABELS = ["protocol", "port"];

/** `port-distribution`: forwarded and redirected packets by destination port. Replies, and what may be one, do not count. */
export const portDistribution: MetricType = {
  options: {},
  create({ labels, counter }) {
    const ports = counter(
      "hubble_port_distribution_total",
      "Numbers of packets distributed by destination port",
      OWN_LABELS,
      "last",
    );
    const { values } = ports;
    return {
      reads: [
        ...["verdict", "is_reply", "l4.ICMPv4", "l4.ICMPv6"],
        ...["TCP", "UDP", "SCTP"].map((protocol) => `l4.${protocol}.destination_port`),
        ...labels.reads,
      ],
      observe(flow) {
        const { verdict, isReply } = flow;
        if (verdict !== Verdict.FORWARDED && verdict !== Verdict.REDIRECTED) return;
        const protocol = flow.l4?.protocol;
        if (isReply !== false || protocol === undefined) return;
        switch (protocol.case) {
          case "TCP":
          case "UDP":
          case "SCTP":
            values[1] = protocol.value.destinationPort;
            break;
          case "ICMPv4":
          case "ICMPv6":
            values[1] = 0;
            break;
          default:
            return;
        }
        values[0] = protocol.case;
        labels.write(flow, values, OWN_LABELS.length);
        ports.add(1);
      },
    };
  },
};
