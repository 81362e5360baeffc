import type { Layer4 } from "../../gen/flow/flow_pb.js";
import type { TcpFlagName } from "./tcp-state.js";

/** One end of a conversation, as far as the flows know it. */
export interface ConversationEndpoint {
  /** As in the flows: before source translation. */
  readonly address: string;
  /** Undefined for protocols without ports. */
  readonly port?: number;
  /** DNS names, sorted, at most 16. */
  readonly names: readonly string[];
  /** Empty if it is not known, as are the fields below. */
  readonly namespace: string;
  readonly podName: string;
  readonly identity: number;
  readonly clusterName: string;
  readonly labels: readonly string[];
  readonly workloads: readonly { readonly kind: string; readonly name: string }[];
  /** The Kubernetes service of the address and port: `namespace/name`. */
  readonly service?: string;
}

/**
 * How many flows there were from each side. Hubble reports a packet at every point where it observes it, and may leave out
 * packets of established connections: these are not numbers of packets.
 */
export interface FlowCounts {
  /** Flows from the initiator. */
  readonly forward: number;
  /** Flows from the responder. */
  readonly reply: number;
}

/** The flows of one point on one node. A packet has at most one flow of each point of a node. */
export interface Observation extends FlowCounts {
  readonly node: string;
  /**
   * As `hubble observe` prints it: `to-endpoint`, `from-network`, `http-request`, or `drop` and `policy-verdict`. `other`
   * for those beyond the first 64 points.
   */
  readonly point: string;
}

/** The protocol of a conversation; `unknown` if the flows have no layer above IP. */
export type ConversationProtocol = Exclude<Layer4["protocol"]["case"], undefined> | "unknown";

/** How the initiator was determined, the best first. */
export type InitiatorSource =
  /** A flow said whether it was a reply. */
  | "is_reply"
  /** From a TCP segment with SYN, or an ICMP message that is a request or reply. */
  | "handshake"
  /** The sender of the earliest flow. */
  | "first-seen";

/** Why a conversation ended. */
export type ConversationEnd =
  /** It had no more flows; see `idleMs`. */
  | "idle"
  /** A new TCP connection with the same addresses and ports began after it was closed. */
  | "replaced"
  /** Too many conversations; further flows may have begun another record. */
  | "evicted"
  /** The input ended. */
  | "flushed";

/** The flows in both directions between two endpoints, from all nodes. A value, which does not change. */
export interface Conversation {
  readonly protocol: ConversationProtocol;
  /** For ICMP: the type of the message, for a request and its reply that of the request. */
  readonly icmpType?: number;
  readonly initiator: ConversationEndpoint;
  readonly responder: ConversationEndpoint;
  readonly initiatorFrom: InitiatorSource;
  /** The earliest and the latest time of its flows, in milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly flows: FlowCounts;
  /** Flows by verdict, such as `FORWARDED`. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Dropped flows by reason, such as `POLICY_DENIED`. */
  readonly dropReasons: Readonly<Record<string, number>>;
  /** Names of the nodes that observed it, sorted. */
  readonly nodes: readonly string[];
  readonly observations: readonly Observation[];
  /** Flows of layer 7. Undefined if there were none. */
  readonly l7?: {
    readonly requests: number;
    readonly responses: number;
    /** HTTP responses by status code. */
    readonly httpStatus: Readonly<Record<string, number>>;
    /** DNS responses by the number of their response code. */
    readonly dnsRcodes: Readonly<Record<string, number>>;
  };
  /** For TCP. Undefined if no flow had the flags of a segment. */
  readonly tcp?: {
    /** The flags that were seen, in the order of their bits. */
    readonly initiatorFlags: readonly TcpFlagName[];
    readonly responderFlags: readonly TcpFlagName[];
    /** `reset`: one side sent RST. `finished`: both sent FIN. `open`: neither was seen. */
    readonly state: "open" | "finished" | "reset";
  };
  readonly ended: ConversationEnd;
}
