import { DESTINATION_PORT, UDP_HEADER_LENGTH, UDP_LENGTH } from "../../headers/transport.js";
import { link, walkEtherType } from "../../walk/encapsulations.js";
import { walkEthernet } from "../../walk/walk-link.js";
import { readUint16, readWord } from "../../word.js";
import { ABSENT, type FlowLayers, forgetLayers, type LocateFlowLayers } from "./flow-layers.js";
import { locateLenient, recordNetwork } from "./locate-lenient.js";

/** UDP destination ports that identify tunnels. */
export interface TunnelPorts {
  readonly vxlan: readonly number[];
  readonly geneve: readonly number[];
}

/** VXLAN: the port of Linux and Cilium, and the port registered with IANA. Geneve: the registered port. */
export const DEFAULT_TUNNEL_PORTS: TunnelPorts = { vxlan: [8472, 4789], geneve: [6081] };

// https://www.rfc-editor.org/rfc/rfc7348#section-5: the flag that marks the network identifier as valid
const VXLAN_FLAG_VNI = 0x08;
// https://www.rfc-editor.org/rfc/rfc8926#section-3.4: version and length of the options, flags, EtherType
const GENEVE_PROTOCOL = 2;
const GENEVE_OPTION_WORDS = 0x3f;
/** In both headers: offset of the 32-bit word whose upper 24 bits are the network identifier. */
const VNI = 4;
const TUNNEL_HEADER_LENGTH = 8;

/**
 * Extends {@link locateLenient} to the packet inside a VXLAN or Geneve tunnel, as in Cilium 1.18 and later: the layers
 * are those of the inner packet, and the outer IP and UDP headers are recorded separately. Only the outermost tunnel is
 * decoded. A packet on a tunnel port without a valid tunnel header remains UDP.
 */
export function locateThroughTunnels({ vxlan, geneve }: TunnelPorts): LocateFlowLayers {
  const vxlanPorts = new Set(vxlan);
  const genevePorts = new Set(geneve);
  return (bytes, start, end, linkType, layers) => {
    locateLenient(bytes, start, end, linkType, layers);
    if (layers.transport === "UDP") {
      const port = readUint16(bytes, layers.transportAt + DESTINATION_PORT);
      if (vxlanPorts.has(port)) enterVxlan(bytes, layers);
      else if (genevePorts.has(port)) enterGeneve(bytes, layers);
    }
    return true;
  };
}

function enterVxlan(bytes: Uint8Array, layers: FlowLayers): void {
  const at = layers.transportAt + UDP_HEADER_LENGTH;
  const end = endOfUdp(bytes, layers);
  if (at + TUNNEL_HEADER_LENGTH > end || (bytes[at]! & VXLAN_FLAG_VNI) === 0) return;
  wrap(bytes, layers, "VXLAN", at);
  link.ethernet = ABSENT;
  const version = walkEthernet(bytes, at + TUNNEL_HEADER_LENGTH, end, "flows");
  recordNetwork(bytes, version, end, layers);
}

function enterGeneve(bytes: Uint8Array, layers: FlowLayers): void {
  const at = layers.transportAt + UDP_HEADER_LENGTH;
  const end = endOfUdp(bytes, layers);
  // Version 0 is the only one.
  if (at + TUNNEL_HEADER_LENGTH > end || bytes[at]! >> 6 !== 0) return;
  const payload = at + TUNNEL_HEADER_LENGTH + ((bytes[at]! & GENEVE_OPTION_WORDS) << 2);
  if (payload > end) return;
  const protocol = readUint16(bytes, at + GENEVE_PROTOCOL);
  wrap(bytes, layers, "GENEVE", at);
  link.ethernet = ABSENT;
  const version = walkEtherType(bytes, protocol, payload, end, "flows");
  recordNetwork(bytes, version, end, layers);
}

/**
 * End offset of the UDP payload according to its header, or of the captured bytes if the header has no valid length.
 */
function endOfUdp(bytes: Uint8Array, { transportAt, end }: FlowLayers): number {
  if (transportAt + UDP_HEADER_LENGTH > end) return end;
  const length = readUint16(bytes, transportAt + UDP_LENGTH);
  return length < UDP_HEADER_LENGTH ? end : Math.min(end, transportAt + length);
}

/** Records the layers found so far as the outer layers of the tunnel with its header at `at`. */
function wrap(bytes: Uint8Array, layers: FlowLayers, tunnel: "VXLAN" | "GENEVE", at: number): void {
  const { version, network, transportAt, interfaceIndex } = layers;
  forgetLayers(layers);
  layers.tunnel = tunnel;
  layers.vni = readWord(bytes, at + VNI) >>> 8;
  layers.outerVersion = version;
  layers.outerNetwork = network;
  layers.outerUdp = transportAt;
  layers.interfaceIndex = interfaceIndex;
}
