import type { Flow } from "../../gen/flow/flow_pb.js";
import { portsOf } from "../../packet/flow/lookup/lookups.js";
import type { ConversationProtocol, InitiatorSource } from "./conversation.js";

/** What a flow says about its conversation. */
export interface Subject {
  readonly key: string;
  readonly protocol: ConversationProtocol;
  readonly icmpType: number | undefined;
  /** The side that sent it. Side 0 is the one whose address and port come first as text. */
  readonly sender: 0 | 1;
  /** Whether the sender is the initiator, and how that is known; undefined if the flow does not say. */
  readonly role: { readonly isInitiator: boolean; readonly from: InitiatorSource } | undefined;
  /** Whether it is the first segment of a TCP connection. */
  readonly opensConnection: boolean;
}

/** Types of ICMP replies, with that of the request. RFC 792, RFC 950, RFC 4443 */
const ICMP_REQUEST_OF: Readonly<Record<"ICMPv4" | "ICMPv6", ReadonlyMap<number, number>>> = {
  ICMPv4: new Map([
    [0, 8],
    [14, 13],
    [16, 15],
    [18, 17],
  ]),
  ICMPv6: new Map([[129, 128]]),
};

const REQUESTS = {
  ICMPv4: new Set(ICMP_REQUEST_OF.ICMPv4.values()),
  ICMPv6: new Set(ICMP_REQUEST_OF.ICMPv6.values()),
};

/** Returns the subject of a flow; undefined for one without addresses. */
export function subjectOf(flow: Flow): Subject | undefined {
  const { IP } = flow;
  if (IP === undefined || IP.source === "" || IP.destination === "") return undefined;
  const layer = flow.l4?.protocol;
  const protocol = layer?.case ?? "unknown";
  const ports = portsOf(flow);
  const source = ports === undefined ? IP.source : `${IP.source} ${ports.sourcePort}`;
  const destination = ports === undefined ? IP.destination : `${IP.destination} ${ports.destinationPort}`;
  let icmpType: number | undefined;
  let handshake: boolean | undefined;
  if (layer?.case === "ICMPv4" || layer?.case === "ICMPv6") {
    const { type } = layer.value;
    const request = ICMP_REQUEST_OF[layer.case].get(type);
    icmpType = request ?? type;
    if (request !== undefined) handshake = false;
    else if (REQUESTS[layer.case].has(type)) handshake = true;
  } else if (layer?.case === "TCP" && layer.value.flags?.SYN === true) handshake = !layer.value.flags.ACK;
  const role = roleOf(flow.isReply, handshake);
  // One endpoint that talks to itself has two sides, too.
  const isSecond = source === destination ? role?.isInitiator === false : source > destination;
  const sender = isSecond ? 1 : 0;
  const pair = sender === 0 ? `${source}|${destination}` : `${destination}|${source}`;
  return {
    key: `${protocol}|${icmpType ?? ""}|${pair}`,
    protocol,
    icmpType,
    sender,
    role,
    opensConnection: protocol === "TCP" && handshake === true,
  };
}

function roleOf(isReply: boolean | undefined, handshake: boolean | undefined): Subject["role"] {
  if (isReply !== undefined) return { isInitiator: !isReply, from: "is_reply" };
  return handshake === undefined ? undefined : { isInitiator: handshake, from: "handshake" };
}
