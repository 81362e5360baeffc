import { isUint8Array } from "../bytes/is-uint8-array.js";
import { checkArgument } from "../errors/check-argument.js";
import { fieldsOf, optionsOf } from "../errors/check-options.js";
import { describeValue } from "../errors/describe-value.js";
import {
  aListOf,
  aNumber,
  anInteger,
  aString,
  aUint8Array,
  checkedElsewhere,
  isObject,
  oneOf,
  required,
  type ValueCheck,
  valueCheck,
} from "../errors/value-checks.js";
import {
  nanosecondsPerUnit,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_SECONDS,
  type Resolution,
  readOriginalLength,
  writeRecordHeader,
} from "./record-header.js";
import { type PcapngParts, partsInRange } from "./side-blocks.js";

// The layout of a record is part of the format of a batch.
export {
  RECORD_CAPTURED_LENGTH,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_ORIGINAL_LENGTH,
  RECORD_SECONDS,
  type Resolution,
} from "./record-header.js";

/** Properties shared by all packets of a batch. */
export interface PacketFormat {
  /** Link type as numbered in capture files; see link-type.ts. */
  readonly linkType: number;
  readonly resolution: Resolution;
  /** Largest captured length the interface was opened with; 0 for no limit. */
  readonly snapLength: number;
  /** Index into {@link PacketSource.interfaces}. */
  readonly interfaceId: number;
}

/**
 * Packets framed as pcap records, back to back without gaps: `records` is exactly what a pcap file contains after its
 * header. The producer guarantees the framing; later stages do not check it again.
 */
export interface PacketBatch {
  readonly format: PacketFormat;
  /** Number of packets in the batch. */
  readonly length: number;
  /** The records; the last one ends at the end of the array. */
  readonly records: Uint8Array;
  /** `offsets[i]` is the start of record i in `records`; may be longer than `length`. */
  readonly offsets: Uint32Array;
  /** Packet comments, by index in the batch; packets without comments have no entry. */
  readonly comments?: ReadonlyMap<number, readonly string[]>;
  /** The packets have no timestamps (pcapng Simple Packet Blocks): ignore the time fields, which are 0. */
  readonly untimed?: boolean;
  /**
   * Seconds to add to the seconds of every record, for times outside 1970–2106, which do not fit 32 bits: a multiple
   * of 2³², possibly negative. Absent means 0.
   */
  readonly eraSeconds?: number;
  /** The options of packets and the blocks between them that only pcapng has. A batch without packets may have blocks. */
  readonly pcapng?: PcapngParts;
}

/** One packet as an object, for display and tests; hot paths index the batch instead. */
export interface Packet {
  /** Seconds since 1970, including `eraSeconds`; undefined when the packet has no timestamp. */
  readonly seconds: number | undefined;
  /** Fraction of the second; exceeds 999,999,999 if the file contains such a value. */
  readonly nanoseconds: number;
  /** The captured bytes: a view into the batch, valid as long as the batch is. */
  readonly bytes: Uint8Array;
  /** Length on the wire in bytes; less than `bytes.length` only in malformed files. */
  readonly originalLength: number;
  readonly comments: readonly string[];
}

/** A packet for {@link createBatch}. */
export interface PacketInit {
  readonly bytes: Uint8Array;
  /** Seconds since 1970, 0 to 2³²−1; default 0. */
  readonly seconds?: number;
  /** Default 0. Truncated to the resolution of the format. */
  readonly nanoseconds?: number;
  /** Default: the number of bytes. */
  readonly originalLength?: number;
  readonly comments?: readonly string[];
}

/** Checks a packet format; additional fields are allowed, such as those of a capture interface. */
export const aFormat: ValueCheck<PacketFormat> = fieldsOf<PacketFormat>({
  linkType: required(aNumber),
  resolution: required(oneOf("us", "ns")),
  snapLength: required(anInteger(0)),
  interfaceId: required(anInteger(0)),
});

const aPacketInit: ValueCheck<PacketInit> = optionsOf<PacketInit>("a packet", {
  bytes: required(aUint8Array),
  // createBatch checks the numbers when it writes them.
  seconds: checkedElsewhere,
  nanoseconds: checkedElsewhere,
  originalLength: checkedElsewhere,
  comments: aListOf(aString),
});

const aBatch: ValueCheck<PacketBatch> = valueCheck(
  "a packet batch",
  (value) =>
    isObject(value) &&
    "records" in value &&
    isUint8Array(value.records) &&
    "offsets" in value &&
    value.offsets instanceof Uint32Array &&
    "format" in value &&
    isObject(value.format),
);

/**
 * Checks a batch for callers without types. One comparison only: it runs for every batch, sometimes for every packet.
 *
 * @param index The index of the batch in the argument `batches`; absent for the argument `batch`.
 */
export function checkBatch(name: string, batch: PacketBatch, index?: number): void {
  if (batch?.records === undefined)
    checkArgument(name, index === undefined ? "batch" : `batches[${index}]`, batch, aBatch);
}

/**
 * Frames packets as one batch. The bytes are copied.
 *
 * @throws RangeError if a number does not fit 32 bits; TypeError if the format or a packet is invalid.
 */
export function createBatch(format: PacketFormat, packets: readonly PacketInit[]): PacketBatch {
  checkArgument("createBatch", "format", format, aFormat);
  checkArgument("createBatch", "packets", packets, aListOf(aPacketInit));
  const size = packets.reduce((sum, { bytes }) => sum + RECORD_HEADER_LENGTH + bytes.length, 0);
  const records = new Uint8Array(size);
  const view = new DataView(records.buffer);
  const offsets = new Uint32Array(packets.length);
  const comments = new Map<number, readonly string[]>();
  const unit = nanosecondsPerUnit(format.resolution);
  let offset = 0;
  packets.forEach((packet, index) => {
    const { bytes, seconds = 0, nanoseconds = 0, originalLength = bytes.length } = packet;
    checkUint32("seconds", seconds);
    checkUint32("nanoseconds", nanoseconds);
    checkUint32("originalLength", originalLength);
    offsets[index] = offset;
    writeRecordHeader(view, offset, seconds, Math.floor(nanoseconds / unit), bytes.length, originalLength);
    records.set(bytes, offset + RECORD_HEADER_LENGTH);
    offset += RECORD_HEADER_LENGTH + bytes.length;
    if (packet.comments !== undefined && packet.comments.length > 0) comments.set(index, packet.comments);
  });
  return { format, length: packets.length, records, offsets, ...(comments.size > 0 && { comments }) };
}

function checkUint32(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`${name} must be an integer from 0 to 2³²−1, not ${describeValue(value)}`);
  }
}

/** Offset in `batch.records` at which record `index` ends (exclusive). */
export function recordEnd(batch: PacketBatch, index: number): number {
  checkBatch("recordEnd", batch);
  return index + 1 < batch.length ? (batch.offsets[index + 1] as number) : batch.records.length;
}

/** Captured bytes in the whole batch, without record headers. */
export function capturedBytes(batch: PacketBatch): number {
  checkBatch("capturedBytes", batch);
  return batch.records.length - batch.length * RECORD_HEADER_LENGTH;
}

/** Yields the packets of a batch as objects: convenient, but about a hundred times slower than indexing the batch. */
export function* packetsOf(batch: PacketBatch): Generator<Packet, void, undefined> {
  checkBatch("packetsOf", batch);
  const { records, offsets, format } = batch;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const unit = nanosecondsPerUnit(format.resolution);
  for (let index = 0; index < batch.length; index++) {
    const offset = offsets[index] as number;
    yield {
      seconds:
        batch.untimed === true
          ? undefined
          : view.getUint32(offset + RECORD_SECONDS, true) + (batch.eraSeconds ?? 0),
      nanoseconds: view.getUint32(offset + RECORD_FRACTION, true) * unit,
      bytes: records.subarray(offset + RECORD_HEADER_LENGTH, recordEnd(batch, index)),
      originalLength: readOriginalLength(records, offset),
      comments: batch.comments?.get(index) ?? [],
    };
  }
}

/** Copies a batch and its bytes, to keep a batch whose memory the source reuses (see {@link PacketSource.reusedBatches}). */
export function copyBatch(batch: PacketBatch): PacketBatch {
  checkBatch("copyBatch", batch);
  return {
    ...batch,
    records: batch.records.slice(),
    offsets: batch.offsets.slice(0, batch.length),
    ...(batch.comments !== undefined && { comments: new Map(batch.comments) }),
  };
}

/** Returns the first `length` packets of a batch, with their comments, options and the blocks before them; shares memory. */
export function truncateBatch(batch: PacketBatch, length: number): PacketBatch {
  checkBatch("truncateBatch", batch);
  if (length >= batch.length) return batch;
  return sliceBatch(batch, 0, length);
}

/** Like {@link truncateBatch}, the packets from `from` to `to` (exclusive). */
export function sliceBatch(batch: PacketBatch, from: number, to: number): PacketBatch {
  if (from === 0 && to === batch.length) return batch;
  const { comments, pcapng: _, ...rest } = batch;
  const start = from === to ? 0 : batch.offsets[from]!;
  const end = from === to ? 0 : recordEnd(batch, to - 1);
  return {
    ...rest,
    length: to - from,
    records: batch.records.subarray(start, end),
    offsets: offsetsFrom(batch, from, to, start),
    ...(comments !== undefined && { comments: commentsInRange(comments, from, to) }),
    ...partsInRange(batch, from, to),
  };
}

function offsetsFrom({ offsets: all }: PacketBatch, from: number, to: number, start: number): Uint32Array {
  if (start === 0) return all;
  const offsets = all.slice(from, to);
  for (let index = 0; index < offsets.length; index++) offsets[index]! -= start;
  return offsets;
}

function commentsInRange(
  comments: ReadonlyMap<number, readonly string[]>,
  from: number,
  to: number,
): ReadonlyMap<number, readonly string[]> {
  const own = new Map<number, readonly string[]>();
  for (const [index, texts] of comments) if (index >= from && index < to) own.set(index - from, texts);
  return own;
}
