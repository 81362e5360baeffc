import type { Endpoint, Flow, Service } from "../../gen/flow/flow_pb.js";
import { column, type FlatColumn } from "./column.js";

/** The columns that the source and the destination of a flow have alike, without `source_` and `destination_`. */
type EndpointColumn =
  | "endpoint_id"
  | "identity"
  | "cluster"
  | "namespace"
  | "pod"
  | "workload"
  | "workload_kind"
  | "labels"
  | "names"
  | "service"
  | "service_namespace";

interface Side {
  readonly endpoint: Endpoint | undefined;
  readonly service: Service | undefined;
  readonly names: readonly string[];
}

function columnsOf(side: (flow: Flow) => Side): Readonly<Record<EndpointColumn, FlatColumn>> {
  const workload = (flow: Flow) => side(flow).endpoint?.workloads[0];
  return {
    endpoint_id: column("uint32", (flow) => side(flow).endpoint?.ID),
    identity: column("uint32", (flow) => side(flow).endpoint?.identity),
    cluster: column("enum", (flow) => side(flow).endpoint?.clusterName),
    namespace: column("enum", (flow) => side(flow).endpoint?.namespace),
    pod: column("string", (flow) => side(flow).endpoint?.podName),
    workload: column("string", (flow) => workload(flow)?.name),
    workload_kind: column("enum", (flow) => workload(flow)?.kind),
    labels: column("strings", (flow) => side(flow).endpoint?.labels),
    names: column("strings", (flow) => side(flow).names),
    service: column("string", (flow) => side(flow).service?.name),
    service_namespace: column("enum", (flow) => side(flow).service?.namespace),
  };
}

export const SOURCE = columnsOf(({ source, sourceService, sourceNames }) => ({
  endpoint: source,
  service: sourceService,
  names: sourceNames,
}));

export const DESTINATION = columnsOf(({ destination, destinationService, destinationNames }) => ({
  endpoint: destination,
  service: destinationService,
  names: destinationNames,
}));

/** Adds a prefix to the names of the columns, keeping their order. */
export function prefixed<Prefix extends "source" | "destination">(
  prefix: Prefix,
  columns: Readonly<Record<EndpointColumn, FlatColumn>>,
): Readonly<Record<`${Prefix}_${EndpointColumn}`, FlatColumn>> {
  const entries = Object.entries(columns).map(([name, one]) => [`${prefix}_${name}`, one]);
  // The names are those of the type, by construction.
  return Object.fromEntries(entries) as Record<`${Prefix}_${EndpointColumn}`, FlatColumn>;
}
