import { type Flow, type Policy, TrafficDirection, Verdict } from "../../../gen/flow/flow_pb.js";
import type { Style } from "../style.js";
import { isPolicyVerdict } from "./flow-type.js";

/**
 * Formats the verdict by its name. Policy verdicts have their own terms, such as `ALLOWED` for `FORWARDED`, and with
 * `policyNames` they are followed by the policies.
 */
export function formatVerdict(flow: Flow, style: Style): string {
  const { verdict } = flow;
  const { paint } = style;
  const ofPolicy = isPolicyVerdict(flow);
  // Generated enums have the names of the proto file. The descriptor, which also has them, would have to be decoded.
  const name = Verdict[verdict] ?? String(verdict);
  switch (verdict) {
    case Verdict.FORWARDED:
    case Verdict.REDIRECTED:
      return paint.good(ofPolicy ? `ALLOWED${policiesOf(flow, "AllowedBy", style)}` : name);
    case Verdict.DROPPED:
    case Verdict.ERROR:
      return paint.bad(ofPolicy ? `DENIED${policiesOf(flow, "DeniedBy", style)}` : name);
    case Verdict.AUDIT:
      return paint.notable(ofPolicy ? "AUDITED" : "AUDIT");
    case Verdict.TRACED:
    case Verdict.TRANSLATED:
      return paint.notable(name);
    default:
      return name;
  }
}

/** Formats the policies that decided, such as ` BY allow-dns (CiliumNetworkPolicy)`; "" if none is known by name and kind. */
function policiesOf(flow: Flow, decision: "AllowedBy" | "DeniedBy", { policyNames, clean }: Style): string {
  if (!policyNames) return "";
  const names = policiesIn(flow, decision)
    .filter(({ name, kind }) => name !== "" && kind !== "")
    .map(({ name, kind }) => clean(`${name} (${kind})`));
  return names.length === 0 ? "" : ` BY ${names.join(", ")}`;
}

function policiesIn(flow: Flow, decision: "AllowedBy" | "DeniedBy"): readonly Policy[] {
  switch (flow.trafficDirection) {
    case TrafficDirection.EGRESS:
      return flow[`egress${decision}`];
    case TrafficDirection.INGRESS:
      return flow[`ingress${decision}`];
    default:
      return [];
  }
}
