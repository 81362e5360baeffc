import type { PacketFormat } from "../../packet/batch.js";
import { maxCapturedLength } from "../../packet/link-type.js";
import type { SideBlock } from "../../packet/side-blocks.js";
import type { CaptureInterface, InterfaceCounts } from "../../packet/source.js";
import type { CaptureWarningCounts } from "../decoder.js";
import type { BlockReader } from "./block-reader.js";
import { OptionCopier } from "./copy/option-copier.js";
import { StatisticsCopier } from "./copy/statistics-copier.js";
import {
  BLOCK_TRAILER,
  DEFAULT_TIME_RESOLUTION,
  IDB,
  IF_TIME_OFFSET,
  IF_TIME_RESOLUTION,
  INTERFACE_DESCRIPTION,
  INTERFACE_STRINGS,
  ISB,
  ISB_INTERFACE_DROPPED,
  ISB_RECEIVED,
  ISB_SYSTEM_DROPPED,
  OPT_COMMENT,
  SECTION_HEADER,
  SHB_USER_APPLICATION,
} from "./format.js";
import { MAX_DESCRIPTION_BYTES, MAX_INTERFACES } from "./limits.js";
import type { OptionReader } from "./options.js";
import { createTimeReader, type TimeReader } from "./time.js";

/** How to read the packets of an interface. */
export interface PacketLayout {
  readonly format: PacketFormat;
  readonly time: TimeReader;
  readonly maxCaptured: number;
}

/** The interfaces of a pcapng file, over all its sections: their descriptions, statistics and packet layouts. */
export class InterfaceReader {
  /** Indexed by the `interfaceId` of packet formats. */
  readonly list: CaptureInterface[] = [];
  /** Packets dropped on all interfaces, according to the latest statistics. */
  dropped = 0;
  readonly #blocks: BlockReader;
  readonly #warnings: CaptureWarningCounts;
  readonly #options = new OptionCopier();
  readonly #statistics: StatisticsCopier;
  readonly #layouts: PacketLayout[] = [];
  /** By unit and offset, since nearly all interfaces share one. */
  readonly #timeReaders = new Map<string, TimeReader>();
  #sections = 0;
  /** Options of the first section. */
  #sectionOptions: Uint8Array | undefined;
  #sectionStart = 0;
  #descriptionBytes = 0;

  constructor(blocks: BlockReader, warnings: CaptureWarningCounts) {
    this.#blocks = blocks;
    this.#warnings = warnings;
    this.#statistics = new StatisticsCopier(blocks, warnings);
  }

  /** From now on, interface 0 is the next one to be described. */
  beginSection(options: OptionReader): void {
    const { notPreserved, pcapngOnly } = this.#warnings;
    this.#sectionStart = this.list.length;
    // A new file has one section, so that options of later sections would contradict those of the first.
    const isFirst = this.#sections++ === 0;
    this.#options.begin();
    while (options.next()) {
      // Not counted: a new file names its own program instead.
      if (options.code === SHB_USER_APPLICATION) continue;
      const isCopied = isFirst && this.#options.copy(SECTION_HEADER, options);
      (isCopied ? pcapngOnly : notPreserved).sectionOptions++;
    }
    if (isFirst) this.#sectionOptions = this.#options.take();
  }

  /** Whether interfaces of the section have other numbers in a new file. */
  get isRenumbered(): boolean {
    return this.#sectionStart > 0;
  }

  /** Undefined if no interface has been described. */
  get firstFormat(): PacketFormat | undefined {
    return this.#layouts[0]?.format;
  }

  /** The layout of the packets of an interface of the section; undefined if it has not been described. */
  layoutOf(id: number): PacketLayout | undefined {
    return this.#layouts[this.#sectionStart + id];
  }

  /** Reads an interface description block. */
  readDescription(at: number, length: number): void {
    const blocks = this.#blocks;
    if (length < IDB.options + BLOCK_TRAILER) {
      throw blocks.malformed(at, "an interface description is too short");
    }
    if (this.list.length >= MAX_INTERFACES) {
      throw blocks.malformed(at, `more than ${MAX_INTERFACES} interfaces`);
    }
    if (this.#descriptionBytes + length > MAX_DESCRIPTION_BYTES) {
      throw blocks.malformed(at, `more than ${MAX_DESCRIPTION_BYTES} bytes of interface descriptions`);
    }
    const linkType = blocks.uint16(at + IDB.linkType);
    const snapLength = blocks.uint32(at + IDB.snapLength);
    const { unit, offsetSeconds, copied, described } = this.#readOptions(at, length);
    const options = this.#options.take();
    const time = this.#timeReaderOf(unit, offsetSeconds);
    const { resolution } = time;
    const interfaceId = this.list.length;
    this.#descriptionBytes += length;
    this.#warnings.notPreserved.interfaceOptions += this.#options.notCopied;
    this.#warnings.pcapngOnly.interfaceOptions += copied;
    this.list.push({
      linkType,
      resolution,
      snapLength,
      ...described,
      ...(offsetSeconds !== 0 && { timeOffsetSeconds: offsetSeconds }),
      ...(options !== undefined && { pcapngOptions: options }),
      ...(this.#sectionOptions !== undefined && { sectionOptions: this.#sectionOptions }),
    });
    this.#layouts.push({
      format: { linkType, resolution, snapLength, interfaceId },
      time,
      maxCaptured: maxCapturedLength(linkType),
    });
  }

  #readOptions(at: number, length: number): DescriptionOptions {
    const described: { -readonly [K in keyof Description]: Description[K] } = {};
    const comments: string[] = [];
    let unit = DEFAULT_TIME_RESOLUTION;
    let offsetSeconds = 0;
    let copied = 0;
    this.#options.begin();
    const options = this.#blocks.options(at + IDB.options, at, length);
    while (options.next()) {
      const string = INTERFACE_STRINGS.find(({ code }) => code === options.code);
      if (options.code === OPT_COMMENT) comments.push(options.string());
      else if (string !== undefined && options.startsWith(string.prefix))
        described[string.field] = options.string(string.prefix.length);
      else if (options.code === IF_TIME_RESOLUTION) unit = options.uint8() ?? unit;
      else if (options.code === IF_TIME_OFFSET) offsetSeconds = options.int64() ?? 0;
      else if (this.#options.copy(INTERFACE_DESCRIPTION, options)) copied++;
    }
    // The time unit may be among the unreadable options.
    if (options.damaged) {
      throw this.#blocks.malformed(at, "an option of an interface reaches past its block");
    }
    if (!Number.isSafeInteger(offsetSeconds)) {
      throw this.#blocks.malformed(at, "the time offset of an interface is 2^53 seconds or more");
    }
    if (comments.length > 0) described.comments = comments;
    return { unit, offsetSeconds, copied, described };
  }

  #timeReaderOf(unit: number, offsetSeconds: number): TimeReader {
    const key = `${unit} ${offsetSeconds}`;
    let reader = this.#timeReaders.get(key);
    if (reader === undefined) {
      reader = createTimeReader(unit, offsetSeconds);
      this.#timeReaders.set(key, reader);
    }
    return reader;
  }

  /** Reads an interface statistics block; returns a copy for a new file. */
  readStatistics(at: number, length: number, before: number): SideBlock {
    const blocks = this.#blocks;
    if (length < ISB.options + BLOCK_TRAILER) {
      throw blocks.malformed(at, "interface statistics are too short");
    }
    const interfaceId = this.#sectionStart + blocks.uint32(at + ISB.interfaceId);
    const own = this.list[interfaceId];
    if (own === undefined) {
      throw blocks.malformed(at, "statistics of an interface that has not been described");
    }
    const counts: StatisticsCounts = {};
    const options = blocks.options(at + ISB.options, at, length);
    while (options.next()) {
      const value = options.uint64();
      if (value !== undefined && options.code === ISB_RECEIVED) counts.received = value;
      else if (value !== undefined && options.code === ISB_INTERFACE_DROPPED) counts.interfaceDropped = value;
      else if (value !== undefined && options.code === ISB_SYSTEM_DROPPED) counts.systemDropped = value;
    }
    const latest: InterfaceCounts = { ...own.counts, ...summarize(counts) };
    this.dropped += (latest.dropped ?? 0) - (own.counts?.dropped ?? 0);
    this.list[interfaceId] = { ...own, counts: latest };
    return this.#statistics.copy(at, length, before, this.#layouts[interfaceId]!, own.timeOffsetSeconds ?? 0);
  }
}

type Description = Pick<
  CaptureInterface,
  "name" | "description" | "filter" | "operatingSystem" | "hardware" | "comments"
>;

interface DescriptionOptions {
  /** `if_tsresol` */
  readonly unit: number;
  readonly offsetSeconds: number;
  /** Number of options that were copied. */
  readonly copied: number;
  readonly described: Description;
}

interface StatisticsCounts {
  received?: number;
  interfaceDropped?: number;
  systemDropped?: number;
}

function summarize({ received, interfaceDropped, systemDropped }: StatisticsCounts): InterfaceCounts {
  return {
    ...(received !== undefined && { received }),
    ...((interfaceDropped !== undefined || systemDropped !== undefined) && {
      dropped: (interfaceDropped ?? 0) + (systemDropped ?? 0),
    }),
  };
}
