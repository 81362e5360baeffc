// What the tests of flows build and read: see ../build.ts for the layers below.
import { toJson } from "@bufbuild/protobuf";
import { createFlowLayers, type FlowLayers } from "../../../src/packet/flow/locate/flow-layers.js";
import { createBatch, decodeFlows, type FlowOptions, type PacketBatch } from "../../../src/packet/index.js";
import { type Flow, type FlowJson, FlowSchema } from "../../../src/proto.js";
import { bytes, uint16 } from "../build.js";

export const ETHERNET = 1;

/** What {@link layersOf} reads from the default headers of ../build.ts, and from {@link tcp} and {@link udp}. */
export const ETHERNET_JSON = { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" };
export const IPV4_JSON = { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: "IPv4" };
export const IPV6_JSON = { source: "2001:db8::1", destination: "2001:db8::2", ipVersion: "IPv6" };
export const TCP_JSON = { TCP: { sourcePort: 1000, destinationPort: 80, flags: { SYN: true } } };
export const UDP_JSON = { UDP: { sourcePort: 1000, destinationPort: 53 } };

export function batchOf(linkType: number, ...packets: readonly Uint8Array[]): PacketBatch {
  return createBatch(
    { linkType, resolution: "ns", snapLength: 0, interfaceId: 0 },
    packets.map((packet) => ({ bytes: packet, seconds: 1_700_000_000, nanoseconds: 123_456_789 })),
  );
}

export function flowOf(linkType: number, packet: Uint8Array, options: FlowOptions = {}): Flow {
  const [flow] = decodeFlows(batchOf(linkType, packet), options);
  if (flow === undefined) throw new Error("no flow");
  return flow;
}

/** The fields that come from the bytes, as JSON without the zero values. */
export function layersOf(flow: Flow): Pick<FlowJson, "ethernet" | "IP" | "l4" | "Summary"> {
  const { ethernet, IP, l4, Summary } = toJson(FlowSchema, flow);
  return {
    ...(ethernet && { ethernet }),
    ...(IP && { IP }),
    ...(l4 && { l4 }),
    ...(Summary !== undefined && { Summary }),
  };
}

export interface TcpFields {
  readonly source?: number;
  readonly destination?: number;
  /** In 32-bit words; 5 and the options' if absent. */
  readonly dataOffset?: number;
  readonly flags?: number;
  readonly options?: string;
}

export function tcp({
  source = 1000,
  destination = 80,
  options = "",
  dataOffset = 5 + options.replaceAll(" ", "").length / 8,
  flags = 0x02,
}: TcpFields = {}): Uint8Array {
  return bytes(
    uint16(source),
    uint16(destination),
    "00000000 00000000",
    uint16((dataOffset << 12) | flags),
    "ffff 0000 0000",
    options,
  );
}

export function udp(source = 1000, destination = 53, payload = "", length?: number): Uint8Array {
  const data = bytes(payload);
  return bytes(uint16(source), uint16(destination), uint16(length ?? 8 + data.length), "0000", data);
}

/** Layers with something else in every field, so that what is not written shows. */
export function dirtyLayers(): FlowLayers {
  return {
    ...createFlowLayers(),
    ethernet: 7,
    version: 6,
    network: 9,
    transport: "SCTP",
    transportAt: 11,
    end: 12,
    interfaceIndex: 13,
  };
}
