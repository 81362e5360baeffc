import { type Endpoint, type Flow, TrafficDirection } from "../../gen/flow/flow_pb.js";
import { appName, type Side, workloadName } from "./context-value.js";

/** A label of the option `labelsContext`. */
interface Label {
  /** @param swaps Whether source and destination are swapped: the flow is a response, the label describes the request. */
  readonly value: (flow: Flow, swaps: boolean) => string;
  readonly reads: readonly string[];
}

function ofEndpoint(side: Side, value: (endpoint: Endpoint) => string, field: string): Label {
  const other = otherSide(side);
  return {
    value: (flow, swaps) => {
      const endpoint = flow[swaps ? other : side];
      return endpoint === undefined ? "" : value(endpoint);
    },
    // Also the other end, which some metrics read.
    reads: [`${side}.${field}`, `${other}.${field}`],
  };
}

function ofAddress(side: Side): Label {
  const other = otherSide(side);
  return {
    value: ({ IP }, swaps) => IP?.[swaps ? other : side] ?? "",
    reads: ["IP.source", "IP.destination"],
  };
}

/** The labels in the order in which Hubble adds them, whatever the order in the option. */
const TABLE = {
  source_ip: ofAddress("source"),
  source_pod: ofEndpoint("source", ({ podName }) => podName, "pod_name"),
  source_namespace: ofEndpoint("source", ({ namespace }) => namespace, "namespace"),
  source_workload: ofEndpoint("source", workloadName, "workloads.name"),
  source_workload_kind: ofEndpoint("source", workloadKind, "workloads.kind"),
  source_app: ofEndpoint("source", ({ labels }) => appName(labels), "labels"),
  destination_ip: ofAddress("destination"),
  destination_pod: ofEndpoint("destination", ({ podName }) => podName, "pod_name"),
  destination_namespace: ofEndpoint("destination", ({ namespace }) => namespace, "namespace"),
  destination_workload: ofEndpoint("destination", workloadName, "workloads.name"),
  destination_workload_kind: ofEndpoint("destination", workloadKind, "workloads.kind"),
  destination_app: ofEndpoint("destination", ({ labels }) => appName(labels), "labels"),
  traffic_direction: {
    value: ({ trafficDirection }) => directionName(trafficDirection),
    reads: ["traffic_direction"],
  },
} as const satisfies Readonly<Record<string, Label>>;

/** The name of a label of `labelsContext`, such as `source_pod`. */
export type ContextLabel = keyof typeof TABLE;

export const CONTEXT_LABELS: { readonly [K in ContextLabel]: Label } = TABLE;

/** The names of all labels of `labelsContext`, in the order in which they are added to a metric. */
export const CONTEXT_LABEL_NAMES = Object.keys(TABLE) as readonly ContextLabel[];

function otherSide(side: Side): Side {
  return side === "source" ? "destination" : "source";
}

function workloadKind({ workloads }: Endpoint): string {
  return workloads.length === 0 ? "" : workloads[0]!.kind;
}

function directionName(direction: TrafficDirection): string {
  switch (direction) {
    case TrafficDirection.INGRESS:
      return "ingress";
    case TrafficDirection.EGRESS:
      return "egress";
    case TrafficDirection.TRAFFIC_DIRECTION_UNKNOWN:
      return "unknown";
    default:
      return String(direction);
  }
}
