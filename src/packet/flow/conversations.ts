import type { Flow, Layer4 } from "../../gen/flow/flow_pb.js";
import { BoundedMap } from "./lookup/bounded-map.js";

const ICMPV4_ECHO_REPLY = 0;
const ICMPV4_ECHO_REQUEST = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;

/** The endpoint that started a conversation: the one whose port and address come first in the key, or the other. */
type Initiator = Conversation["sender"];

/** Tracks the initiator of each conversation, to determine which packets are replies. */
export class Conversations {
  readonly #initiators: BoundedMap<Initiator>;

  constructor(maxConversations: number) {
    this.#initiators = new BoundedMap("maxConversations", maxConversations);
  }

  get size(): number {
    return this.#initiators.size;
  }

  get evicted(): number {
    return this.#initiators.evicted;
  }

  /** Whether the packet of this flow is a reply; undefined if unknown. To be called for every packet, in order. */
  isReply(flow: Flow): boolean | undefined {
    const protocol = flow.l4?.protocol;
    switch (protocol?.case) {
      case "TCP":
      case "UDP":
      case "SCTP":
        return this.#follow(flow, protocol);
      case "ICMPv4":
        return isEchoReply(protocol.value.type, ICMPV4_ECHO_REQUEST, ICMPV4_ECHO_REPLY);
      case "ICMPv6":
        return isEchoReply(protocol.value.type, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY);
      default:
        return undefined;
    }
  }

  forget(): void {
    this.#initiators.clear();
  }

  #follow(flow: Flow, protocol: WithPorts): boolean {
    const { key, sender } = conversationBetween(flow, protocol);
    const said = initiatorBySyn(protocol, sender);
    const known = this.#initiators.get(key);
    const initiator = said ?? known ?? sender;
    if (initiator !== known) this.#initiators.set(key, initiator);
    return initiator !== sender;
  }
}

/** A conversation, and which of its two endpoints sent a packet. */
export interface Conversation {
  /** The same in both directions. */
  readonly key: string;
  /** Whether the sender is the endpoint whose port, or for equal ports whose address, is the lower one. */
  readonly sender: "low" | "high";
}

/** The conversation of a flow over TCP, UDP or SCTP; undefined for any other flow. */
export function conversationOf(flow: Flow): Conversation | undefined {
  const protocol = flow.l4?.protocol;
  switch (protocol?.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return conversationBetween(flow, protocol);
    default:
      return undefined;
  }
}

function conversationBetween(flow: Flow, protocol: WithPorts): Conversation {
  const { sourcePort, destinationPort } = protocol.value;
  const source = flow.IP?.source ?? "";
  const destination = flow.IP?.destination ?? "";
  // The endpoint with the lower port, then the lower address, comes first.
  const sourceFirst = sourcePort === destinationPort ? source <= destination : sourcePort < destinationPort;
  const key = sourceFirst
    ? `${protocol.case} ${sourcePort} ${source} ${destinationPort} ${destination}`
    : `${protocol.case} ${destinationPort} ${destination} ${sourcePort} ${source}`;
  return { key, sender: sourceFirst ? "low" : "high" };
}

type WithPorts = Extract<Layer4["protocol"], { readonly case: "TCP" | "UDP" | "SCTP" }>;

/**
 * The initiator according to a SYN, which identifies it even if the capture starts in the middle of a conversation, the
 * conversation was evicted, or the ports are reused.
 */
function initiatorBySyn(protocol: WithPorts, sender: Initiator): Initiator | undefined {
  if (protocol.case !== "TCP" || protocol.value.flags?.SYN !== true) return undefined;
  if (!protocol.value.flags.ACK) return sender;
  return sender === "low" ? "high" : "low";
}

function isEchoReply(type: number, request: number, reply: number): boolean | undefined {
  if (type === reply) return true;
  return type === request ? false : undefined;
}
