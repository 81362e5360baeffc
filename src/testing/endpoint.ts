import { create } from "@bufbuild/protobuf";
import { type Endpoint, EndpointSchema } from "../gen/flow/flow_pb.js";
import { parseAddress } from "../net/index.js";

/** One side of a flow. */
export interface FlowEndpoint {
  readonly ip: string;
  readonly port: number | undefined;
  readonly endpoint: Endpoint;
  readonly names: string[];
}

// pkg/identity of Cilium v1.16.2.
const RESERVED: Readonly<Record<string, number>> = {
  host: 1,
  world: 2,
  unmanaged: 3,
  health: 4,
  init: 5,
  "remote-node": 6,
  "kube-apiserver": 7,
  ingress: 8,
};

/** The first identity that is not reserved. */
const FIRST_IDENTITY = 256;

const MAX_PORT = 0xffff;

/** @throws TypeError */
export function parseEndpoint(text: string): FlowEndpoint {
  const [, bracketed, plain = "", portText] = /^(?:\[([^\]]+)\]|([^[\]:]*))(?::(\d+))?$/.exec(text) ?? [];
  // A bare IPv6 address has colons and no port.
  const name = bracketed ?? (plain || text);
  const port = portText === undefined ? undefined : Number(portText);
  if (name === "" || (port ?? 0) > MAX_PORT) throw new TypeError(`not an endpoint: ${JSON.stringify(text)}`);
  if (parseAddress(name) !== undefined) return { ip: name, port, endpoint: reserved("world"), names: [] };
  if (name in RESERVED) return { ip: addressOf(name, 192), port, endpoint: reserved(name), names: [] };
  if (name.includes(":")) throw new TypeError(`not an endpoint: ${JSON.stringify(text)}`);
  if (!name.includes("/") && name.includes(".")) {
    return { ip: addressOf(name, 203), port, endpoint: reserved("world"), names: [name] };
  }
  const [podName = "", namespace = "default"] = name.split("/").reverse();
  return { ip: addressOf(`${namespace}/${podName}`, 10), port, endpoint: pod(namespace, podName), names: [] };
}

function pod(namespace: string, podName: string): Endpoint {
  return create(EndpointSchema, {
    ID: hashOf(`${namespace}/${podName}`) & 0xffff,
    identity: FIRST_IDENTITY + (hashOf(`${namespace}/${podName}`) % 0xff00),
    namespace,
    podName,
    labels: [`k8s:app=${podName}`, `k8s:io.kubernetes.pod.namespace=${namespace}`],
  });
}

function reserved(name: string): Endpoint {
  return create(EndpointSchema, { identity: RESERVED[name] ?? 0, labels: [`reserved:${name}`] });
}

function addressOf(name: string, firstByte: number): string {
  const hash = hashOf(name);
  return `${firstByte}.${(hash >>> 16) & 0xff}.${(hash >>> 8) & 0xff}.${hash & 0xff || 1}`;
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
