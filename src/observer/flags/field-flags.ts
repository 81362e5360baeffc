import type { FilterField } from "../../filter/field.js";
import type { FilterFlagName } from "./flow-flags.js";

/** The flags for the source or the destination of a flow, or either end. */
function endFlags<const Name extends string>(end: "from" | "to", ...names: readonly Name[]) {
  // TypeScript widens template strings in callbacks; these are the two flags of each name.
  return names.flatMap((name) => [`${end}-${name}`, name]) as readonly (
    | `from-${Name}`
    | `to-${Name}`
    | Name
  )[];
}

/**
 * The filter flags of `hubble observe` that set each field of a FlowFilter, without the hyphens; `"none"` for fields
 * that only `--allowlist` and `--denylist` set. Exhaustive: a field that is added does not compile until it is listed.
 *
 * @example
 * ```ts
 * FLAGS_OF_FIELDS.sourcePort; // ["from-port", "port"]
 * ```
 */
export const FLAGS_OF_FIELDS: { readonly [K in FilterField]: readonly FilterFlagName[] | "none" } = {
  uuid: ["uuid"],
  sourceIp: endFlags("from", "ip"),
  sourceIpXlated: ["snat-ip"],
  sourcePod: endFlags("from", "pod", "namespace", "all-namespaces"),
  sourceFqdn: endFlags("from", "fqdn"),
  sourceLabel: endFlags("from", "label"),
  sourceService: endFlags("from", "service"),
  sourceWorkload: endFlags("from", "workload"),
  destinationIp: endFlags("to", "ip"),
  destinationPod: endFlags("to", "pod", "namespace", "all-namespaces"),
  destinationFqdn: endFlags("to", "fqdn"),
  destinationLabel: endFlags("to", "label"),
  destinationService: endFlags("to", "service"),
  destinationWorkload: endFlags("to", "workload"),
  trafficDirection: ["traffic-direction"],
  verdict: ["verdict"],
  dropReasonDesc: ["drop-reason-desc"],
  interface: ["interface"],
  eventType: ["type"],
  httpStatusCode: ["http-status"],
  protocol: ["protocol"],
  sourcePort: endFlags("from", "port"),
  destinationPort: endFlags("to", "port"),
  reply: "none",
  dnsQuery: "none",
  sourceIdentity: endFlags("from", "identity"),
  destinationIdentity: endFlags("to", "identity"),
  httpMethod: ["http-method"],
  httpPath: ["http-path"],
  httpUrl: ["http-url"],
  httpHeader: ["http-header"],
  tcpFlags: ["tcp-flags"],
  nodeName: ["node-name", "cluster"],
  nodeLabels: ["node-label"],
  ipVersion: ["ipv4", "ipv6", "ip-version"],
  traceId: ["trace-id"],
  experimental: ["cel-expression"],
  sourceClusterName: "none",
  destinationClusterName: "none",
  ipTraceId: "none",
  encrypted: "none",
};
