import { CaptureError } from "../errors/errors.js";
import {
  type PacketBatch,
  type PacketFormat,
  RECORD_CAPTURED_LENGTH,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_ORIGINAL_LENGTH,
  RECORD_SECONDS,
} from "../packet/batch.js";
import { maxCapturedLength } from "../packet/link-type.js";
import type { CaptureInterface, InterfaceCounts } from "../packet/source.js";
import { BatchAssembly } from "./batch-assembly.js";
import { type CaptureDecoder, noWarnings } from "./decoder.js";
import type { InputBuffer } from "./input.js";
import {
  BLOCK_LENGTH,
  BLOCK_OVERHEAD,
  BLOCK_TRAILER,
  BYTE_ORDER_MAGIC,
  CUSTOM,
  CUSTOM_NO_COPY,
  DECRYPTION_SECRETS,
  DEFAULT_TIME_RESOLUTION,
  ENHANCED_PACKET,
  EPB,
  EPB_FLAGS,
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
  ISB_SYSTEM_DROPPED,
  NAME_RESOLUTION,
  OPT_COMMENT,
  PACKET,
  PB_DROPS,
  PB_DROPS_UNKNOWN,
  PB_INTERFACE_ID,
  padded,
  SECTION_HEADER,
  SHB,
  SHB_USER_APPLICATION,
  SIMPLE_PACKET,
  SPB,
} from "./pcapng/format.js";
import { OptionReader } from "./pcapng/options.js";
import { createTimeReader, type RecordTime, type TimeReader } from "./pcapng/time.js";

/** Maximum length in bytes of a block that is read into memory as a whole; more for link types with longer packets. */
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
/** Maximum number of interfaces in a capture, over all its sections: each uses memory while the capture is read. */
export const MAX_INTERFACES = 65_536;
/** Maximum total length in bytes of all interface descriptions. */
export const MAX_DESCRIPTION_BYTES = 64 * 1024 * 1024;
/** Allowance for the options of a packet with the maximum captured length. */
const MAX_OPTIONS_BYTES = 128 * 1024;

/** An interface of the capture, and how to read its packets. */
interface Source {
  readonly format: PacketFormat;
  readonly time: TimeReader;
  readonly maxCaptured: number;
}

/** The fields of a packet block, read before its record overwrites it. */
interface PacketBlock {
  source: Source;
  timed: boolean;
  captured: number;
  original: number;
  dataAt: number;
}

/**
 * Decodes pcapng: sections of either byte order, interfaces with their own time units, enhanced, simple and obsolete
 * packet blocks, and statistics. Skips every other block, of any length, without buffering it.
 *
 * Records overwrite the blocks that they come from. This is safe because a block is never shorter than its record.
 */
export function createPcapngDecoder(input: InputBuffer): CaptureDecoder {
  const interfaces: CaptureInterface[] = [];
  const sources: Source[] = [];
  const warnings = noWarnings();
  const { notPreserved } = warnings;
  const batch = new BatchAssembly();
  /** By unit and offset, since nearly all interfaces share one. */
  const timeReaders = new Map<string, TimeReader>();
  const time: RecordTime = { eraSeconds: 0, seconds: 0, fraction: 0 };
  let littleEndian = true;
  let sectionStart = 0;
  let descriptionBytes = 0;
  let dropped = 0;
  /** Length of the block being skipped, and its remaining bytes without the trailer. */
  let skippedLength = 0;
  let toSkip = 0;

  function begin(): boolean {
    batch.begin(input.start);
    try {
      while (!skipBlock() && !isAtPacket() && readBlock());
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      return true;
    }
    return interfaces.length > 0 || isAtPacket();
  }

  /** Whether a block follows that ends {@link begin}. Statistics count as packets: they describe what has been read. */
  function isAtPacket(): boolean {
    if (input.available < BLOCK_OVERHEAD || input.view.getUint32(input.start, false) === SECTION_HEADER)
      return false;
    const type = input.view.getUint32(input.start, littleEndian);
    return isRead(type) && type !== INTERFACE_DESCRIPTION;
  }

  function next(): PacketBatch | undefined {
    batch.begin(input.start);
    try {
      while (!skipBlock() && readBlock());
    } catch (error) {
      // The invalid block stays in the buffer, and the next call throws again after the packets before it.
      if (batch.length === 0 || !(error instanceof CaptureError)) throw error;
    }
    return batch.finish(input.bytes);
  }

  /** Continues to skip a block; returns true if it needs more bytes, or if the batch has to be returned first. */
  function skipBlock(): boolean {
    if (skippedLength === 0) return false;
    if (batch.length > 0 && toSkip + BLOCK_TRAILER > input.available) return true;
    const length = Math.min(toSkip, input.available);
    input.start += length;
    toSkip -= length;
    if (toSkip > 0 || input.available < BLOCK_TRAILER) return true;
    checkTrailer(input.start, skippedLength);
    input.start += BLOCK_TRAILER;
    skippedLength = 0;
    return false;
  }

  /** Reads one block; returns false if it is incomplete or does not fit the batch. */
  function readBlock(): boolean {
    const at = input.start;
    if (input.available < BLOCK_OVERHEAD) return false;
    if (input.view.getUint32(at, false) === SECTION_HEADER) return readSection(at);
    const type = input.view.getUint32(at, littleEndian);
    const length = readLength(at);
    if (!isRead(type)) {
      countSkipped(type);
      skippedLength = length;
      toSkip = length - BLOCK_TRAILER;
      return true;
    }
    if (!isWhole(at, length)) return false;
    if (type === INTERFACE_DESCRIPTION) readInterface(at, length);
    else if (type === INTERFACE_STATISTICS) readStatistics(at, length);
    else if (!readPacket(type, at, length)) return false;
    input.start = at + length;
    return true;
  }

  function countSkipped(type: number): void {
    if (type === DECRYPTION_SECRETS) notPreserved.decryptionSecrets++;
    else if (type === NAME_RESOLUTION) notPreserved.nameResolution++;
    else if (type === CUSTOM || type === CUSTOM_NO_COPY) notPreserved.customBlocks++;
    else notPreserved.otherBlocks++;
  }

  function isWhole(at: number, length: number): boolean {
    if (length > input.available) return false;
    checkTrailer(at + length - BLOCK_TRAILER, length);
    return true;
  }

  function readLength(at: number): number {
    const length = input.view.getUint32(at + BLOCK_LENGTH, littleEndian);
    if (length < BLOCK_OVERHEAD || length % 4 !== 0)
      throw malformed(at, `a block cannot be ${length} bytes long`);
    const type = input.view.getUint32(at, littleEndian);
    const limit = isRead(type) ? maxBlock(type, at) : Number.POSITIVE_INFINITY;
    if (length > limit)
      throw malformed(at, `a block of ${length} bytes is above ${limit}, the most for its kind`);
    return length;
  }

  function maxBlock(type: number, at: number): number {
    if (type !== ENHANCED_PACKET && type !== PACKET) return MAX_BLOCK_BYTES;
    const maxCaptured = sources[sectionStart + readInterfaceId(type, at)]?.maxCaptured ?? 0;
    return Math.max(MAX_BLOCK_BYTES, maxCaptured + MAX_OPTIONS_BYTES);
  }

  function checkTrailer(at: number, length: number): void {
    const trailer = input.view.getUint32(at, littleEndian);
    if (trailer !== length) {
      throw malformed(at, `a block is ${length} bytes long by its first length and ${trailer} by its last`);
    }
  }

  function readSection(at: number): boolean {
    const { view } = input;
    if (input.available < SHB.options + BLOCK_TRAILER) return false;
    const ordered = view.getUint32(at + SHB.byteOrder, true) === BYTE_ORDER_MAGIC;
    if (!ordered && view.getUint32(at + SHB.byteOrder, false) !== BYTE_ORDER_MAGIC) {
      throw malformed(at + SHB.byteOrder, "a section header without byte-order magic");
    }
    const before = littleEndian;
    littleEndian = ordered;
    try {
      const length = readLength(at);
      if (length < SHB.options + BLOCK_TRAILER || length > MAX_BLOCK_BYTES) {
        throw malformed(at, `a section header cannot be ${length} bytes long`);
      }
      const major = view.getUint16(at + SHB.major, littleEndian);
      const minor = view.getUint16(at + SHB.minor, littleEndian);
      // Some programs write 1.2 instead of 1.0 (draft-ietf-opsawg-pcapng section 4.1).
      if (major !== 1 || (minor !== 0 && minor !== 2)) {
        throw new CaptureError(
          "unsupported_capture",
          input.position + SHB.major,
          `pcapng version ${major}.${minor} is not supported, only 1.0 and 1.2`,
        );
      }
      if (!isWhole(at, length)) {
        littleEndian = before;
        return false;
      }
      const options = new OptionReader(
        view,
        input.bytes,
        littleEndian,
        at + SHB.options,
        at + length - BLOCK_TRAILER,
      );
      // Not counted: a new file names its own program instead.
      while (options.next()) if (options.code !== SHB_USER_APPLICATION) notPreserved.sectionOptions++;
      input.start = at + length;
    } catch (error) {
      littleEndian = before;
      throw error;
    }
    sectionStart = sources.length;
    return true;
  }

  function readInterface(at: number, length: number): void {
    const { view, bytes } = input;
    if (length < IDB.options + BLOCK_TRAILER) throw malformed(at, "an interface description is too short");
    if (sources.length >= MAX_INTERFACES) throw malformed(at, `more than ${MAX_INTERFACES} interfaces`);
    if (descriptionBytes + length > MAX_DESCRIPTION_BYTES) {
      throw malformed(at, `more than ${MAX_DESCRIPTION_BYTES} bytes of interface descriptions`);
    }
    const linkType = view.getUint16(at + IDB.linkType, littleEndian);
    const snapLength = view.getUint32(at + IDB.snapLength, littleEndian);
    const texts: {
      name?: string;
      description?: string;
      filter?: string;
      operatingSystem?: string;
      hardware?: string;
    } = {};
    const comments: string[] = [];
    let unit = DEFAULT_TIME_RESOLUTION;
    let offsetSeconds = 0;
    let notPreservedOptions = 0;
    const options = new OptionReader(
      view,
      bytes,
      littleEndian,
      at + IDB.options,
      at + length - BLOCK_TRAILER,
    );
    while (options.next()) {
      if (options.code === OPT_COMMENT) comments.push(options.text());
      else if (options.code === IF_NAME) texts.name = options.text();
      else if (options.code === IF_DESCRIPTION) texts.description = options.text();
      else if (options.code === IF_OPERATING_SYSTEM) texts.operatingSystem = options.text();
      else if (options.code === IF_HARDWARE) texts.hardware = options.text();
      else if (options.code === IF_FILTER && options.uint8() === FILTER_IS_TEXT.charCodeAt(0))
        texts.filter = options.text(1);
      else if (options.code === IF_TIME_RESOLUTION) unit = options.uint8() ?? unit;
      else if (options.code === IF_TIME_OFFSET) offsetSeconds = options.int64() ?? 0;
      else notPreservedOptions++;
    }
    // The time unit may be among the unreadable options.
    if (options.damaged) throw malformed(at, "an option of an interface reaches past its block");
    if (!Number.isSafeInteger(offsetSeconds))
      throw malformed(at, "the time offset of an interface is 2^53 seconds or more");
    const timeReader = timeReaderOf(unit, offsetSeconds);
    const { resolution } = timeReader;
    const interfaceId = sources.length;
    descriptionBytes += length;
    notPreserved.interfaceOptions += notPreservedOptions;
    interfaces.push({
      linkType,
      resolution,
      snapLength,
      ...texts,
      ...(comments.length > 0 && { comments }),
      ...(offsetSeconds !== 0 && { timeOffsetSeconds: offsetSeconds }),
    });
    sources.push({
      format: { linkType, resolution, snapLength, interfaceId },
      time: timeReader,
      maxCaptured: maxCapturedLength(linkType),
    });
  }

  function timeReaderOf(unit: number, offsetSeconds: number): TimeReader {
    const key = `${unit} ${offsetSeconds}`;
    let reader = timeReaders.get(key);
    if (reader === undefined) {
      reader = createTimeReader(unit, offsetSeconds);
      timeReaders.set(key, reader);
    }
    return reader;
  }

  function readStatistics(at: number, length: number): void {
    if (length < ISB.options + BLOCK_TRAILER) throw malformed(at, "interface statistics are too short");
    const interfaceId = sectionStart + input.view.getUint32(at + ISB.interfaceId, littleEndian);
    const own = interfaces[interfaceId];
    if (own === undefined) throw malformed(at, "statistics of an interface that has not been described");
    const counts: { received?: number; interfaceDropped?: number; systemDropped?: number } = {};
    const options = new OptionReader(
      input.view,
      input.bytes,
      littleEndian,
      at + ISB.options,
      at + length - BLOCK_TRAILER,
    );
    while (options.next()) {
      const value = options.uint64();
      if (value !== undefined && options.code === ISB_RECEIVED) counts.received = value;
      else if (value !== undefined && options.code === ISB_INTERFACE_DROPPED) counts.interfaceDropped = value;
      else if (value !== undefined && options.code === ISB_SYSTEM_DROPPED) counts.systemDropped = value;
      else notPreserved.statisticsOptions++;
    }
    const latest: InterfaceCounts = { ...own.counts, ...summarise(counts) };
    dropped += (latest.dropped ?? 0) - (own.counts?.dropped ?? 0);
    interfaces[interfaceId] = { ...own, counts: latest };
  }

  function readInterfaceId(type: number, at: number): number {
    return type === PACKET
      ? input.view.getUint16(at + PB_INTERFACE_ID, littleEndian)
      : input.view.getUint32(at + EPB.interfaceId, littleEndian);
  }

  /** Adds a packet to the batch; returns false if it belongs to the next batch. */
  function readPacket(type: number, at: number, length: number): boolean {
    const { view, bytes } = input;
    const block = type === SIMPLE_PACKET ? readSimple(at, length) : readEnhanced(type, at, length);
    const { source, timed, captured, original, dataAt } = block;
    if (captured > source.maxCaptured) {
      throw malformed(
        at,
        `captured length ${captured} is above ${source.maxCaptured}, the most for this link type`,
      );
    }
    if (dataAt + captured > at + length - BLOCK_TRAILER) {
      throw malformed(at, `a packet of ${captured} bytes in a block of ${length}`);
    }
    time.eraSeconds = 0;
    time.seconds = 0;
    time.fraction = 0;
    if (timed) {
      source.time.read(
        view.getUint32(at + EPB.timeHigh, littleEndian),
        view.getUint32(at + EPB.timeLow, littleEndian),
        time,
      );
    }
    if (!batch.accepts(source.format, timed, time.eraSeconds)) return false;

    const { snapLength } = source.format;
    if (snapLength > 0 && captured > snapLength) warnings.aboveSnapLength++;
    if (captured > original) warnings.aboveOriginalLength++;
    // Read the comments first: the record may overwrite the options.
    if (type === PACKET) countDrops(view.getUint16(at + PB_DROPS, littleEndian));
    const comments = timed ? readComments(dataAt + padded(captured), at + length - BLOCK_TRAILER) : undefined;
    const target = batch.add(captured, comments);
    bytes.copyWithin(target + RECORD_HEADER_LENGTH, dataAt, dataAt + captured);
    view.setUint32(target + RECORD_SECONDS, time.seconds, true);
    view.setUint32(target + RECORD_FRACTION, time.fraction, true);
    view.setUint32(target + RECORD_CAPTURED_LENGTH, captured, true);
    view.setUint32(target + RECORD_ORIGINAL_LENGTH, original, true);
    return true;
  }

  function readEnhanced(type: number, at: number, length: number): PacketBlock {
    const { view } = input;
    if (length < EPB.data + BLOCK_TRAILER) throw malformed(at, "a packet block is too short");
    const id = readInterfaceId(type, at);
    const source = sources[sectionStart + id];
    if (source === undefined)
      throw malformed(at, `a packet of interface ${id}, which has not been described`);
    return {
      source,
      timed: true,
      captured: view.getUint32(at + EPB.captured, littleEndian),
      original: view.getUint32(at + EPB.original, littleEndian),
      dataAt: at + EPB.data,
    };
  }

  /**
   * A simple packet belongs to the first interface of the section, is truncated to its snap length, and has no time.
   */
  function readSimple(at: number, length: number): PacketBlock {
    if (length < SPB.data + BLOCK_TRAILER) throw malformed(at, "a simple packet block is too short");
    const source = sources[sectionStart];
    if (source === undefined) throw malformed(at, "a simple packet before any interface description");
    const original = input.view.getUint32(at + SPB.original, littleEndian);
    const { snapLength } = source.format;
    const captured = snapLength === 0 ? original : Math.min(original, snapLength);
    return { source, timed: false, captured, original, dataAt: at + SPB.data };
  }

  function readComments(start: number, end: number): readonly string[] | undefined {
    if (start >= end) return undefined;
    let comments: string[] | undefined;
    const options = new OptionReader(input.view, input.bytes, littleEndian, start, end);
    while (options.next()) {
      if (options.code === OPT_COMMENT) {
        comments ??= [];
        comments.push(options.text());
      } else if (options.code === EPB_FLAGS) {
        notPreserved.packetFlags++;
      } else {
        notPreserved.packetOptions++;
      }
    }
    if (options.damaged) warnings.damagedOptions++;
    return comments;
  }

  /** The obsolete packet block has a drop count field, where the enhanced packet block has an option. */
  function countDrops(drops: number): void {
    if (drops !== 0 && drops !== PB_DROPS_UNKNOWN) notPreserved.packetOptions++;
  }

  function malformed(at: number, message: string): CaptureError {
    return new CaptureError("malformed_capture", input.position + (at - input.start), message);
  }

  function finish(): void {
    if (input.available > 0 || skippedLength > 0) {
      throw new CaptureError("truncated_capture", input.position, "the capture ends inside a block");
    }
  }

  return {
    fileFormat: "pcapng",
    interfaces,
    warnings,
    get dropped() {
      return dropped;
    },
    begin,
    next,
    finish,
  };
}

/** Whether blocks of this type are decoded; section headers are handled separately. */
function isRead(type: number): boolean {
  return (
    type === ENHANCED_PACKET ||
    type === SIMPLE_PACKET ||
    type === PACKET ||
    type === INTERFACE_DESCRIPTION ||
    type === INTERFACE_STATISTICS
  );
}

function summarise(counts: {
  received?: number;
  interfaceDropped?: number;
  systemDropped?: number;
}): InterfaceCounts {
  const { received, interfaceDropped, systemDropped } = counts;
  return {
    ...(received !== undefined && { received }),
    ...((interfaceDropped !== undefined || systemDropped !== undefined) && {
      dropped: (interfaceDropped ?? 0) + (systemDropped ?? 0),
    }),
  };
}
