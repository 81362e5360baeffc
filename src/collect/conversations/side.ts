import type { Endpoint, Service } from "../../gen/flow/flow_pb.js";
import type { ConversationEndpoint } from "./conversation.js";

/** The maximum number of DNS names of a side. */
const MAX_NAMES = 16;

/** What is learned about one side of a conversation. The result does not depend on the order of the flows. */
export class Side {
  readonly #address: string;
  readonly #port: number | undefined;
  readonly #names = new Set<string>();
  #endpoint: Endpoint | undefined;
  #endpointRank = 0;
  #endpointMs = Number.NEGATIVE_INFINITY;
  #service: Service | undefined;
  #serviceMs = Number.NEGATIVE_INFINITY;
  /** The flags of the TCP segments that it sent, as bits; undefined before the first one. */
  tcpFlags: number | undefined;

  constructor(address: string, port: number | undefined) {
    this.#address = address;
    this.#port = port;
  }

  /** @param timeMs The time of the flow: of equally complete endpoints, the latest one counts. */
  learn(
    endpoint: Endpoint | undefined,
    names: readonly string[],
    service: Service | undefined,
    timeMs: number,
  ): void {
    const rank = rankOf(endpoint);
    if (rank > this.#endpointRank || (rank === this.#endpointRank && timeMs > this.#endpointMs)) {
      this.#endpoint = endpoint;
      this.#endpointRank = rank;
      this.#endpointMs = timeMs;
    }
    if (service !== undefined && service.name !== "" && timeMs > this.#serviceMs) {
      this.#service = service;
      this.#serviceMs = timeMs;
    }
    for (let index = 0; index < names.length && this.#names.size < MAX_NAMES; index++) {
      this.#names.add(names[index]!);
    }
  }

  describe(): ConversationEndpoint {
    const endpoint = this.#endpoint;
    return {
      address: this.#address,
      ...(this.#port !== undefined && { port: this.#port }),
      names: [...this.#names].sort(),
      namespace: endpoint?.namespace ?? "",
      podName: endpoint?.podName ?? "",
      identity: endpoint?.identity ?? 0,
      clusterName: endpoint?.clusterName ?? "",
      labels: [...(endpoint?.labels ?? [])],
      workloads: (endpoint?.workloads ?? []).map(({ kind, name }) => ({ kind, name })),
      ...(this.#service !== undefined && { service: `${this.#service.namespace}/${this.#service.name}` }),
    };
  }
}

/** How much is known about an endpoint: a node knows the pods of others only by their identities. */
function rankOf(endpoint: Endpoint | undefined): number {
  if (endpoint === undefined) return 0;
  if (endpoint.podName !== "") return 3;
  return endpoint.identity !== 0 || endpoint.labels.length > 0 ? 2 : 1;
}
