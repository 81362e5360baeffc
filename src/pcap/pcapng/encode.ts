import { CHUNK_BYTES } from "../../bytes/byte-input.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { anInteger } from "../../errors/value-checks.js";
import type { SideBlock } from "../../packet/side-blocks.js";
import { aSource, type CaptureInterface, type PacketSource, type SourceStats } from "../../packet/source.js";
import { encodeSource } from "../encode-source.js";
import type { CaptureEncoder } from "../encoder.js";
import { AddedBlocks } from "./add/added-blocks.js";
import { type CaptureDescription, PCAPNG_ADDITIONS, type PcapngAdditions } from "./add/additions.js";
import { BlockWriter } from "./block-writer.js";
import { statisticsOf, writeSideBlock } from "./copy/write-side-block.js";
import { enhancedBytes, isSimple, writeEnhanced, writeSimple } from "./encode-packet.js";
import {
  BLOCK_LENGTH,
  BLOCK_OVERHEAD,
  BYTE_ORDER_MAGIC,
  IDB,
  IF_TIME_OFFSET,
  IF_TIME_RESOLUTION,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  INTERFACE_STRINGS,
  ISB,
  ISB_INTERFACE_DROPPED,
  ISB_RECEIVED,
  OPT_COMMENT,
  SECTION_HEADER,
  SHB,
  SHB_HARDWARE,
  SHB_OPERATING_SYSTEM,
  SHB_USER_APPLICATION,
} from "./format.js";
import { hasOption } from "./options.js";

const APPLICATION = "flowscribe";
const NO_BLOCKS: readonly SideBlock[] = [];
const NO_OPTIONS = new Uint8Array(0);

/** Length in bytes of an interface statistics block with two counts. */
const STATISTICS_BYTES = 52;
/** Initial capacity for pending descriptions: most are short, and few are pending. */
const DESCRIPTIONS_BYTES = 4096;

/** Overrides of fields in the interface descriptions, and what the file gets besides packets. */
export interface PcapngOptions extends PcapngAdditions {
  /** Snap length of every interface in bytes; default: the interface's own. Packets are not truncated to it. */
  readonly snapLength?: number;
}

const PCAPNG_OPTIONS: OptionTable<PcapngOptions> = {
  ...PCAPNG_ADDITIONS,
  snapLength: anInteger(0, 2 ** 32 - 1),
};

/**
 * Encodes a source as a little-endian pcapng file with one section: an interface description for every interface of the
 * source, written when the source adds it; an enhanced packet block for every packet, with its comments and options; the
 * other blocks of a pcapng file at their place; and at the end a statistics block for every interface with packet counts
 * that has none. The counts of a single interface without counts are the totals of the source, unless it comes from a
 * pcap file.
 *
 * A packet without a time becomes a simple packet block if the format can express it: of the first interface, without
 * comments, and not truncated below its snap length. Otherwise it gets time 0, or the earliest time that its interface
 * can represent. Strings above 65,535 bytes of UTF-8 are truncated.
 *
 * @example
 * ```ts
 * const names = (address) => book.names(address);
 * for await (const chunk of encodePcapng(source, { names })) output.write(chunk);
 * ```
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
  { snapLength, ...additions }: PcapngOptions = {},
): CaptureEncoder {
  const writer = new BlockWriter(CHUNK_BYTES);
  const described: CaptureInterface[] = [];
  /** Descriptions not written to the file yet. */
  const descriptions = new BlockWriter(DESCRIPTIONS_BYTES);

  /** Interfaces whose statistics were among the side blocks. */
  const withStatistics = new Set<number>();

  function writeBlock(block: SideBlock): void {
    const interfaceId = statisticsOf(block);
    if (interfaceId !== undefined) withStatistics.add(interfaceId);
    writeSideBlock(writer, block, described);
  }

  const added = new AddedBlocks(additions, writeBlock);
  const { description = {} } = additions;

  /** Describes the interfaces that the source has added since the last call. */
  function describeNew(): void {
    while (described.length < interfaces.length) describe(interfaces[described.length]!);
  }

  function describe(next: CaptureInterface): void {
    const own =
      snapLength === undefined && description.interfaces === undefined
        ? next
        : {
            ...next,
            ...(snapLength !== undefined && { snapLength }),
            ...(description.interfaces !== undefined && {
              description: next.description ?? description.interfaces,
            }),
          };
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
    hasSideBlocks: true,
    begin: (first) => {
      writer.clear();
      writeSection(writer, first, description);
      describeUpTo(0, first);
      writeDescriptions();
      added.begin();
      return writer.written();
    },
    encode: (batch) => {
      writer.clear();
      if (batch.length === 0) describeNew();
      else describeUpTo(batch.format.interfaceId, batch.format);
      writeDescriptions();
      added.beforeBatch();
      const offsetSeconds = described[batch.format.interfaceId]?.timeOffsetSeconds ?? 0;
      const blocks = batch.pcapng?.blocks ?? NO_BLOCKS;
      let nextBlock = 0;
      for (let index = 0; index < batch.length; index++) {
        while (nextBlock < blocks.length && blocks[nextBlock]!.before <= index)
          writeBlock(blocks[nextBlock++]!);
        if (added.hasNames) added.beforePacket(batch, index);
        if (batch.untimed === true && isSimple(batch, index, described)) writeSimple(writer, batch, index);
        else writeEnhanced(writer, batch, index, offsetSeconds);
      }
      while (nextBlock < blocks.length) writeBlock(blocks[nextBlock++]!);
      return writer.written();
    },
    end: (stats) => {
      writer.clear();
      describeNew();
      writeDescriptions();
      // Secrets that became known after the last packet: readers that read a file twice use them.
      added.beforeBatch();
      const countsOfSource = knowsCounts(interfaces) ? stats : undefined;
      interfaces.forEach((own, interfaceId) => {
        const counts = own.counts ?? countsOfSource;
        if (counts !== undefined && !withStatistics.has(interfaceId))
          writeStatistics(writer, interfaceId, counts);
      });
      return writer.written();
    },
    pendingBytes: () => {
      describeNew();
      return descriptions.length + STATISTICS_BYTES * described.length + added.pendingBytes;
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

function writeSection(
  writer: BlockWriter,
  { sectionOptions: read = NO_OPTIONS }: CaptureInterface,
  { application = APPLICATION, hardware, operatingSystem }: CaptureDescription,
): void {
  const at = writer.openBlock(SECTION_HEADER, SHB.options);
  const { view } = writer;
  view.setUint32(at + SHB.byteOrder, BYTE_ORDER_MAGIC, true);
  view.setUint16(at + SHB.major, 1, true);
  view.setUint16(at + SHB.minor, 0, true);
  // The section length is unknown in a stream.
  view.setBigInt64(at + SHB.sectionLength, -1n, true);
  writer.addBytes(read);
  if (hardware !== undefined && !hasOption(read, SHB_HARDWARE)) writer.addString(SHB_HARDWARE, hardware);
  if (operatingSystem !== undefined && !hasOption(read, SHB_OPERATING_SYSTEM))
    writer.addString(SHB_OPERATING_SYSTEM, operatingSystem);
  writer.addString(SHB_USER_APPLICATION, application);
  writer.endOptions();
  writer.closeBlock(at);
}

function writeInterface(writer: BlockWriter, own: CaptureInterface): void {
  const at = writer.openBlock(INTERFACE_DESCRIPTION, IDB.options);
  writer.view.setUint32(at + IDB.linkType, own.linkType, true);
  writer.view.setUint32(at + IDB.snapLength, own.snapLength, true);
  for (const comment of own.comments ?? []) writer.addString(OPT_COMMENT, comment);
  for (const { code, field, prefix } of INTERFACE_STRINGS) {
    const value = own[field];
    if (value !== undefined) writer.addString(code, prefix + value);
  }
  if (own.pcapngOptions !== undefined) writer.addBytes(own.pcapngOptions);
  writer.addOption(IF_TIME_RESOLUTION, Uint8Array.of(own.resolution === "us" ? 6 : 9));
  if (own.timeOffsetSeconds !== undefined && own.timeOffsetSeconds !== 0) {
    writer.addInt64(IF_TIME_OFFSET, own.timeOffsetSeconds);
  }
  writer.endOptions();
  writer.closeBlock(at);
}

function writeStatistics(
  writer: BlockWriter,
  interfaceId: number,
  { received, dropped }: Partial<SourceStats>,
): void {
  const at = writer.openBlock(INTERFACE_STATISTICS, ISB.options);
  writer.view.setUint32(at + ISB.interfaceId, interfaceId, true);
  // The encoder has no clock: the time of the counts stays 0.
  writer.view.setUint32(at + ISB.timeHigh, 0, true);
  writer.view.setUint32(at + ISB.timeLow, 0, true);
  if (received !== undefined) writer.addUint64(ISB_RECEIVED, received);
  if (dropped !== undefined) writer.addUint64(ISB_INTERFACE_DROPPED, dropped);
  writer.endOptions();
  writer.closeBlock(at);
}
