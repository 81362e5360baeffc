import { RECORD_HEADER_LENGTH, writeRecordHeader } from "../../packet/record-header.js";
import type { BatchAssembly } from "../batch-assembly.js";
import type { CaptureWarningCounts } from "../decoder.js";
import type { BlockReader } from "./block-reader.js";
import { OptionCopier } from "./copy/option-copier.js";
import {
  BLOCK_TRAILER,
  ENHANCED_PACKET,
  EPB,
  EPB_DROP_COUNT,
  EPB_FLAGS,
  OPT_COMMENT,
  PACKET,
  PB_DROPS,
  PB_DROPS_UNKNOWN,
  PB_INTERFACE_ID,
  padded,
  SIMPLE_PACKET,
  SPB,
} from "./format.js";
import type { InterfaceReader, PacketLayout } from "./interface-reader.js";
import { MAX_BLOCK_BYTES, MAX_OPTIONS_BYTES } from "./limits.js";
import type { RecordTime } from "./time.js";

/** The fields of a packet block, read before its record overwrites it. */
interface PacketBlock {
  layout: PacketLayout;
  timed: boolean;
  captured: number;
  original: number;
  dataAt: number;
}

/**
 * Converts packet blocks (enhanced, simple and obsolete ones) to the records of a batch. Records overwrite the blocks that
 * they come from. This is safe because a block is never shorter than its record.
 */
export class PacketReader {
  readonly #blocks: BlockReader;
  readonly #interfaces: InterfaceReader;
  readonly #batch: BatchAssembly;
  readonly #warnings: CaptureWarningCounts;
  readonly #options = new OptionCopier();
  /** Reused for every packet. */
  readonly #time: RecordTime = { eraSeconds: 0, seconds: 0, fraction: 0 };

  constructor(
    blocks: BlockReader,
    interfaces: InterfaceReader,
    batch: BatchAssembly,
    warnings: CaptureWarningCounts,
  ) {
    this.#blocks = blocks;
    this.#interfaces = interfaces;
    this.#batch = batch;
    this.#warnings = warnings;
  }

  /** Maximum length of a packet block. */
  maxLength(type: number, at: number): number {
    if (type !== ENHANCED_PACKET && type !== PACKET) return MAX_BLOCK_BYTES;
    const maxCaptured = this.#interfaces.layoutOf(this.#interfaceId(type, at))?.maxCaptured ?? 0;
    return Math.max(MAX_BLOCK_BYTES, maxCaptured + MAX_OPTIONS_BYTES);
  }

  /** Adds a packet to the batch; returns false if it belongs to the next batch. */
  read(type: number, at: number, length: number): boolean {
    const blocks = this.#blocks;
    const time = this.#time;
    const block =
      type === SIMPLE_PACKET ? this.#readSimple(at, length) : this.#readEnhanced(type, at, length);
    const { layout, timed, captured, original, dataAt } = block;
    if (captured > layout.maxCaptured) {
      throw blocks.malformed(
        at,
        `captured length ${captured} is above ${layout.maxCaptured}, the most for this link type`,
      );
    }
    if (dataAt + captured > at + length - BLOCK_TRAILER) {
      throw blocks.malformed(at, `a packet of ${captured} bytes in a block of ${length}`);
    }
    time.eraSeconds = 0;
    time.seconds = 0;
    time.fraction = 0;
    if (timed) layout.time.read(blocks.uint32(at + EPB.timeHigh), blocks.uint32(at + EPB.timeLow), time);
    if (!this.#batch.accepts(layout.format, timed, time.eraSeconds)) return false;

    this.#warn(layout.format.snapLength, captured, original);
    // Read the options first: the record may overwrite them.
    const optionsAt = dataAt + padded(captured);
    const drops = type === PACKET ? blocks.uint16(at + PB_DROPS) : 0;
    const hasDrops = drops !== 0 && drops !== PB_DROPS_UNKNOWN;
    const hasOptions = timed && optionsAt < at + length - BLOCK_TRAILER;
    let comments: readonly string[] | undefined;
    let copied: Uint8Array | undefined;
    if (hasOptions || hasDrops) {
      this.#options.begin();
      if (hasOptions) comments = this.#readOptions(optionsAt, at, length);
      if (hasDrops) this.#addDrops(drops);
      copied = this.#options.take();
    }
    const target = this.#batch.add(captured, comments, copied);
    const { bytes, view } = blocks.input;
    bytes.copyWithin(target + RECORD_HEADER_LENGTH, dataAt, dataAt + captured);
    writeRecordHeader(view, target, time.seconds, time.fraction, captured, original);
    return true;
  }

  #readEnhanced(type: number, at: number, length: number): PacketBlock {
    const blocks = this.#blocks;
    if (length < EPB.data + BLOCK_TRAILER) throw blocks.malformed(at, "a packet block is too short");
    const id = this.#interfaceId(type, at);
    const layout = this.#interfaces.layoutOf(id);
    if (layout === undefined) {
      throw blocks.malformed(at, `a packet of interface ${id}, which has not been described`);
    }
    return {
      layout,
      timed: true,
      captured: blocks.uint32(at + EPB.captured),
      original: blocks.uint32(at + EPB.original),
      dataAt: at + EPB.data,
    };
  }

  /**
   * A simple packet belongs to the first interface of the section, is truncated to its snap length, and has no time.
   */
  #readSimple(at: number, length: number): PacketBlock {
    const blocks = this.#blocks;
    if (length < SPB.data + BLOCK_TRAILER) throw blocks.malformed(at, "a simple packet block is too short");
    const layout = this.#interfaces.layoutOf(0);
    if (layout === undefined) {
      throw blocks.malformed(at, "a simple packet before any interface description");
    }
    const original = blocks.uint32(at + SPB.original);
    const { snapLength } = layout.format;
    const captured = snapLength === 0 ? original : Math.min(original, snapLength);
    return { layout, timed: false, captured, original, dataAt: at + SPB.data };
  }

  #interfaceId(type: number, at: number): number {
    return type === PACKET
      ? this.#blocks.uint16(at + PB_INTERFACE_ID)
      : this.#blocks.uint32(at + EPB.interfaceId);
  }

  #warn(snapLength: number, captured: number, original: number): void {
    if (snapLength > 0 && captured > snapLength) this.#warnings.aboveSnapLength++;
    if (captured > original) this.#warnings.aboveOriginalLength++;
  }

  /** Returns the comments; copies the other options. */
  #readOptions(start: number, at: number, length: number): readonly string[] | undefined {
    const { notPreserved, pcapngOnly } = this.#warnings;
    let comments: string[] | undefined;
    const options = this.#blocks.options(start, at, length);
    while (options.next()) {
      if (options.code === OPT_COMMENT) {
        comments ??= [];
        comments.push(options.string());
      } else {
        const kind = options.code === EPB_FLAGS ? "packetFlags" : "packetOptions";
        // The obsolete packet block has the same options.
        const isCopied = this.#options.copy(ENHANCED_PACKET, options);
        (isCopied ? pcapngOnly : notPreserved)[kind]++;
      }
    }
    if (options.damaged) this.#warnings.damagedOptions++;
    return comments;
  }

  /** The obsolete packet block has a drop count field, where the enhanced packet block has an option. */
  #addDrops(drops: number): void {
    this.#warnings.pcapngOnly.packetOptions++;
    this.#options.addUint64(EPB_DROP_COUNT, drops);
  }
}
