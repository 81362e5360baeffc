import type { MessageInitShape } from "@bufbuild/protobuf";
import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aFunction,
  aListOf,
  anInteger,
  aString,
  either,
  isObject,
  type ValueCheck,
} from "../../errors/value-checks.js";
import type {
  CiliumEventType,
  CiliumEventTypeSchema,
  EndpointSchema,
  NetworkInterfaceSchema,
  ServiceSchema,
  TrafficDirection,
  Verdict,
} from "../../gen/flow/flow_pb.js";
import type { PacketError } from "./locate/packet-error.js";
import type { TunnelPorts } from "./locate/tunnel.js";

/** An endpoint as a message or an init object. */
export type EndpointInit = MessageInitShape<typeof EndpointSchema>;

/** A service as a message or an init object. */
export type ServiceInit = MessageInitShape<typeof ServiceSchema>;

/** A network interface as a message or an init object. */
export type NetworkInterfaceInit = MessageInitShape<typeof NetworkInterfaceSchema>;

/** Default number of cached results per lookup function. */
export const DEFAULT_LOOKUP_ENTRIES = 16_384;

/** Default number of conversations tracked to guess replies. */
export const DEFAULT_MAX_CONVERSATIONS = 65_536;

/**
 * Lookups of data that packets do not contain. Each function is optional, synchronous, and returns undefined for
 * unknown. Results are cached, including undefined (see {@link FlowOptions.memoEntries}); an exception propagates out
 * of the iteration. The last parameter is the time of the packet in milliseconds since 1970, undefined if it has none: if
 * results depend on it, set `memoEntries` to 0.
 */
export interface FlowLookups {
  /**
   * Returns the endpoint with an address. If present, `source` and `destination` are set in every flow, as in Hubble:
   * to empty messages if the endpoint is unknown. Labels are sorted; of the CIDR labels of a local identity only the
   * most specific is kept.
   */
  readonly endpoint?: (ip: string, timeMs?: number) => EndpointInit | undefined;
  /**
   * Returns the DNS names of an address as observed by the peer endpoint, whose ID is `seenBy` (0 if unknown). A
   * trailing dot is removed.
   */
  readonly names?: (ip: string, seenBy: number, timeMs?: number) => readonly string[] | undefined;
  /** Returns the service at an address and port; the port is 0 if the packet has no ports. */
  readonly service?: (ip: string, port: number, timeMs?: number) => ServiceInit | undefined;
  /** Returns the name of a network interface by its kernel index, for packets that contain it (Linux cooked v2). */
  readonly link?: (index: number) => string | undefined;
  /** Returns the interface of all other packets, by its index in the capture: the batch's `format.interfaceId`. */
  readonly captureInterface?: (interfaceId: number) => NetworkInterfaceInit | undefined;
}

export interface FlowOptions extends FlowLookups {
  /**
   * Decode exactly as Hubble v1.16.2 does: Ethernet only; no VLAN tags, IGMP or VRRP; of the IPv6 extension headers
   * only a leading hop-by-hop header; and a packet that gopacket rejects yields a {@link PacketError} instead of a
   * flow. Default false: every packet yields a flow with the layers that could be decoded.
   */
  readonly strict?: boolean;
  /** Called for every rejected packet, in order; strict mode only. */
  readonly onError?: (error: PacketError) => void;
  /**
   * Decode VXLAN and Geneve tunnels, as Cilium 1.18 and later: the flow describes the inner packet, and `tunnel`
   * contains the outer IP and UDP headers and the network identifier. In Hubble the datapath marks tunnels; here the
   * UDP destination port identifies them. `true` uses `DEFAULT_TUNNEL_PORTS`. Default false. Ignored in strict
   * mode.
   */
  readonly tunnels?: boolean | Partial<TunnelPorts>;
  /** `cluster/node` or only the node name, as in Hubble; default empty. */
  readonly nodeName?: string;
  readonly nodeLabels?: readonly string[];
  /** Default `VERDICT_UNKNOWN`. */
  readonly verdict?: Verdict;
  /** Default `TRAFFIC_DIRECTION_UNKNOWN`. */
  readonly trafficDirection?: TrafficDirection;
  /** Default unset. */
  readonly eventType?: MessageInitShape<typeof CiliumEventTypeSchema>;
  /**
   * Also sets the deprecated `reply`. Default unset. {@link guessReplies} overrides it for the packets it can classify.
   */
  readonly isReply?: boolean;
  /**
   * Guess `is_reply`: the sender of the first packet of a conversation (addresses, ports and protocol) is the
   * initiator, and packets in the other direction are replies. A TCP SYN sets the initiator at any time. ICMP echo
   * packets are classified by their type. Other packets keep {@link isReply}. Default false.
   */
  readonly guessReplies?: boolean;
  /**
   * Maximum number of conversations tracked for {@link guessReplies}; default {@link DEFAULT_MAX_CONVERSATIONS}. At the
   * limit, the conversations idle for longest are evicted, up to half of them at once; their next packet starts a new
   * conversation. 0 and 1 track none.
   */
  readonly maxConversations?: number;
  /**
   * Maximum number of cached results per lookup function; default {@link DEFAULT_LOOKUP_ENTRIES}. At the limit, the
   * least recently used are evicted, up to half of them at once. 0 and 1 disable the cache.
   */
  readonly memoEntries?: number;
}

const aPortList = aListOf(anInteger(0, 0xffff));
const anEnumValue = anInteger(-(2 ** 31), 2 ** 31 - 1);

/** Written by hand, because the descriptor of the message would pull all messages into a bundle. */
const anEventType: ValueCheck<NonNullable<FlowOptions["eventType"]>> = (value, path, report) => {
  const { $typeName: _, $unknown: __, ...fields } = Object(value) as CiliumEventType;
  checkEventType(isObject(value) ? fields : value, path, report);
};

const checkEventType = optionsOf<{ readonly type?: number; readonly subType?: number }>("eventType", {
  type: anEnumValue,
  subType: anEnumValue,
});

/** The checks of the options. */
export const FLOW_OPTIONS: OptionTable<FlowOptions> = {
  endpoint: aFunction,
  names: aFunction,
  service: aFunction,
  link: aFunction,
  captureInterface: aFunction,
  strict: aBoolean,
  onError: aFunction,
  tunnels: either(
    (value) => typeof value === "object",
    optionsOf<Partial<TunnelPorts>>("tunnels", { vxlan: aPortList, geneve: aPortList }),
    aBoolean,
  ),
  nodeName: aString,
  nodeLabels: aListOf(aString),
  verdict: anEnumValue,
  trafficDirection: anEnumValue,
  eventType: anEventType,
  isReply: aBoolean,
  guessReplies: aBoolean,
  maxConversations: anInteger(0),
  memoEntries: anInteger(0),
};
