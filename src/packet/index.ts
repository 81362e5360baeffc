export {
  capturedBytes,
  copyBatch,
  createBatch,
  type Packet,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
  packetsOf,
  RECORD_CAPTURED_LENGTH,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_ORIGINAL_LENGTH,
  RECORD_SECONDS,
  type Resolution,
  recordEnd,
  truncateBatch,
} from "./batch.js";
export { type AddressSet, createAddressSet } from "./filter/address-set.js";
export { checkPacketFilter, type PacketFilterInit, type PacketFilterInput } from "./filter/check.js";
export { compilePacketFilter, type PacketPredicate } from "./filter/filter.js";
export { formatPacketFilter } from "./filter/pcap-text.js";
export { cutRecords, filterPackets, selectRecords } from "./filter/select.js";
export {
  DEFAULT_LOOKUP_ENTRIES,
  DEFAULT_MAX_CONVERSATIONS,
  type EndpointInit,
  type FlowLookups,
  type FlowOptions,
  type NetworkInterfaceInit,
  type ServiceInit,
} from "./flow/flow-options.js";
export type { LayerName } from "./flow/locate/flow-layers.js";
export type { LocateOptions } from "./flow/locate/locator.js";
export { PacketError } from "./flow/locate/packet-error.js";
export { DEFAULT_TUNNEL_PORTS, type TunnelPorts } from "./flow/locate/tunnel.js";
export type { PacketPart } from "./flow/packet-part.js";
export { createFlowDecoder, decodeFlows, type FlowDecoder, type FlowDecoderStats } from "./flow.js";
export { formatPacket } from "./format.js";
export type { FramedPackets, KeptPackets, PacketBlock } from "./kept-packets.js";
export { checkedLocateLayers as locateLayers, createLayers, type PacketLayers, UNKNOWN } from "./layers.js";
export * from "./link-type.js";
export type { PcapngParts, SideBlock } from "./side-blocks.js";
export { fromBatches, type LiveOptions } from "./source/from-batches.js";
export {
  type CaptureInterface,
  type InterfaceCounts,
  type PacketSource,
  type PcapHeader,
  type ReusedBatches,
  reusedBatchesOf,
  type SourceStats,
} from "./source.js";
