import type { PacketBatch } from "../../packet/batch.js";
import { type PacketTime, readRecordTime } from "../../packet/record-header.js";
import { isEmptyBatch, type SideBlock } from "../../packet/side-blocks.js";
import { type BatchReader, type Pull, readBatches } from "../../packet/source/batch-reader.js";
import type { PacketSource } from "../../packet/source.js";
import { hasKnownLayout } from "../pcapng/copy/side-block-reader.js";
import { INTERFACE_STATISTICS } from "../pcapng/format.js";

const EMPTY: PacketBatch = {
  format: { linkType: 0, resolution: "us", snapLength: 0, interfaceId: 0 },
  length: 0,
  records: new Uint8Array(0),
  offsets: new Uint32Array(0),
};

/** The position in a source: its current batch, the next packet in it, and the time of that packet. */
export class Cursor {
  /** Index among the sources; decides between packets of the same time. */
  readonly order: number;
  /** Whether its batches may be passed on to a reader that overwrites them. */
  readonly isWritable: boolean;
  readonly #source: PacketSource;
  readonly #reader: BatchReader;
  /** Abandons the pending read of a batch; undefined if absent. */
  #abandon: (() => void) | undefined;
  /** Whether the current batch is the last one to read. */
  #isLast = false;
  batch: PacketBatch = EMPTY;
  index = 0;
  isEnded = false;
  readonly #time: PacketTime = { seconds: Number.NEGATIVE_INFINITY, nanoseconds: 0 };

  constructor(source: PacketSource, order: number) {
    this.#source = source;
    this.#reader = readBatches(source);
    this.isWritable = this.#reader.writable;
    this.order = order;
  }

  get needsBatch(): boolean {
    return !this.isEnded && this.index >= this.batch.length;
  }

  /** Reads the next batch; returns a promise only if the source has to wait. */
  fetch(): undefined | Promise<void> {
    for (;;) {
      const batch = this.#next();
      if (batch instanceof Promise) return this.#fetchOn(batch);
      if (this.#accept(batch)) return undefined;
    }
  }

  async #fetchOn(waiting: Promise<PacketBatch | undefined>): Promise<void> {
    for (let batch = await waiting; !this.#accept(batch); ) {
      const next = this.#next();
      batch = next instanceof Promise ? await next : next;
    }
  }

  /** Returns false for an empty batch: the caller must read another one. */
  #accept(read: PacketBatch | undefined): boolean {
    const batch = read && withMergedBlocks(read, this.order);
    if (batch !== undefined && isEmptyBatch(batch)) return false;
    this.isEnded = batch === undefined;
    this.batch = batch ?? EMPTY;
    this.skipTo(0);
    return true;
  }

  /** The side blocks of a batch without packets, once. */
  takeBlocks(): readonly SideBlock[] | undefined {
    if (this.batch.length > 0) return undefined;
    const blocks = this.batch.pcapng?.blocks;
    this.batch = EMPTY;
    return blocks;
  }

  /** Moves to a packet of the batch, or to its end. */
  skipTo(index: number): void {
    this.index = index;
    if (index >= this.batch.length || this.batch.untimed === true) return;
    const { records, offsets, format, eraSeconds = 0 } = this.batch;
    readRecordTime(records, offsets[index]!, format.resolution, eraSeconds, this.#time);
  }

  isBefore(other: Cursor): boolean {
    const mine = this.#time;
    const others = other.#time;
    if (mine.seconds !== others.seconds) return mine.seconds < others.seconds;
    if (mine.nanoseconds !== others.nanoseconds) return mine.nanoseconds < others.nanoseconds;
    return this.order < other.order;
  }

  /** Moves past the packets that precede the next packet of `other`; returns the new index. */
  runBefore(other: Cursor): number {
    do this.skipTo(this.index + 1);
    while (this.index < this.batch.length && this.isBefore(other));
    return this.index;
  }

  /** Stops the source; keeps the current batch. */
  stop(): void {
    if (this.isEnded) return;
    if (this.#source.stop !== undefined) {
      this.#source.stop();
      return;
    }
    this.#isLast = true;
    this.#abandon?.();
  }

  /** Ends the iteration. Does not wait for it while a read is pending, since the source may settle neither. */
  async leave(): Promise<void> {
    if (this.isEnded) return;
    if (this.#abandon === undefined) {
      await this.#reader.leave();
      return;
    }
    this.#isLast = true;
    this.#abandon();
  }

  #next(): ReturnType<Pull> {
    if (this.#isLast) {
      this.#leaveBehind();
      return undefined;
    }
    const batch = this.#reader.next();
    return batch instanceof Promise ? this.#orAbandoned(batch) : batch;
  }

  #orAbandoned(batch: Promise<PacketBatch | undefined>): Promise<PacketBatch | undefined> {
    const abandoned = new Promise<undefined>((resolve) => {
      this.#abandon = () => {
        this.#abandon = undefined;
        this.#leaveBehind();
        resolve(undefined);
      };
    });
    return Promise.race([batch, abandoned]).finally(() => {
      this.#abandon = undefined;
    });
  }

  #leaveBehind(): void {
    this.#reader.leave().catch(() => {});
  }
}

/**
 * The batch without the blocks that would be wrong in the merged capture: statistics, whose counts are added up instead,
 * and blocks of unknown types that may refer to interfaces, unless the source is the first, whose interfaces keep their
 * numbers.
 */
function withMergedBlocks(batch: PacketBatch, order: number): PacketBatch {
  if (batch.pcapng?.blocks === undefined) return batch;
  const { blocks: all, ...parts } = batch.pcapng;
  const blocks = all.filter(
    ({ type }) => type !== INTERFACE_STATISTICS && (order === 0 || hasKnownLayout(type)),
  );
  if (blocks.length > 0) return { ...batch, pcapng: { ...parts, blocks } };
  const { pcapng: _, ...rest } = batch;
  return parts.options === undefined ? rest : { ...rest, pcapng: parts };
}

/** Consecutive packets of one source that precede those of all others. */
export interface Run {
  readonly cursor: Cursor;
  readonly from: number;
  readonly to: number;
}

/** Returns the packets to yield next; undefined if all sources have ended. */
export function nextRun(cursors: readonly Cursor[]): Run | undefined {
  let first: Cursor | undefined;
  let second: Cursor | undefined;
  for (const cursor of cursors) {
    if (cursor.isEnded) continue;
    if (first === undefined || cursor.isBefore(first)) {
      second = first;
      first = cursor;
    } else if (second === undefined || cursor.isBefore(second)) {
      second = cursor;
    }
  }
  if (first === undefined) return undefined;
  const from = first.index;
  return { cursor: first, from, to: second === undefined ? first.batch.length : first.runBefore(second) };
}
