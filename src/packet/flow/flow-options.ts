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
import type { PacketError } from "./packet-error.js";
import type { TunnelPorts } from "./tunnel.js";

/** An endpoint as a message or an init object. */
export type EndpointInit = MessageInitShape<typeof EndpointSchema>;

/** A service as a message or an init object. */
export type ServiceInit = MessageInitShape<typeof ServiceSchema>;

/** A network interface as a message or an init object. */
export type NetworkInterfaceInit = MessageInitShape<typeof NetworkInterfaceSchema>;

/** Answers remembered of each lookup, unless the options say otherwise. */
export const DEFAULT_LOOKUP_ENTRIES = 16_384;

/** Conversations remembered for telling replies, unless the options say otherwise. */
export const DEFAULT_MAX_CONVERSATIONS = 65_536;

/**
 * What is not in the packet but known elsewhere. Each function is optional, is called synchronously, and answers undefined
 * for "not known". Answers are remembered, unknown ones too (see {@link FlowOptions.memoEntries}); what a function throws
 * comes out of the iteration.
 */
export interface FlowLookups {
  /**
   * The endpoint with an address. When given, `source` and `destination` are set in every flow, if need be to empty
   * messages, as in Hubble. Labels come out sorted, and of the CIDR labels of a local identity only the most specific.
   */
  readonly endpoint?: (ip: string) => EndpointInit | undefined;
  /**
   * The DNS names of an address, as the endpoint at the other end has learned them: its ID, 0 when that is not known.
   * A dot at the end is taken off.
   */
  readonly names?: (ip: string, seenBy: number) => readonly string[] | undefined;
  /** The service at an address and port; the port is 0 when the packet has none. */
  readonly service?: (ip: string, port: number) => ServiceInit | undefined;
  /** The name of a network interface by the kernel's index, for packets that tell it (Linux cooked v2). */
  readonly link?: (index: number) => string | undefined;
  /** The interface of all other packets, by its place in the capture's list, which is the batch's `format.interfaceId`. */
  readonly captureInterface?: (interfaceId: number) => NetworkInterfaceInit | undefined;
}

export interface FlowOptions extends FlowLookups {
  /**
   * Decode as Hubble v1.16.2 does, to the letter: Ethernet only, no VLAN tags, IPv6 extension headers, IGMP or VRRP, and a
   * packet that gopacket refuses gives no flow but a {@link PacketError}. Default false: as far as the bytes go, and every
   * packet gives a flow.
   */
  readonly strict?: boolean;
  /** Told of every packet that is refused, in the order of the packets; called only in strict mode. */
  readonly onError?: (error: PacketError) => void;
  /**
   * Go into VXLAN and Geneve tunnels, as Cilium 1.18 and later: the flow is then of the packet inside, and `tunnel` has the
   * outer IP and UDP headers and the network identifier. Hubble is told by the datapath what is a tunnel; here it is known by
   * the UDP destination port: `true` takes {@link DEFAULT_TUNNEL_PORTS}. Default false. No effect in strict mode.
   */
  readonly tunnels?: boolean | Partial<TunnelPorts>;
  /** `cluster/node` or a node's name alone, as in Hubble; default empty. */
  readonly nodeName?: string;
  readonly nodeLabels?: readonly string[];
  /** Default `VERDICT_UNKNOWN`. */
  readonly verdict?: Verdict;
  /** Default `TRAFFIC_DIRECTION_UNKNOWN`. */
  readonly trafficDirection?: TrafficDirection;
  /** Default unset. */
  readonly eventType?: MessageInitShape<typeof CiliumEventTypeSchema>;
  /** Also sets the deprecated `reply`. Default unset; {@link guessReplies} goes first where it knows better. */
  readonly isReply?: boolean;
  /**
   * Guess `is_reply`: whoever sent the first packet of a conversation (addresses, ports and protocol) asked, packets the
   * other way are replies. A TCP SYN shows who asked whenever it comes, and an ICMP echo says it of itself. Other packets
   * stay without. Default false.
   */
  readonly guessReplies?: boolean;
  /**
   * At most so many conversations are remembered for that, {@link DEFAULT_MAX_CONVERSATIONS} by default. When they are full,
   * those without a packet for the longest time are forgotten, up to half of them at once, and begin anew with their next one.
   */
  readonly maxConversations?: number;
  /**
   * At most so many answers are remembered of each lookup function, {@link DEFAULT_LOOKUP_ENTRIES} by default. When they are
   * full, those not needed for the longest time are forgotten, up to half of them at once. 0 asks for every packet.
   */
  readonly memoEntries?: number;
}

const aPortList = aListOf(anInteger(0, 0xffff));
const anEnumValue = anInteger(-(2 ** 31), 2 ** 31 - 1);

/** By hand, as the descriptor of the message would bring all messages into a bundle. */
const anEventType: ValueCheck<NonNullable<FlowOptions["eventType"]>> = (value, path, report) => {
  const { $typeName: _, $unknown: __, ...fields } = Object(value) as CiliumEventType;
  checkEventType(isObject(value) ? fields : value, path, report);
};

const checkEventType = optionsOf<{ readonly type?: number; readonly subType?: number }>("eventType", {
  type: anEnumValue,
  subType: anEnumValue,
});

/** What the options must be. */
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
