import type { Endpoint, Flow } from "../../gen/flow/flow_pb.js";

/** One end of a flow. */
export type Side = "source" | "destination";

/** A value of the options for contexts: how the label `source` or `destination` names an end of a flow. */
interface Context {
  /** Empty if it is not known; the next context then applies. */
  readonly value: (flow: Flow, side: Side) => string;
  /** The fields of a Flow that it reads, as proto field paths. */
  readonly reads: (side: Side) => readonly string[];
}

/** Context of an endpoint's fields. */
function ofEndpoint(value: (endpoint: Endpoint) => string, ...fields: readonly string[]): Context {
  return {
    value: (flow, side) => {
      const endpoint = flow[side];
      return endpoint === undefined ? "" : value(endpoint);
    },
    reads: (side) => fields.map((field) => `${side}.${field}`),
  };
}

/** As in pkg/hubble/metrics/api/context.go. */
const TABLE = {
  identity: ofEndpoint(({ labels }) => joined(labels), "labels"),
  namespace: ofEndpoint(({ namespace }) => namespace, "namespace"),
  pod: ofEndpoint(({ namespace, podName }) => qualified(namespace, podName), "namespace", "pod_name"),
  "pod-name": ofEndpoint(({ podName }) => podName, "pod_name"),
  dns: {
    value: (flow, side) => joined(side === "source" ? flow.sourceNames : flow.destinationNames),
    reads: (side) => [`${side}_names`],
  },
  ip: {
    value: (flow, side) => flow.IP?.[side] ?? "",
    reads: (side) => [`IP.${side}`],
  },
  "reserved-identity": ofEndpoint(({ labels }) => reservedLabel(labels), "labels"),
  workload: ofEndpoint(
    ({ namespace, workloads }) => (workloads.length === 0 ? "" : qualified(namespace, workloads[0]!.name)),
    "namespace",
    "workloads.name",
  ),
  "workload-name": ofEndpoint(workloadName, "workloads.name"),
  app: ofEndpoint(({ labels }) => appName(labels), "labels"),
} as const satisfies Readonly<Record<string, Context>>;

/** The name of a context, such as `workload-name`. */
export type ContextName = keyof typeof TABLE;

export const CONTEXTS: { readonly [K in ContextName]: Context } = TABLE;

/** The names of all contexts, in the order of Hubble's documentation. */
export const CONTEXT_NAMES = Object.keys(TABLE) as readonly ContextName[];

/** Joins with commas; a list of one string costs no new string. */
export function joined(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : texts.join(",");
}

/** The name of the first workload; empty without one. */
export function workloadName({ workloads }: Endpoint): string {
  return workloads.length === 0 ? "" : workloads[0]!.name;
}

/** Labels that name the app of a pod. */
const APP_LABELS = ["k8s:app.kubernetes.io/name=", "k8s:k8s-app=", "k8s:app="];

/** The value of the first label that names an app, in the order of the endpoint's labels; empty without one. */
export function appName(labels: readonly string[]): string {
  for (const label of labels) {
    for (const prefix of APP_LABELS) {
      if (label.startsWith(prefix) && label.length > prefix.length) return label.slice(prefix.length);
    }
  }
  return "";
}

const KUBE_APISERVER = "reserved:kube-apiserver";

function reservedLabel(labels: readonly string[]): string {
  if (labels.includes(KUBE_APISERVER)) return KUBE_APISERVER;
  return labels.find((label) => label.startsWith("reserved:")) ?? "";
}

/** As Hubble: with a namespace and no name, the result is the namespace and a slash. */
function qualified(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}
