import { create } from "@bufbuild/protobuf";
import { type Endpoint, EndpointSchema } from "../gen/flow/flow_pb.js";
import { parseAddress, parsePrefix } from "../net/index.js";

/** The source or destination of a flow. */
export interface FlowEndpoint {
  readonly ip: string;
  readonly port: number | undefined;
  readonly endpoint: Endpoint;
  readonly names: string[];
}

// Reserved identities in pkg/identity of Cilium v1.16.2.
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

/** Whether a string is an IPv6 address, with or without a port. */
export function isIpv6Endpoint(text: string): boolean {
  return splitPort(text).name.includes(":");
}

function splitPort(text: string): { readonly name: string; readonly port: number | undefined } {
  const [, bracketed, plain = "", portText] = /^(?:\[([^\]]+)\]|([^[\]:]*))(?::(\d+))?$/.exec(text) ?? [];
  // A bare IPv6 address has colons and no port.
  return { name: bracketed ?? (plain || text), port: portText === undefined ? undefined : Number(portText) };
}

/**
 * Parses an endpoint; see `from` of `FlowInit` for the notations.
 *
 * @param isIpv6 Whether a named endpoint gets an IPv6 address, because the other side has one.
 * @throws TypeError for an invalid endpoint.
 */
export function parseEndpoint(text: string, isIpv6: boolean): FlowEndpoint {
  const { name, port } = splitPort(text);
  const invalid = (why: string) => new TypeError(`not an endpoint: ${JSON.stringify(text)}${why}`);
  if (name === "") throw invalid("");
  if ((port ?? 0) > MAX_PORT) throw invalid(`; ports are at most ${MAX_PORT}`);
  if (parseAddress(name) !== undefined) return { ip: name, port, endpoint: reserved("world"), names: [] };
  if (name in RESERVED)
    return { ip: addressOf(name, "outside", isIpv6), port, endpoint: reserved(name), names: [] };
  if (name.includes(":")) throw invalid("");
  if (!name.includes("/") && name.includes(".")) {
    return { ip: addressOf(name, "outside", isIpv6), port, endpoint: reserved("world"), names: [name] };
  }
  if (parsePrefix(name) !== undefined) throw invalid("; an endpoint has one address, not a prefix");
  if (!/^(?:[^/]+\/)?[^/]+$/.test(name)) throw invalid("; a pod is NAMESPACE/NAME");
  const [podName = "", namespace = "default"] = name.split("/").reverse();
  const ip = addressOf(`${namespace}/${podName}`, "pod", isIpv6);
  return { ip, port, endpoint: pod(namespace, podName), names: [] };
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

/**
 * IPv4 networks reserved for documentation (RFC 5737), which are never assigned; for IPv6 it is 2001:db8::/32 (RFC
 * 3849).
 */
const DOCUMENTATION = ["192.0.2", "198.51.100", "203.0.113"] as const;

/**
 * Pods get private addresses: 10.0.0.0/8, or fd00::/8 (RFC 4193). Other names are outside of the cluster and get
 * addresses for documentation; in IPv4 there are about 750 of these, so that two names may share one.
 */
function addressOf(name: string, where: "pod" | "outside", isIpv6: boolean): string {
  const hash = hashOf(name);
  const low = hash & 0xffff || 1;
  if (isIpv6)
    return `${where === "pod" ? "fd00:10" : "2001:db8"}::${(hash >>> 16).toString(16)}:${low.toString(16)}`;
  if (where === "pod") return `10.${(hash >>> 16) & 0xff}.${(hash >>> 8) & 0xff}.${hash & 0xff || 1}`;
  return `${DOCUMENTATION[(hash >>> 8) % DOCUMENTATION.length]}.${1 + ((hash & 0xff) % 254)}`;
}

/** FNV-1a hash, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
