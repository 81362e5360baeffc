import type { Endpoint, NetworkInterface, Service, Workload } from "../../../gen/flow/flow_pb.js";
import type { EndpointInit, NetworkInterfaceInit, ServiceInit } from "../flow-options.js";
import { sortLabels } from "./endpoint-labels.js";

// Literals, as in message.ts, instead of `create`, which would pull the descriptors of the whole API into the bundle.

/** Creates an endpoint from an init object, with sorted labels. */
export function createEndpoint(init: EndpointInit): Endpoint {
  if ("then" in init) throw new TypeError("endpoint must answer at once: it has given a promise");
  const { ID = 0, identity = 0, clusterName = "", namespace = "", labels = [], podName = "" } = init;
  const workloads = (init.workloads ?? []).map(createWorkload);
  const sorted = sortLabels(labels, identity);
  return {
    $typeName: "flow.Endpoint",
    ID,
    identity,
    clusterName,
    namespace,
    labels: sorted,
    podName,
    workloads,
  };
}

/** Copies an endpoint, so that flows never share one. */
export function copyEndpoint(endpoint: Endpoint): Endpoint {
  const { $typeName, ID, identity, clusterName, namespace, labels, podName, workloads } = endpoint;
  return {
    $typeName,
    ID,
    identity,
    clusterName,
    namespace,
    labels: labels.slice(),
    podName,
    workloads: workloads.map(createWorkload),
  };
}

export function createService({ name = "", namespace = "" }: ServiceInit): Service {
  return { $typeName: "flow.Service", name, namespace };
}

export function createInterface({ index = 0, name = "" }: NetworkInterfaceInit): NetworkInterface {
  return { $typeName: "flow.NetworkInterface", index, name };
}

function createWorkload({ name = "", kind = "" }: { name?: string; kind?: string }): Workload {
  return { $typeName: "flow.Workload", name, kind };
}
