import { type Flow, TrafficDirectionSchema, VerdictSchema } from "../../gen/flow/flow_pb.js";
import { MONITOR_EVENT, POLICY_MATCHES } from "../../hubble/monitor-events.js";
import type { MetricType } from "./handler.js";
import { enumNames, layer7Name } from "./names.js";

const OWN_LABELS = ["direction", "match", "action"];

/** The identity of the host, which may connect to each local endpoint. */
const HOST = 1;

/** `policy`: policy verdicts, and flows of layer 7. */
export const policy: MetricType = {
  options: {},
  create({ labels, counter }) {
    const verdicts = counter(
      "hubble_policy_verdicts_total",
      "Total number of Cilium network policy verdicts",
      OWN_LABELS,
      "last",
    );
    const { values } = verdicts;
    const directionName = inLowerCase(enumNames(TrafficDirectionSchema));
    const verdictName = inLowerCase(enumNames(VerdictSchema));
    return {
      reads: [
        ...[
          "event_type",
          "source.identity",
          "traffic_direction",
          "policy_match_type",
          "verdict",
          "l7.record",
        ],
        ...labels.reads,
      ],
      observe(flow) {
        const match = matchOf(flow);
        if (match === undefined) return;
        values[0] = directionName(flow.trafficDirection);
        values[1] = match;
        values[2] = verdictName(flow.verdict);
        labels.write(flow, values, OWN_LABELS.length);
        verdicts.add(1);
      },
    };
  },
};

const MATCHES = POLICY_MATCHES.map((name) => name.toLowerCase());

/** What the verdict matched; undefined for a flow that does not count. */
function matchOf({ eventType, source, policyMatchType, l7 }: Flow): string | undefined {
  switch (eventType?.type) {
    case MONITOR_EVENT.POLICY_VERDICT:
      return source?.identity === HOST ? undefined : (MATCHES[policyMatchType] ?? "unknown");
    case MONITOR_EVENT.ACCESS_LOG:
      return `l7/${layer7Name(l7?.record.case).toLowerCase()}`;
    default:
      return undefined;
  }
}

/** The names in lower case, each converted once. Enums have few values; others are numbers. */
function inLowerCase(nameOf: (number: number) => string): (number: number) => string {
  const names = Array.from({ length: 16 }, (_, number) => nameOf(number).toLowerCase());
  return (number) => names[number] ?? nameOf(number).toLowerCase();
}
