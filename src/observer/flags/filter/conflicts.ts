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
  ["node-name", "cluster"],
];

/** Returns Hubble's error text for the first two flags that exclude each other; undefined if there is no conflict. */
export function findConflict(given: ReadonlySet<FilterFlagName>): string | undefined {
  for (const group of CONFLICTS) {
    const [one, other] = group.filter((name) => given.has(name));
    if (other !== undefined) return `filters --${one} and --${other} cannot be combined`;
  }
  return undefined;
}
