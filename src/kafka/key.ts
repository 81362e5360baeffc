import type { Layer4 } from "../gen/flow/flow_pb.js";
import { createResponseScan, type ResponseScan } from "../message/decode-response.js";
import { sharedStrings } from "../message/wire/string-cache.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";

/**
 * What the events of a partition have in common, so that it keeps their order: `node`, the node that has seen them, or
 * `five-tuple`, the conversation. A function returns a key of its own, or undefined for any partition.
 */
export type KeyOf = "node" | "five-tuple" | ((event: EncodedEvent) => string | undefined);

/** Compiles the option to a function. An event without a key goes to any partition. */
export function keyFunction(key: KeyOf): (event: EncodedEvent) => string | undefined {
  if (typeof key === "function") return key;
  const ofNode = ({ node }: EncodedEvent) => (node === "" ? undefined : node);
  return key === "node" ? ofNode : (event) => conversationOf(event) ?? ofNode(event);
}

const PORTS = { source_port: true, destination_port: true } as const;

/** Created for the first event. */
let scan: ResponseScan | undefined;

/**
 * Identifies the conversation of a flow: protocol, addresses and ports, such as `TCP 10.0.0.1:80 10.0.0.2:40000`. Both
 * directions have the same text: the smaller end comes first. Undefined for other events, and without addresses.
 */
function conversationOf(event: EncodedEvent): string | undefined {
  if (event.kind !== "flow") return undefined;
  scan ??= createResponseScan(
    {
      flow: {
        IP: { source: true, destination: true },
        l4: {
          ...{ TCP: PORTS, UDP: PORTS, SCTP: PORTS },
          ...{ ICMPv4: { type: true }, ICMPv6: { type: true }, VRRP: { type: true }, IGMP: { type: true } },
        },
      },
    },
    sharedStrings,
  );
  const { responseTypes } = scan(event.bytes, 0, event.bytes.length);
  const flow = responseTypes.case === "flow" ? responseTypes.value : undefined;
  const addresses = flow?.IP;
  if (addresses === undefined || (addresses.source === "" && addresses.destination === "")) return undefined;
  const protocol = flow?.l4?.protocol;
  const [sourcePort, destinationPort] = portsOf(protocol);
  const source = `${addresses.source}:${sourcePort}`;
  const destination = `${addresses.destination}:${destinationPort}`;
  const [first, second] = source < destination ? [source, destination] : [destination, source];
  return `${protocol?.case ?? "IP"} ${first} ${second}`;
}

function portsOf(protocol: Layer4["protocol"] | undefined): readonly [number, number] {
  switch (protocol?.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return [protocol.value.sourcePort, protocol.value.destinationPort];
    default:
      return [0, 0];
  }
}
