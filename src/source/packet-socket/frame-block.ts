import type { PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import { nanosecondsPerUnit, RECORD_HEADER_LENGTH, writeRecordHeader } from "../../packet/record-header.js";
import { markReused } from "../native/reused-memory.js";
import {
  BLOCK_FIRST_PACKET,
  BLOCK_HEADER_LENGTH,
  BLOCK_PACKETS,
  PACKET_CAPTURED_LENGTH,
  PACKET_LINK_HEADER,
  PACKET_NANOSECONDS,
  PACKET_NEXT,
  PACKET_ORIGINAL_LENGTH,
  PACKET_SECONDS,
  PACKET_STATUS,
  PACKET_VLAN_TCI,
  PACKET_VLAN_TPID,
  VLAN_TPID_VALID,
  VLAN_VALID,
} from "./block-layout.js";

/** Bytes of an Ethernet header before a VLAN tag: both addresses. */
const VLAN_OFFSET = 12;
const VLAN_TAG_LENGTH = 4;
/** The EtherType of a tag whose own is unknown (802.1Q). */
const ETH_P_8021Q = 0x8100;

/** How the packets of a block become records. */
export interface Framing {
  readonly format: PacketFormat;
  /** The maximum captured length with a VLAN tag that is put back, in bytes. */
  readonly capturedLength: number;
  /** The packets to keep; undefined for all. */
  readonly wanted: PacketPredicate | undefined;
  /** The captured bytes to keep of a packet that is wanted. */
  readonly keptLength: number;
}

/** The records of a block, one after the other from {@link BLOCK_HEADER_LENGTH} on. */
export interface FramedBlock {
  /** The number of records. */
  packets: number;
  /** The offset in the block after the last record. */
  end: number;
  /** The offset of each record from the first one. May be longer than {@link packets}. */
  offsets: Uint32Array;
  /** The latest time of the packets, in microseconds since 1970; -Infinity without packets. */
  latestUs: number;
}

export function createFramedBlock(): FramedBlock {
  return { packets: 0, end: 0, offsets: markReused(new Uint32Array(4096)), latestUs: 0 };
}

/**
 * Turns the packets of a block into pcap records without gaps, in place: what the kernel writes in front of each packet
 * is longer than a record header, so each record moves towards the start of the block. The header of the block stays. VLAN tags
 * that the kernel has removed from Ethernet packets are put back, as libpcap does (pcap-linux.c, `handle_memory_mapped_v3`).
 *
 * A block can be framed only once: its packets are then records.
 *
 * @param memory The memory that contains the block.
 * @param start The offset of the block in `memory`.
 * @param framed Receives the result; its array grows if necessary.
 */
export function frameBlock(
  memory: Uint8Array,
  view: DataView,
  start: number,
  { format, capturedLength, wanted, keptLength }: Framing,
  framed: FramedBlock,
): void {
  const unit = nanosecondsPerUnit(format.resolution);
  const packets = view.getUint32(start + BLOCK_PACKETS, true);
  if (framed.offsets.length < packets) framed.offsets = markReused(new Uint32Array(2 * packets));
  const { offsets } = framed;
  const first = start + BLOCK_HEADER_LENGTH;
  let header = start + view.getUint32(start + BLOCK_FIRST_PACKET, true);
  let to = first;
  let count = 0;
  let latestUs = Number.NEGATIVE_INFINITY;
  for (let packet = 0; packet < packets; packet++) {
    // Read before the record is written, which may overwrite this header, but not the next one.
    const next = view.getUint32(header + PACKET_NEXT, true);
    const seconds = view.getUint32(header + PACKET_SECONDS, true);
    const nanoseconds = view.getUint32(header + PACKET_NANOSECONDS, true);
    let length = view.getUint32(header + PACKET_CAPTURED_LENGTH, true);
    let originalLength = view.getUint32(header + PACKET_ORIGINAL_LENGTH, true);
    const status = view.getUint32(header + PACKET_STATUS, true);
    const tag = view.getUint32(header + PACKET_VLAN_TCI, true);
    const from = header + view.getUint16(header + PACKET_LINK_HEADER, true);
    const bytes = to + RECORD_HEADER_LENGTH;
    if ((tag !== 0 || (status & VLAN_VALID) !== 0) && length >= VLAN_OFFSET) {
      const type = view.getUint16(header + PACKET_VLAN_TPID, true);
      const hasType = type !== 0 || (status & VLAN_TPID_VALID) !== 0;
      memory.copyWithin(bytes, from, from + VLAN_OFFSET);
      memory.copyWithin(bytes + VLAN_OFFSET + VLAN_TAG_LENGTH, from + VLAN_OFFSET, from + length);
      view.setUint16(bytes + VLAN_OFFSET, hasType ? type : ETH_P_8021Q);
      view.setUint16(bytes + VLAN_OFFSET + 2, tag);
      length += VLAN_TAG_LENGTH;
      originalLength += VLAN_TAG_LENGTH;
    } else memory.copyWithin(bytes, from, from + length);
    if (length > capturedLength) length = capturedLength;
    header += next;
    if (wanted?.(memory, bytes, bytes + length, format.linkType) === false) continue;
    if (length > keptLength) length = keptLength;
    writeRecordHeader(view, to, seconds, Math.floor(nanoseconds / unit), length, originalLength);
    const timeUs = seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
    if (timeUs > latestUs) latestUs = timeUs;
    offsets[count++] = to - first;
    to = bytes + length;
  }
  framed.packets = count;
  framed.end = to - start;
  framed.latestUs = latestUs;
}
