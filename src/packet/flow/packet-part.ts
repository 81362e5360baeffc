import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import type { Flow, IP, IPVersion, Layer4, TCPFlags } from "../../gen/flow/flow_pb.js";
import type { PacketPredicate } from "../filter/filter.js";
import { IPV4_DESTINATION, IPV4_SOURCE } from "../headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_SOURCE } from "../headers/ipv6.js";
import { readUint16 } from "../word.js";
import { addressText } from "./address-text.js";
import { FLOW_OPTIONS } from "./flow-options.js";
import { createFlowLayers, type FlowLayers } from "./locate/flow-layers.js";
import { type LocateOptions, locatorOf } from "./locate/locator.js";
import { createFlags, createFlow, setTransport, tcpFlagsAt } from "./message.js";

// Numbers, because importing the generated enum would bundle all generated code with every packet decoder.
const IPV4 = 1 satisfies IPVersion.IPv4;
const IPV6 = 2 satisfies IPVersion.IPv6;

/** The fields that a packet part reads; reading fewer is faster. */
export interface PacketReads {
  readonly addresses: boolean;
  readonly layer4: boolean;
}

/**
 * The part of FlowFilters that packets alone answer, tested before a flow is created: on a flow that is reused from
 * packet to packet and has only the fields `IP` and `l4`. `packetPart` of `flowscribe/filter` creates it.
 */
export class PacketPart {
  /**
   * Whether it matches exactly the packets whose flows pass the filters. If not, it also matches others, because the
   * filters have further conditions.
   */
  readonly exact: boolean;
  readonly #test: (flow: Flow) => boolean;
  readonly #reads: PacketReads;
  readonly #text = addressText();
  readonly #flow: Flow;
  readonly #ip: IP = {
    $typeName: "flow.IP",
    source: "",
    sourceXlated: "",
    destination: "",
    ipVersion: 0,
    encrypted: false,
  };
  readonly #tcp = {
    $typeName: "flow.TCP" as const,
    sourcePort: 0,
    destinationPort: 0,
    flags: undefined as TCPFlags | undefined,
  };
  readonly #udp = { $typeName: "flow.UDP" as const, sourcePort: 0, destinationPort: 0 };
  readonly #sctp = { $typeName: "flow.SCTP" as const, sourcePort: 0, destinationPort: 0 };
  readonly #layer4 = {
    tcp: layer4({ case: "TCP", value: this.#tcp }),
    udp: layer4({ case: "UDP", value: this.#udp }),
    sctp: layer4({ case: "SCTP", value: this.#sctp }),
  };

  /**
   * @param test Must not keep the flow, and read only what `reads` states, the IP version, and `l7`, which no packet has.
   */
  constructor(test: (flow: Flow) => boolean, reads: PacketReads, exact: boolean) {
    this.exact = exact;
    this.#test = test;
    this.#reads = reads;
    this.#flow = createFlow(new Uint8Array(0), createFlowLayers(), undefined, this.#text, {
      nodeName: "",
      nodeLabels: [],
      verdict: 0,
      trafficDirection: 0,
      isReply: undefined,
      eventType: undefined,
    });
  }

  /**
   * A packet predicate for flows that are decoded with these options. With `strict` it does not match packets that are
   * rejected.
   *
   * @throws OptionsError
   */
  predicate(options: LocateOptions = {}): PacketPredicate {
    checkOptions("predicate", options, LOCATE_OPTIONS);
    const locate = locatorOf(options);
    const layers = createFlowLayers();
    return (bytes, start, end, linkType) =>
      locate(bytes, start, end, linkType, layers) && this.matchesLayers(bytes, layers);
  }

  /**
   * Tests the packet with these layers. Allocates nothing if it is TCP, UDP or SCTP.
   *
   * @internal
   */
  matchesLayers(bytes: Uint8Array, layers: FlowLayers): boolean {
    const flow = this.#flow;
    flow.IP = layers.version === 0 ? undefined : this.#readIp(bytes, layers.version, layers.network);
    if (this.#reads.layer4) this.#readLayer4(flow, bytes, layers);
    return this.#test(flow);
  }

  #readIp(bytes: Uint8Array, version: 4 | 6, at: number): IP {
    const ip = this.#ip;
    ip.ipVersion = version === 4 ? IPV4 : IPV6;
    if (!this.#reads.addresses) return ip;
    if (version === 4) {
      ip.source = this.#text.ipv4(bytes, at + IPV4_SOURCE);
      ip.destination = this.#text.ipv4(bytes, at + IPV4_DESTINATION);
    } else {
      ip.source = this.#text.ipv6(bytes, at + IPV6_SOURCE);
      ip.destination = this.#text.ipv6(bytes, at + IPV6_DESTINATION);
    }
    return ip;
  }

  #readLayer4(flow: Flow, bytes: Uint8Array, layers: FlowLayers): void {
    const { transport, transportAt: at, end } = layers;
    switch (transport) {
      case "TCP":
        readPorts(this.#tcp, bytes, at);
        this.#tcp.flags = flagsOf(tcpFlagsAt(bytes, at, end));
        flow.l4 = this.#layer4.tcp;
        return;
      case "UDP":
        readPorts(this.#udp, bytes, at);
        flow.l4 = this.#layer4.udp;
        return;
      case "SCTP":
        readPorts(this.#sctp, bytes, at);
        flow.l4 = this.#layer4.sctp;
        return;
      default:
        flow.l4 = undefined;
        setTransport(flow, bytes, layers, this.#text);
    }
  }
}

const LOCATE_OPTIONS: OptionTable<LocateOptions> = {
  strict: FLOW_OPTIONS.strict,
  tunnels: FLOW_OPTIONS.tunnels,
};

function layer4(protocol: Layer4["protocol"]): Layer4 {
  return { $typeName: "flow.Layer4", protocol };
}

function readPorts(
  message: { sourcePort: number; destinationPort: number },
  bytes: Uint8Array,
  at: number,
): void {
  message.sourcePort = readUint16(bytes, at);
  message.destinationPort = readUint16(bytes, at + 2);
}

/** The messages of all combinations of nine flags, created on first use. */
const flagMessages: (TCPFlags | undefined)[] = new Array(512).fill(undefined);

/** The flags as a message; undefined for -1. */
function flagsOf(bits: number): TCPFlags | undefined {
  if (bits < 0) return undefined;
  flagMessages[bits] ??= createFlags(bits);
  return flagMessages[bits];
}
