import type { SideBlock } from "../../../packet/side-blocks.js";
import type { CaptureWarningCounts } from "../../decoder.js";
import type { BlockReader } from "../block-reader.js";
import { BlockWriter } from "../block-writer.js";
import {
  BLOCK_BODY,
  INTERFACE_STATISTICS,
  ISB,
  ISB_END_TIME,
  ISB_INTERFACE_DROPPED,
  ISB_RECEIVED,
  ISB_START_TIME,
  ISB_SYSTEM_DROPPED,
  OPTION_HEADER_LENGTH,
} from "../format.js";
import type { PacketLayout } from "../interface-reader.js";
import { type RecordTime, writeTime } from "../time.js";
import { OptionCopier } from "./option-copier.js";

const FIXED_BYTES = ISB.options - BLOCK_BODY;
const TIME_BYTES = 8;
/** Not counted: they are `counts` of the interface, which every reader gets. */
const COUNTS: ReadonlySet<number> = new Set([ISB_RECEIVED, ISB_INTERFACE_DROPPED, ISB_SYSTEM_DROPPED]);

/** Copies Interface Statistics Blocks, with the interface's number and the time unit of the new file. */
export class StatisticsCopier {
  readonly #blocks: BlockReader;
  readonly #warnings: CaptureWarningCounts;
  readonly #writer = new BlockWriter(256);
  readonly #options = new OptionCopier();
  readonly #time: RecordTime = { eraSeconds: 0, seconds: 0, fraction: 0 };

  constructor(blocks: BlockReader, warnings: CaptureWarningCounts) {
    this.#blocks = blocks;
    this.#warnings = warnings;
  }

  copy(at: number, length: number, before: number, layout: PacketLayout, offsetSeconds: number): SideBlock {
    const { resolution, interfaceId } = layout.format;
    const writer = this.#writer;
    writer.clear();
    writer.reserve(FIXED_BYTES);
    writer.view.setUint32(ISB.interfaceId - BLOCK_BODY, interfaceId, true);
    this.#writeTime(at + ISB.timeHigh, ISB.timeHigh - BLOCK_BODY, layout, offsetSeconds);
    this.#copyOptions(at, length, layout, offsetSeconds);
    return { before, type: INTERFACE_STATISTICS, body: writer.written().slice(), resolution };
  }

  #copyOptions(at: number, length: number, layout: PacketLayout, offsetSeconds: number): void {
    const { notPreserved, pcapngOnly } = this.#warnings;
    const copier = this.#options;
    const options = this.#blocks.options(at + ISB.options, at, length);
    let hasOptions = false;
    while (options.next()) {
      copier.begin();
      const isCopied = copier.copy(INTERFACE_STATISTICS, options);
      if (!COUNTS.has(options.code)) (isCopied ? pcapngOnly : notPreserved).statisticsOptions++;
      const copied = copier.take();
      if (copied === undefined) continue;
      const target = this.#writer.length;
      this.#writer.addBytes(copied);
      hasOptions = true;
      const { code } = options;
      const value = options.value();
      if ((code === ISB_START_TIME || code === ISB_END_TIME) && value.length === TIME_BYTES) {
        const valueAt = value.byteOffset - this.#blocks.input.bytes.byteOffset;
        this.#writeTime(valueAt, target + OPTION_HEADER_LENGTH, layout, offsetSeconds);
      }
    }
    if (hasOptions) this.#writer.endOptions();
  }

  /** Converts a time of the input at `at` to one in the unit of the packets; 0 if it does not fit. */
  #writeTime(at: number, target: number, layout: PacketLayout, offsetSeconds: number): void {
    const blocks = this.#blocks;
    const { view } = this.#writer;
    const time = this.#time;
    layout.time.read(blocks.uint32(at), blocks.uint32(at + 4), time);
    const { eraSeconds, seconds, fraction } = time;
    if (writeTime(view, target, layout.format.resolution, eraSeconds, seconds, fraction, offsetSeconds))
      return;
    view.setBigUint64(target, 0n, true);
  }
}
