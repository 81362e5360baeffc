import { Verdict } from "../../gen/flow/flow_pb.js";
import { joined } from "../context/context-value.js";
import type { MetricType } from "./handler.js";

/** Names of response codes, as in pkg/hubble/metrics/dns/rcode.go; others are empty. */
const RCODES: readonly (string | undefined)[] = [
  "No Error",
  "Format Error",
  "Server Failure",
  "Non-Existent Domain",
  "Not Implemented",
  "Query Refused",
  "Name Exists when it should not",
  "RR Set Exists when it should not",
  "RR Set that should exist does not",
  "Not Authorized",
  "Name not contained in zone",
  "DSO-TYPE Not Implemented",
  ...[undefined, undefined, undefined, undefined],
  "Bad OPT Version",
  "Key not recognized",
  "Signature out of time window",
  "Bad TKEY Mode",
  "Duplicate key name",
  "Algorithm not supported",
  "Bad Truncation",
  "Bad/missing Server Cookie",
];

/** `dns`: queries and responses. */
export const dns: MetricType = {
  options: { query: "no value", ignoreAAAA: "no value" },
  create({ labels, counter, has }) {
    const [includesQuery, ignoresAAAA] = [has("query"), has("ignoreAAAA")];
    const query = includesQuery ? ["query"] : [];
    const own = ["rcode", "qtypes", "ips_returned", ...query];
    const queries = counter("hubble_dns_queries_total", "Number of DNS queries observed", own, "first");
    const responses = counter("hubble_dns_responses_total", "Number of DNS responses observed", own, "first");
    const types = counter(
      "hubble_dns_response_types_total",
      "Number of DNS response types",
      ["type", "qtypes", ...query],
      "first",
    );
    const at = labels.names.length;
    const message = ["qtypes", "ips", "rcode", "rrtypes", ...query].map((field) => `l7.dns.${field}`);
    return {
      reads: ["verdict", "is_reply", ...message, ...labels.reads],
      observe(flow) {
        const record = flow.l7?.record;
        if (record?.case !== "dns") return;
        const { qtypes, ips, rcode, rrtypes, query } = record.value;
        if (ignoresAAAA && qtypes.length === 1 && qtypes[0] === "AAAA") return;
        const isDropped = flow.verdict === Verdict.DROPPED;
        const isResponse = !isDropped && flow.isReply === true;
        const counted = isResponse ? responses : queries;
        const { values } = counted;
        const qtypesText = joined(qtypes);
        labels.write(flow, values, 0);
        values[at] = isResponse ? (RCODES[rcode] ?? "") : isDropped ? "Policy denied" : "";
        values[at + 1] = qtypesText;
        values[at + 2] = ips.length;
        if (includesQuery) values[at + 3] = query;
        counted.add(1);
        if (!isResponse) return;
        for (let index = 0; index < rrtypes.length; index++) {
          labels.write(flow, types.values, 0);
          types.values[at] = rrtypes[index]!;
          types.values[at + 1] = qtypesText;
          if (includesQuery) types.values[at + 2] = query;
          types.add(1);
        }
      },
    };
  },
};
