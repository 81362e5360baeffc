import type { Endpoint, NetworkInterface } from "../../gen/flow/flow_pb.js";

/** A workload, such as the Deployment of a pod. */
export interface KnownWorkload {
  readonly name: string;
  readonly kind: string;
}

/** What Hubble's flows say about the holder of an address. Strings are empty and numbers 0 if unknown. */
export interface KnownEndpoint {
  /** The numeric identity, or a reserved one such as 2 for `world`. */
  readonly identity: number;
  /** The ID on the node of the endpoint; flows of other nodes do not have it. */
  readonly ID: number;
  readonly clusterName: string;
  readonly namespace: string;
  readonly podName: string;
  readonly labels: readonly string[];
  readonly workloads: readonly KnownWorkload[];
  /** The interface of the endpoint on its node. */
  readonly interfaceName: string;
}

/** The maximum number of labels, and of characters in all texts of an endpoint. */
const MAX_LABELS = 256;
const MAX_CHARACTERS = 32 * 1024;

/** Whether a flow knows the endpoint; Cilium's identity 0 and an endpoint without any name mean that it does not. */
export function isKnown({ identity, podName }: Endpoint): boolean {
  return identity !== 0 || podName !== "";
}

/** Whether an endpoint is small enough to be remembered. */
export function isBounded({ clusterName, namespace, podName, labels, workloads }: Endpoint): boolean {
  if (labels.length > MAX_LABELS || workloads.length > MAX_LABELS) return false;
  let characters = clusterName.length + namespace.length + podName.length;
  for (const label of labels) characters += label.length;
  for (const { name, kind } of workloads) characters += name.length + kind.length;
  return characters <= MAX_CHARACTERS;
}

/** Whether two descriptions are of the same endpoint. A pod whose labels change gets another identity. */
export function isSameEndpoint(
  one: Pick<KnownEndpoint, "identity" | "podName" | "namespace" | "clusterName">,
  other: Pick<KnownEndpoint, "identity" | "podName" | "namespace" | "clusterName">,
): boolean {
  return (
    one.identity === other.identity &&
    one.podName === other.podName &&
    one.namespace === other.namespace &&
    (one.clusterName === other.clusterName || one.clusterName === "" || other.clusterName === "")
  );
}

/** Whether a flow says more about an endpoint than is known. */
export function addsTo(known: KnownEndpoint, seen: Endpoint, link: NetworkInterface | undefined): boolean {
  return (
    (known.ID !== seen.ID && seen.ID !== 0) ||
    (known.labels.length === 0 && seen.labels.length > 0) ||
    (known.workloads.length === 0 && seen.workloads.length > 0) ||
    (known.clusterName === "" && seen.clusterName !== "") ||
    (link !== undefined && link.name !== "" && link.name !== known.interfaceName)
  );
}

/** What is known of an endpoint, after a flow. */
export function mergeEndpoint(
  known: KnownEndpoint | undefined,
  seen: Endpoint,
  link: NetworkInterface | undefined,
): KnownEndpoint {
  const { identity, ID, clusterName, namespace, podName, labels, workloads } = seen;
  return {
    identity,
    ID: ID || (known?.ID ?? 0),
    clusterName: clusterName || (known?.clusterName ?? ""),
    namespace,
    podName,
    labels: labels.length > 0 ? labels.slice() : (known?.labels ?? []),
    workloads:
      workloads.length > 0 ? workloads.map(({ name, kind }) => ({ name, kind })) : (known?.workloads ?? []),
    interfaceName: link?.name || (known?.interfaceName ?? ""),
  };
}
