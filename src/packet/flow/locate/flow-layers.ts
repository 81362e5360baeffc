import type { Layer4 } from "../../../gen/flow/flow_pb.js";
import { IPPROTO_IPIP, IPPROTO_IPV4, IPPROTO_IPV6 } from "../../headers/transport.js";

/** The transport protocols that a flow has a message for. */
export type Transport = Exclude<Layer4["protocol"]["case"], undefined>;

/** A decoded layer, by its name in gopacket. */
export type LayerName = "Ethernet" | "IPv4" | "IPv6" | Transport;

/** Offset of a layer that the packet does not have. */
export const ABSENT = -1;

/**
 * Offsets of the layers of one packet that a flow describes. Create it once and reuse it for every packet, so that
 * locating layers allocates nothing. If a layer occurs more than once (IP in IP), the innermost counts, as in Hubble.
 */
export interface FlowLayers {
  /** Offset of the Ethernet header, or {@link ABSENT}. */
  ethernet: number;
  /** IP version; 0 if there is no IP header. */
  version: 0 | 4 | 6;
  /** Offset of the IP header; only valid if there is one. */
  network: number;
  /** Protocol of the header at {@link transportAt}. */
  transport: Transport | undefined;
  transportAt: number;
  /** End offset of the transport layer, without padding. */
  end: number;
  /** The tunnel that carries the layers above, if one was decoded. */
  tunnel: "VXLAN" | "GENEVE" | undefined;
  /** The network identifier of the tunnel. */
  vni: number;
  /** IP version and header offset of the outer packet; only valid if there is a tunnel. */
  outerVersion: 0 | 4 | 6;
  outerNetwork: number;
  /** Offset of the outer UDP header. */
  outerUdp: number;
  /** The kernel's interface index; 0 if the packet does not contain it (only Linux cooked v2 does). */
  interfaceIndex: number;
  /** Why the packet is rejected; only set in strict mode. */
  fault: string;
  faultLayer: LayerName;
  /** Offset of the invalid layer. */
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

/** Locates the layers of the packet from `start` to `end`; returns false and sets `fault` if the packet is rejected. */
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

/** The protocols for which {@link encapsulatedVersion} is not 0. */
export const ENCAPSULATED_PROTOCOLS: readonly number[] = [IPPROTO_IPV4, IPPROTO_IPIP, IPPROTO_IPV6];

/** The IP version of a packet encapsulated in IP, from the protocol number; 0 for other protocols. */
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

/** Protocol number if no decodable header follows. */
export const NOTHING = -1;
