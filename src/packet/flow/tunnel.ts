import { readUint16, readWord } from "../word.js";
import { type FlowLayers, forgetLayers, type LocateFlowLayers } from "./flow-layers.js";
import { locateLenient, walkEthernet, walkEtherType } from "./locate-lenient.js";

/** UDP destination ports by which tunnels are known. */
export interface TunnelPorts {
  readonly vxlan: readonly number[];
  readonly geneve: readonly number[];
}

/** VXLAN as Linux, and so Cilium, has it, and as the IANA has it; Geneve. */
export const DEFAULT_TUNNEL_PORTS: TunnelPorts = { vxlan: [8472, 4789], geneve: [6081] };

const UDP_LENGTH = 4;
const UDP_HEADER_LENGTH = 8;

// https://www.rfc-editor.org/rfc/rfc7348#section-5: flags, of which one says that the identifier is valid
const VXLAN_FLAG_VNI = 0x08;
// https://www.rfc-editor.org/rfc/rfc8926#section-3.4: version and length of the options, flags, EtherType
const GENEVE_PROTOCOL = 2;
const GENEVE_OPTION_WORDS = 0x3f;
const ETHERTYPE_ETHERNET = 0x6558;
/** Of both: the identifier in the upper 24 bits of a word. */
const VNI = 4;
const TUNNEL_HEADER_LENGTH = 8;

/**
 * {@link locateLenient}, and on into the packet that a VXLAN or Geneve tunnel carries, as Cilium 1.18 and later: the layers are
 * then the inner packet's, and the outer IP and UDP headers those of the tunnel. One tunnel is gone into, not a second one in
 * it. What is on such a port but has no such header stays UDP.
 */
export function locateThroughTunnels({ vxlan, geneve }: TunnelPorts): LocateFlowLayers {
  const vxlanPorts = new Set(vxlan);
  const genevePorts = new Set(geneve);
  return (bytes, start, end, linkType, layers) => {
    locateLenient(bytes, start, end, linkType, layers);
    if (layers.transport === "UDP") {
      const port = readUint16(bytes, layers.transportAt + 2);
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
  walkEthernet(bytes, at + TUNNEL_HEADER_LENGTH, end, layers);
}

function enterGeneve(bytes: Uint8Array, layers: FlowLayers): void {
  const at = layers.transportAt + UDP_HEADER_LENGTH;
  const end = endOfUdp(bytes, layers);
  // There is no version but 0.
  if (at + TUNNEL_HEADER_LENGTH > end || bytes[at]! >> 6 !== 0) return;
  const payload = at + TUNNEL_HEADER_LENGTH + ((bytes[at]! & GENEVE_OPTION_WORDS) << 2);
  if (payload > end) return;
  const protocol = readUint16(bytes, at + GENEVE_PROTOCOL);
  wrap(bytes, layers, "GENEVE", at);
  if (protocol === ETHERTYPE_ETHERNET) walkEthernet(bytes, payload, end, layers);
  else walkEtherType(bytes, protocol, payload, end, layers);
}

/** Where the payload of the UDP header ends, when that tells it. */
function endOfUdp(bytes: Uint8Array, { transportAt, end }: FlowLayers): number {
  if (transportAt + UDP_HEADER_LENGTH > end) return end;
  const length = readUint16(bytes, transportAt + UDP_LENGTH);
  return length < UDP_HEADER_LENGTH ? end : Math.min(end, transportAt + length);
}

/** Makes the layers found so far those around the tunnel whose header stands at `at`. */
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
