import {
  createBatch,
  LINKTYPE_ETHERNET,
  type PacketBatch,
  type PacketFormat,
  packetsOf,
} from "../../src/packet/index.js";
import type { StartRecordingInit } from "../../src/recorder/index.js";

export const ETHERNET: PacketFormat = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: 262_144,
  interfaceId: 0,
};

/** A packet that tests tell from all others by its number. */
export interface PacketSpec {
  readonly id: number;
  /** Captured bytes. */
  readonly length?: number;
  /** Whether {@link WANTED} selects it. */
  readonly matches?: boolean;
  /** By default a little more than a second after the packet with the number before. */
  readonly timeMs?: number;
}

/** Ethernet, IPv4, UDP, and four bytes for the number. */
export const MIN_PACKET_LENGTH = 14 + 20 + 8 + 4;
const ID_OFFSET = 14 + 20 + 8;
const WANTED_PORT = 53;

/** Selects the packets that match. */
export const WANTED: StartRecordingInit = {
  include: [{ sourceCidr: "10.0.0.0/8", destinationCidr: "0.0.0.0/0", destinationPort: WANTED_PORT }],
};

export function packetBytes({ id, length = MIN_PACKET_LENGTH, matches = true }: PacketSpec): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, MIN_PACKET_LENGTH)).fill(id & 0xff);
  bytes.set([0x08, 0x00], 12);
  bytes.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 14);
  bytes.set([0x30, 0x39, 0, matches ? WANTED_PORT : WANTED_PORT + 1, 0, 0, 0, 0], 34);
  new DataView(bytes.buffer).setUint32(ID_OFFSET, id);
  return bytes;
}

export function batchOf(specs: readonly PacketSpec[], format: PacketFormat = ETHERNET): PacketBatch {
  return createBatch(
    format,
    specs.map((spec) => ({ bytes: packetBytes(spec), ...timeOf(spec) })),
  );
}

function timeOf({ id, timeMs }: PacketSpec): { seconds: number; nanoseconds: number } {
  if (timeMs === undefined) return { seconds: 1_700_000_000 + id, nanoseconds: 1000 * id };
  return { seconds: Math.floor(timeMs / 1000), nanoseconds: (timeMs % 1000) * 1_000_000 };
}

/** Packets with the numbers from `first` on, of the least length. */
export function numbered(count: number, first = 0): PacketBatch {
  return batchOf(Array.from({ length: count }, (_, index) => ({ id: first + index })));
}

/** The numbers of the packets of a batch. */
export function idsOf(batch: PacketBatch): number[] {
  return [...packetsOf(batch)].map(({ bytes }) =>
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(ID_OFFSET),
  );
}

export function range(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
