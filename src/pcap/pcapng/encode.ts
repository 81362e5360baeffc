import { CHUNK_BYTES } from "../../bytes/byte-input.js";
import { copyBytes } from "../../bytes/copy-bytes.js";
import { uint32At } from "../../bytes/little-endian.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { anInteger } from "../../errors/value-checks.js";
import { type PacketBatch, recordEnd } from "../../packet/batch.js";
import {
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_SECONDS,
  readOriginalLength,
} from "../../packet/record-header.js";
import { aSource, type CaptureInterface, type PacketSource, type SourceStats } from "../../packet/source.js";
import { encodeSource } from "../encode-source.js";
import type { CaptureEncoder } from "../encoder.js";
import { BlockWriter } from "./block-writer.js";
import {
  BLOCK_LENGTH,
  BLOCK_OVERHEAD,
  BLOCK_TRAILER,
  BLOCK_TYPE,
  BYTE_ORDER_MAGIC,
  ENHANCED_PACKET,
  EPB,
  FILTER_IS_TEXT,
  IDB,
  IF_DESCRIPTION,
  IF_FILTER,
  IF_HARDWARE,
  IF_NAME,
  IF_OPERATING_SYSTEM,
  IF_TIME_OFFSET,
  IF_TIME_RESOLUTION,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  ISB,
  ISB_INTERFACE_DROPPED,
  ISB_RECEIVED,
  OPT_COMMENT,
  OPTION_HEADER_LENGTH,
  padded,
  SECTION_HEADER,
  SHB,
  SHB_USER_APPLICATION,
  SIMPLE_PACKET,
  SPB,
} from "./format.js";
import { writeTime } from "./time.js";

const MAX_OPTION_BYTES = 0xffff;
const APPLICATION = "flowscribe";
const utf8 = new TextEncoder();

/** Length in bytes of an interface statistics block with two counts. */
const STATISTICS_BYTES = 52;
/** Initial capacity for pending descriptions: most are short, and few are pending. */
const DESCRIPTIONS_BYTES = 4096;

/** Overrides of fields in the interface descriptions. */
export interface PcapngOptions {
  /** Snap length of every interface in bytes; default: the interface's own. Packets are not truncated to it. */
  readonly snapLength?: number;
}

const PCAPNG_OPTIONS: OptionTable<PcapngOptions> = { snapLength: anInteger(0, 2 ** 32 - 1) };

/**
 * Encodes a source as a little-endian pcapng file with one section: an interface description for every interface of the
 * source, written when the source adds it; an enhanced packet block for every packet, with its comments; and at the end
 * a statistics block for every interface with packet counts. The counts of a single interface that has none are the
 * totals of the source, unless it comes from a pcap file.
 *
 * A packet without a time becomes a simple packet block if the format can express it: of the first interface, without
 * comments, and not truncated below its snap length. Otherwise it gets time 0, or the earliest time that its interface
 * can represent. Strings above 65,535 bytes of UTF-8 are truncated.
 *
 * @throws FlowscribeError `time_out_of_range` from the iteration for times that do not fit 64 bits (before the
 *   `timeOffsetSeconds` of their interface, default 1970; in nanoseconds more than 584 years after it), and any error
 *   of the source. OptionsError, or TypeError for an invalid source, from the call.
 */
export function encodePcapng(
  source: PacketSource,
  options: PcapngOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  checkArgument("encodePcapng", "source", source, aSource);
  checkOptions("encodePcapng", options, PCAPNG_OPTIONS);
  return encodeSource(source, createPcapngEncoder(source.interfaces, options));
}

/** @param interfaces The interfaces of the source; the list may grow while the source is read. */
export function createPcapngEncoder(
  interfaces: readonly CaptureInterface[],
  { snapLength }: PcapngOptions = {},
): CaptureEncoder {
  const writer = new BlockWriter(CHUNK_BYTES);
  const described: CaptureInterface[] = [];
  /** Descriptions not written to the file yet. */
  const descriptions = new BlockWriter(DESCRIPTIONS_BYTES);

  /** Describes the interfaces that the source has added since the last call. */
  function describeNew(): void {
    while (described.length < interfaces.length) describe(interfaces[described.length]!);
  }

  function describe(next: CaptureInterface): void {
    const own = snapLength === undefined ? next : { ...next, snapLength };
    described.push(own);
    writeInterface(descriptions, own);
  }

  function writeDescriptions(): void {
    const pending = descriptions.written();
    // Reserve before accessing `writer.bytes`: reserving may replace it.
    const at = writer.reserve(pending.length);
    writer.bytes.set(pending, at);
    descriptions.clear();
  }

  /** Describes interfaces up to `interfaceId`; uses `fallback` for those that the source does not list. */
  function describeUpTo(interfaceId: number, fallback: CaptureInterface): void {
    describeNew();
    while (described.length <= interfaceId) describe(fallback);
  }

  return {
    begin: (first) => {
      writer.clear();
      writeSection(writer);
      describeUpTo(0, first);
      writeDescriptions();
      return writer.written();
    },
    encode: (batch) => {
      writer.clear();
      describeUpTo(batch.format.interfaceId, batch.format);
      writeDescriptions();
      const { timeOffsetSeconds: offsetSeconds = 0 } = described[batch.format.interfaceId]!;
      for (let index = 0; index < batch.length; index++) {
        if (batch.untimed === true && isSimple(batch, index, described)) writeSimple(writer, batch, index);
        else writeEnhanced(writer, batch, index, offsetSeconds);
      }
      return writer.written();
    },
    end: (stats) => {
      writer.clear();
      describeNew();
      writeDescriptions();
      const countsOfSource = knowsCounts(interfaces) ? stats : undefined;
      interfaces.forEach((own, interfaceId) => {
        const counts = own.counts ?? countsOfSource;
        if (counts !== undefined) writeStatistics(writer, interfaceId, counts);
      });
      return writer.written();
    },
    pendingBytes: () => {
      describeNew();
      return descriptions.length + STATISTICS_BYTES * described.length;
    },
    packetBytes: enhancedBytes,
    wholeRecords: (chunk, length) => {
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let end = 0;
      while (end + BLOCK_OVERHEAD <= length) {
        const next = end + view.getUint32(end + BLOCK_LENGTH, true);
        if (next > length) break;
        end = next;
      }
      return end;
    },
  };
}

/** Whether the totals of the source are those of its single interface. A pcap file has no counts. */
function knowsCounts(interfaces: readonly CaptureInterface[]): boolean {
  return interfaces.length <= 1 && interfaces[0]?.pcapHeader === undefined;
}

function writeSection(writer: BlockWriter): void {
  const at = openBlock(writer, SECTION_HEADER, SHB.options);
  const { view } = writer;
  view.setUint32(at + SHB.byteOrder, BYTE_ORDER_MAGIC, true);
  view.setUint16(at + SHB.major, 1, true);
  view.setUint16(at + SHB.minor, 0, true);
  // The section length is unknown in a stream.
  view.setBigInt64(at + SHB.sectionLength, -1n, true);
  writeText(writer, SHB_USER_APPLICATION, APPLICATION);
  endOptions(writer);
  closeBlock(writer, at);
}

function writeInterface(writer: BlockWriter, own: CaptureInterface): void {
  const at = openBlock(writer, INTERFACE_DESCRIPTION, IDB.options);
  writer.view.setUint32(at + IDB.linkType, own.linkType, true);
  writer.view.setUint32(at + IDB.snapLength, own.snapLength, true);
  for (const comment of own.comments ?? []) writeText(writer, OPT_COMMENT, comment);
  if (own.name !== undefined) writeText(writer, IF_NAME, own.name);
  if (own.description !== undefined) writeText(writer, IF_DESCRIPTION, own.description);
  if (own.filter !== undefined) writeText(writer, IF_FILTER, FILTER_IS_TEXT + own.filter);
  if (own.operatingSystem !== undefined) writeText(writer, IF_OPERATING_SYSTEM, own.operatingSystem);
  if (own.hardware !== undefined) writeText(writer, IF_HARDWARE, own.hardware);
  writeOption(writer, IF_TIME_RESOLUTION, Uint8Array.of(own.resolution === "us" ? 6 : 9));
  if (own.timeOffsetSeconds !== undefined && own.timeOffsetSeconds !== 0) {
    writeInt64(writer, IF_TIME_OFFSET, own.timeOffsetSeconds);
  }
  endOptions(writer);
  closeBlock(writer, at);
}

/** A simple packet block has neither interface nor captured length: both follow from the first interface. */
function isSimple(batch: PacketBatch, index: number, described: readonly CaptureInterface[]): boolean {
  if (batch.format.interfaceId !== 0 || batch.comments?.has(index) === true) return false;
  const captured = recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH;
  const original = readOriginalLength(batch.records, batch.offsets[index]!);
  const snapLength = described[0]?.snapLength ?? 0;
  return captured === (snapLength === 0 ? original : Math.min(original, snapLength));
}

function writeSimple(writer: BlockWriter, batch: PacketBatch, index: number): void {
  const at = openBlock(writer, SIMPLE_PACKET, SPB.data);
  writer.view.setUint32(at + SPB.original, readOriginalLength(batch.records, batch.offsets[index]!), true);
  writeData(writer, batch, index);
  closeBlock(writer, at);
}

/** @param offsetSeconds Time offset of the interface. */
function writeEnhanced(writer: BlockWriter, batch: PacketBatch, index: number, offsetSeconds: number): void {
  const { records, offsets, format, comments } = batch;
  const header = offsets[index]!;
  const at = openBlock(writer, ENHANCED_PACKET, EPB.data);
  const { view } = writer;
  view.setUint32(at + EPB.interfaceId, format.interfaceId, true);
  const fits = writeTime(
    view,
    at + EPB.timeHigh,
    format.resolution,
    batch.eraSeconds ?? 0,
    uint32At(records, header + RECORD_SECONDS),
    uint32At(records, header + RECORD_FRACTION),
    batch.untimed === true ? Math.min(offsetSeconds, 0) : offsetSeconds,
  );
  if (!fits) {
    throw new FlowscribeError(
      "time_out_of_range",
      "the time of a packet is outside of what pcapng can hold from the time offset of its interface on",
    );
  }
  view.setUint32(at + EPB.captured, recordEnd(batch, index) - header - RECORD_HEADER_LENGTH, true);
  view.setUint32(at + EPB.original, readOriginalLength(records, header), true);
  writeData(writer, batch, index);
  const own = comments?.get(index);
  if (own !== undefined) {
    for (const comment of own) writeText(writer, OPT_COMMENT, comment);
    endOptions(writer);
  }
  closeBlock(writer, at);
}

/** Maximum length in bytes of an enhanced packet block; a simple packet block is shorter. */
function enhancedBytes(batch: PacketBatch, index: number): number {
  const captured = recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH;
  let length = EPB.data + padded(captured) + BLOCK_TRAILER;
  const comments = batch.comments?.get(index);
  if (comments === undefined) return length;
  for (const comment of comments) {
    length += OPTION_HEADER_LENGTH + padded(Math.min(utf8.encode(comment).length, MAX_OPTION_BYTES));
  }
  return length + OPTION_HEADER_LENGTH;
}

function writeData(writer: BlockWriter, batch: PacketBatch, index: number): void {
  const start = batch.offsets[index]! + RECORD_HEADER_LENGTH;
  const end = recordEnd(batch, index);
  const length = end - start;
  const target = writer.reserve(padded(length));
  copyBytes(writer.bytes, target, batch.records, start, end);
  for (let at = target + length; at < target + padded(length); at++) writer.bytes[at] = 0;
}

function writeStatistics(
  writer: BlockWriter,
  interfaceId: number,
  { received, dropped }: Partial<SourceStats>,
): void {
  const at = openBlock(writer, INTERFACE_STATISTICS, ISB.options);
  writer.view.setUint32(at + ISB.interfaceId, interfaceId, true);
  // The encoder has no clock: the time of the counts stays 0.
  writer.view.setUint32(at + ISB.timeHigh, 0, true);
  writer.view.setUint32(at + ISB.timeLow, 0, true);
  if (received !== undefined) writeCount(writer, ISB_RECEIVED, received);
  if (dropped !== undefined) writeCount(writer, ISB_INTERFACE_DROPPED, dropped);
  endOptions(writer);
  closeBlock(writer, at);
}

/** Begins a block with a fixed part of `fixedLength` bytes; returns its offset. */
function openBlock(writer: BlockWriter, type: number, fixedLength: number): number {
  const at = writer.reserve(fixedLength);
  writer.view.setUint32(at + BLOCK_TYPE, type, true);
  return at;
}

function closeBlock(writer: BlockWriter, at: number): void {
  const trailer = writer.reserve(BLOCK_TRAILER);
  const length = writer.length - at;
  writer.view.setUint32(at + BLOCK_LENGTH, length, true);
  writer.view.setUint32(trailer, length, true);
}

function writeText(writer: BlockWriter, code: number, text: string): void {
  const bytes = utf8.encode(text);
  let length = Math.min(bytes.length, MAX_OPTION_BYTES);
  // Do not split a character: its continuation bytes have the form 10xxxxxx.
  while (length < bytes.length && (bytes[length]! & 0xc0) === 0x80) length--;
  writeOption(writer, code, bytes.subarray(0, length));
}

function writeCount(writer: BlockWriter, code: number, count: number): void {
  const value = new Uint8Array(8);
  // Counts are doubles: the largest count of a file, 2⁶⁴−1, is read as 2⁶⁴.
  new DataView(value.buffer).setBigUint64(0, count < 2 ** 64 ? BigInt(count) : 2n ** 64n - 1n, true);
  writeOption(writer, code, value);
}

function writeInt64(writer: BlockWriter, code: number, value: number): void {
  const bytes = new Uint8Array(8);
  // A double: the largest offset of a file, 2⁶³−1, is read as 2⁶³.
  new DataView(bytes.buffer).setBigInt64(0, value < 2 ** 63 ? BigInt(value) : 2n ** 63n - 1n, true);
  writeOption(writer, code, bytes);
}

function writeOption(writer: BlockWriter, code: number, value: Uint8Array): void {
  const { length } = value;
  const at = writer.reserve(OPTION_HEADER_LENGTH + padded(length));
  writer.view.setUint16(at, code, true);
  writer.view.setUint16(at + 2, length, true);
  const valueAt = at + OPTION_HEADER_LENGTH;
  writer.bytes.set(value, valueAt);
  writer.bytes.fill(0, valueAt + length, valueAt + padded(length));
}

function endOptions(writer: BlockWriter): void {
  const at = writer.reserve(OPTION_HEADER_LENGTH);
  writer.view.setUint32(at, 0, true);
}
