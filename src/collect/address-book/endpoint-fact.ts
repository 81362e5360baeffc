import { copyOf } from "../../bytes/copy-string.js";
import type { Endpoint, Workload } from "../../gen/flow/flow_pb.js";
import type { FactOf } from "./span.js";

/** Maximum length of all strings of an endpoint together, in UTF-16 code units. */
export const MAX_ENDPOINT_TEXT = 16_384;

/** Maximum number of labels and workloads of an endpoint. */
const MAX_ELEMENTS = 256;

/** Identities of Cilium below this are reserved (pkg/identity/numericidentity.go). */
const FIRST_UNRESERVED_IDENTITY = 256;

/** The bit of identities that are local to a node, which Cilium assigns to CIDRs. */
const LOCAL_SCOPE = 0x0100_0000;

/** Whether nothing is known of an endpoint. Hubble reports such ones with the identity 0. */
export function isUnknown({ identity, podName, labels }: Endpoint): boolean {
  return podName === "" && identity === 0 && (labels.length === 0 || labels[0] === "reserved:unknown");
}

/**
 * Which endpoint goes first if several are seen at one address at the same time. 2: a pod with an identity of its own.
 * 1: a pod with a reserved identity, which Hubble reports if the packet does not contain that of the pod; or no pod, but
 * a reserved identity or that of a CIDR. 0: the identity of a pod at an address that belongs to no pod, as after source
 * translation.
 */
export function rankOf({ identity, podName }: Endpoint): number {
  const isOfPods = identity >= FIRST_UNRESERVED_IDENTITY && (identity & LOCAL_SCOPE) === 0;
  if (podName !== "") return isOfPods ? 2 : 1;
  return isOfPods ? 0 : 1;
}

/** What a label and a workload take besides their texts, as a length of text. */
const LABEL_LENGTH = 16;
const WORKLOAD_LENGTH = 64;

/** The length of all strings of an endpoint, with an allowance for each; Infinity if it is above the limits. */
export function textLengthOf({ clusterName, namespace, podName, labels, workloads }: Endpoint): number {
  if (labels.length > MAX_ELEMENTS || workloads.length > MAX_ELEMENTS) return Number.POSITIVE_INFINITY;
  let length = clusterName.length + namespace.length + podName.length;
  for (const label of labels) length += label.length;
  for (const { name, kind } of workloads) length += name.length + kind.length;
  if (length > MAX_ENDPOINT_TEXT) return Number.POSITIVE_INFINITY;
  return length + LABEL_LENGTH * labels.length + WORKLOAD_LENGTH * workloads.length;
}

/** Whether two endpoints are one: the same pod, identity and labels. */
export function isSameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return (
    one.identity === other.identity &&
    one.podName === other.podName &&
    one.namespace === other.namespace &&
    isSameList(one.labels, other.labels)
  );
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** Label lists of recent endpoints by identity, so that the endpoints of an identity share one. */
export class LabelLists {
  readonly #lists = new Map<number, readonly string[]>();

  /** Returns the shared list with these labels. */
  share(identity: number, labels: readonly string[]): string[] {
    const known = this.#lists.get(identity);
    // Endpoints of facts are never changed; only the type of messages says that their lists can be.
    if (known !== undefined && isSameList(known, labels)) return known as string[];
    const copy = labels.map(copyOf);
    if (this.#lists.size >= MAX_LISTS) this.#lists.clear();
    this.#lists.set(identity, copy);
    return copy;
  }
}

const MAX_LISTS = 1024;

/** Copies an endpoint into a fact that keeps no memory of the flow. */
export function endpointFact(endpoint: Endpoint, lists: LabelLists): FactOf<"endpoint"> {
  const { ID, identity, clusterName, namespace, labels, podName, workloads } = endpoint;
  return {
    kind: "endpoint",
    rank: rankOf(endpoint),
    endpoint: {
      $typeName: "flow.Endpoint",
      ID,
      identity,
      clusterName: copyOf(clusterName),
      namespace: copyOf(namespace),
      labels: lists.share(identity, labels),
      podName: copyOf(podName),
      workloads: workloads.map(copyWorkload),
    },
  };
}

/**
 * Adds what only some nodes report of an endpoint: its ID, cluster and workloads. If they differ, the greater value
 * stays, so that the result does not depend on the order. Returns the length of the added text; undefined if nothing
 * has changed.
 */
export function addDetails(endpoint: Endpoint, { ID, clusterName, workloads }: Endpoint): number | undefined {
  let added: number | undefined;
  if (ID > endpoint.ID) {
    added = 0;
    endpoint.ID = ID;
  }
  if (clusterName > endpoint.clusterName) {
    added = (added ?? 0) + clusterName.length - endpoint.clusterName.length;
    endpoint.clusterName = copyOf(clusterName);
  }
  if (compareWorkloads(workloads, endpoint.workloads) > 0) {
    added = (added ?? 0) + lengthOf(workloads) - lengthOf(endpoint.workloads);
    endpoint.workloads = workloads.map(copyWorkload);
  }
  return added;
}

function copyWorkload({ name, kind }: Workload): Workload {
  return { $typeName: "flow.Workload", name: copyOf(name), kind: copyOf(kind) };
}

function lengthOf(workloads: readonly Workload[]): number {
  return workloads.reduce((sum, { name, kind }) => sum + WORKLOAD_LENGTH + name.length + kind.length, 0);
}

/** Longer lists are greater, then the first element that differs decides. */
function compareWorkloads(one: readonly Workload[], other: readonly Workload[]): number {
  if (one.length !== other.length) return one.length - other.length;
  for (let index = 0; index < one.length; index++) {
    const a = one[index]!;
    const b = other[index]!;
    if (a.name !== b.name) return a.name > b.name ? 1 : -1;
    if (a.kind !== b.kind) return a.kind > b.kind ? 1 : -1;
  }
  return 0;
}
