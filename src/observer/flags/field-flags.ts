import { checkOptions } from "../../errors/check-options.js";
import { required } from "../../errors/value-checks.js";
import type { FilterField } from "../../filter/field.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { aHubbleVersion, DEFAULT_HUBBLE_VERSION, type HubbleVersion, rulesOf } from "../../hubble/version.js";
import type { FilterFlagName } from "./flow-flags.js";

/** The flags of each field of a FlowFilter; `none` for a field without one. */
export type FieldFlags = { readonly [K in FilterField]: readonly FilterFlagName[] | "none" };

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
 * that only `--allowlist` and `--denylist` set. Those of Hubble 1.16; {@link flagsOfFields} has those of each version.
 * Exhaustive: a field that is added does not compile until it is listed.
 *
 * @example
 * ```ts
 * FLAGS_OF_FIELDS.sourcePort; // ["from-port", "port"]
 * ```
 */
export const FLAGS_OF_FIELDS: FieldFlags = {
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
  sourceClusterName: ["from-cluster"],
  destinationClusterName: ["to-cluster"],
  ipTraceId: ["ip-trace-id"],
  encrypted: ["encrypted", "unencrypted"],
};

const BY_CLUSTER_FLAG: { readonly [K in HubbleRules["clusterFlag"]]: FieldFlags } = {
  node: FLAGS_OF_FIELDS,
  endpoint: {
    ...FLAGS_OF_FIELDS,
    nodeName: ["node-name"],
    sourceClusterName: endFlags("from", "cluster"),
    destinationClusterName: endFlags("to", "cluster"),
  },
};

/**
 * The filter flags that set each field in a version of Hubble, as {@link FLAGS_OF_FIELDS} for 1.16. The versions differ
 * only in `--cluster`.
 *
 * @throws OptionsError for an unknown version.
 *
 * @example
 * ```ts
 * flagsOfFields("1.19").sourceClusterName; // ["from-cluster", "cluster"]
 * ```
 */
export function flagsOfFields(hubble: HubbleVersion = DEFAULT_HUBBLE_VERSION): FieldFlags {
  checkOptions("flagsOfFields", { hubble }, { hubble: required(aHubbleVersion) });
  return BY_CLUSTER_FLAG[rulesOf(hubble).clusterFlag];
}
