import { IPVersionSchema, Verdict } from "../../gen/flow/flow_pb.js";
import type { MetricType } from "./handler.js";
import { enumNames } from "./names.js";

const OWN_LABELS = ["flag", "family"];

/** `tcp`: flags of forwarded and redirected packets. */
export const tcp: MetricType = {
  options: {},
  create({ labels, counter }) {
    const flagCounts = counter("hubble_tcp_flags_total", "TCP flag occurrences", OWN_LABELS, "last");
    const { values } = flagCounts;
    const versionName = enumNames(IPVersionSchema);
    const count = (flag: string) => {
      values[0] = flag;
      flagCounts.add(1);
    };
    return {
      reads: ["verdict", "l4.TCP.flags", "IP.ipVersion", ...labels.reads],
      observe(flow) {
        const { verdict, IP } = flow;
        if (verdict !== Verdict.FORWARDED && verdict !== Verdict.REDIRECTED) return;
        const protocol = flow.l4?.protocol;
        if (IP === undefined || protocol?.case !== "TCP") return;
        const { flags } = protocol.value;
        if (flags === undefined || !(flags.FIN || flags.SYN || flags.RST)) return;
        values[1] = versionName(IP.ipVersion);
        labels.write(flow, values, OWN_LABELS.length);
        if (flags.FIN) count("FIN");
        if (flags.SYN) count(flags.ACK ? "SYN-ACK" : "SYN");
        if (flags.RST) count("RST");
      },
    };
  },
};
