/** Writes pcap files by hand, in either byte order and with whatever faults a test wants. */

import { join } from "./blocks.js";

export interface HeaderFields {
  readonly littleEndian?: boolean;
  readonly magic?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly thisZone?: number;
  readonly sigFigs?: number;
  readonly snapLength?: number;
  /** All 32 bits. */
  readonly linkType?: number;
}

export interface RecordFields {
  readonly seconds?: number;
  readonly fraction?: number;
  readonly data?: Uint8Array;
  /** The two lengths in the order in which they stand in the file. */
  readonly lengths?: readonly [number, number];
}

export const MICROSECONDS = 0xa1b2c3d4;
export const NANOSECONDS = 0xa1b23c4d;
export const HEADER_LENGTH = 24;
export const RECORD_HEADER_LENGTH = 16;

export function pcapHeader({
  littleEndian = true,
  magic = MICROSECONDS,
  major = 2,
  minor = 4,
  thisZone = 0,
  sigFigs = 0,
  snapLength = 262_144,
  linkType = 1,
}: HeaderFields = {}): Uint8Array {
  const header = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(header.buffer);
  view.setUint32(0, magic, littleEndian);
  view.setUint16(4, major, littleEndian);
  view.setUint16(6, minor, littleEndian);
  view.setInt32(8, thisZone, littleEndian);
  view.setUint32(12, sigFigs, littleEndian);
  view.setUint32(16, snapLength, littleEndian);
  view.setUint32(20, linkType, littleEndian);
  return header;
}

export function pcapRecord(
  {
    seconds = 0,
    fraction = 0,
    data = new Uint8Array(0),
    lengths = [data.length, data.length],
  }: RecordFields = {},
  littleEndian = true,
): Uint8Array {
  const header = new Uint8Array(RECORD_HEADER_LENGTH);
  const view = new DataView(header.buffer);
  view.setUint32(0, seconds, littleEndian);
  view.setUint32(4, fraction, littleEndian);
  view.setUint32(8, lengths[0], littleEndian);
  view.setUint32(12, lengths[1], littleEndian);
  return join(header, data);
}

export function pcapFile(header: HeaderFields, records: readonly RecordFields[]): Uint8Array {
  const { littleEndian = true } = header;
  return join(pcapHeader(header), ...records.map((record) => pcapRecord(record, littleEndian)));
}
