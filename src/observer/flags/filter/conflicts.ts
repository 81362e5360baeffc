import type { HubbleRules } from "../../../hubble/rules.js";
import type { FilterFlagName } from "../flow-flags.js";

/**
 * Groups of mutually exclusive flags, in the order in which Hubble checks them (hubble/cmd/observe/flows_filter.go).
 */
const CONFLICTS: readonly (readonly FilterFlagName[])[] = [
  // biome-ignore format: one group, one line
  ["from-fqdn", "from-ip", "ip", "fqdn", "from-namespace", "namespace", "from-all-namespaces", "all-namespaces"],
  ["from-fqdn", "from-ip", "ip", "fqdn", "from-pod", "pod"],
  ["to-fqdn", "to-ip", "ip", "fqdn", "to-namespace", "namespace", "to-all-namespaces", "all-namespaces"],
  ["to-fqdn", "to-ip", "ip", "fqdn", "to-pod", "pod"],
  ["to-pod", "namespace", "all-namespaces"],
  ["from-pod", "namespace", "all-namespaces"],
  ["to-service", "namespace", "all-namespaces"],
  ["from-service", "namespace", "all-namespaces"],
  ["label", "from-label"],
  ["label", "to-label"],
  ["service", "from-service"],
  ["service", "to-service"],
  ["port", "to-port"],
  ["port", "from-port"],
  ["identity", "to-identity"],
  ["identity", "from-identity"],
  ["workload", "to-workload"],
  ["workload", "from-workload"],
  ["encrypted", "unencrypted"],
];

/** Conflicts of `--cluster`: only where it selects by node does it conflict with the node's name. */
const CLUSTER_CONFLICTS: { readonly [K in HubbleRules["clusterFlag"]]: typeof CONFLICTS } = {
  node: [...CONFLICTS, ["node-name", "cluster"]],
  endpoint: CONFLICTS,
};

/** Returns Hubble's error text for the first two flags that exclude each other; undefined if there is no conflict. */
export function findConflict(
  given: ReadonlySet<FilterFlagName>,
  { clusterFlag }: HubbleRules,
): string | undefined {
  for (const group of CLUSTER_CONFLICTS[clusterFlag]) {
    const [one, other] = group.filter((name) => given.has(name));
    if (other !== undefined) return `filters --${one} and --${other} cannot be combined`;
  }
  return undefined;
}
