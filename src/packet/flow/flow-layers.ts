import type { Layer4 } from "../../gen/flow/flow_pb.js";

/** The transport protocols that a flow has a message for. */
export type Transport = Exclude<Layer4["protocol"]["case"], undefined>;

/** A layer that is decoded: its name is what gopacket calls it. */
export type LayerName = "Ethernet" | "IPv4" | "IPv6" | Transport;

/** Value of an offset when there is no such layer. */
export const ABSENT = -1;

/**
 * Where the layers of one packet are that a flow is made of. Made once and filled for packet after packet, so that
 * finding them allocates nothing. Of a layer that occurs more than once (IP in IP) the innermost counts, as in Hubble.
 */
export interface FlowLayers {
  /** Offset of the Ethernet header, or {@link ABSENT}. */
  ethernet: number;
  /** IP version; 0 when there is no IP header. */
  version: 0 | 4 | 6;
  /** Offset of the IP header; meaningful when there is one. */
  network: number;
  /** What stands at {@link transportAt}. */
  transport: Transport | undefined;
  transportAt: number;
  /** Where the bytes end that belong to the transport layer: padding is cut off. */
  end: number;
  /** The tunnel that carried the layers above, when the walk went into one. */
  tunnel: "VXLAN" | "GENEVE" | undefined;
  /** The network identifier of the tunnel. */
  vni: number;
  /** IP version and header offset of the packet around the tunnel; meaningful when there is one. */
  outerVersion: 0 | 4 | 6;
  outerNetwork: number;
  /** Offset of its UDP header. */
  outerUdp: number;
  /** The kernel's index of the interface; 0 when the packet does not tell (only Linux cooked v2 does). */
  interfaceIndex: number;
  /** Why the packet is refused; written in strict mode only. */
  fault: string;
  faultLayer: LayerName;
  /** Offset of the layer at fault. */
  faultAt: number;
}

export function createFlowLayers(): FlowLayers {
  return {
    ethernet: ABSENT,
    version: 0,
    network: 0,
    transport: undefined,
    transportAt: 0,
    end: 0,
    tunnel: undefined,
    vni: 0,
    outerVersion: 0,
    outerNetwork: 0,
    outerUdp: 0,
    interfaceIndex: 0,
    fault: "",
    faultLayer: "Ethernet",
    faultAt: 0,
  };
}

/** Finds the layers of the packet between `start` and `end`; false when it is to be refused, and `fault` says why. */
export type LocateFlowLayers = (
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  layers: FlowLayers,
) => boolean;

export function forgetLayers(layers: FlowLayers): void {
  layers.ethernet = ABSENT;
  layers.version = 0;
  layers.transport = undefined;
  layers.tunnel = undefined;
  layers.interfaceIndex = 0;
}

/** The IP version of a packet inside an IP packet, by the protocol number; 0 when the protocol is something else. */
export function encapsulatedVersion(protocol: number): 0 | 4 | 6 {
  switch (protocol) {
    case IPPROTO_IPV4:
    case IPPROTO_IPIP:
      return 4;
    case IPPROTO_IPV6:
      return 6;
    default:
      return 0;
  }
}

// https://www.iana.org/assignments/protocol-numbers
const IPPROTO_IPV4 = 4;
const IPPROTO_IPV6 = 41;
const IPPROTO_IPIP = 94;

/** Value of a protocol number when nothing follows that could be decoded. */
export const NOTHING = -1;

/** A whole Ethernet frame behind another's header: gopacket decodes the inner one. */
export const ETHERTYPE_BRIDGED = 0x6558;
