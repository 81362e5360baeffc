import { copyBytes } from "../bytes/copy-bytes.js";
import { checkArgument } from "../errors/check-argument.js";
import { aListOf } from "../errors/value-checks.js";
import { copyBatch, type PacketBatch, type PacketFormat, recordEnd } from "../packet/batch.js";
import { type PacketTime, readRecordTime } from "../packet/record-header.js";
import {
  aSource,
  type BatchReader,
  type CaptureInterface,
  createSource,
  type InterfaceCounts,
  type PacketSource,
  type Pull,
  readBatches,
} from "../packet/source.js";

/** Size in bytes of a batch that collects packets of several sources; a larger packet gets its own batch. */
const GATHERED_BYTES = 256 * 1024;

/**
 * Merges several captures into one source, ordered by time like mergecap: each source is assumed to be in order, and
 * the oldest next packet is yielded first; for equal times, that of the first source in the list. Packets are not
 * sorted within a source. Packets without a time follow the packet before them in their source.
 *
 * Interfaces with equal descriptions are merged across sources, never within one; their counts are added up. Memory use
 * is one batch per source and one more. Reading starts with the first pull.
 *
 * Intended for files and finished captures. The merge waits for a live source without packets, since its next packet
 * may be the oldest; meanwhile it reads nothing from the others, whose kernel buffers may overflow and drop packets.
 *
 * `stop` stops every source: packets that have already arrived are yielded in order of time. For a source without
 * `stop`, the current batch is yielded and a pending one is lost.
 *
 * Disposing of the result disposes of the sources. The iteration fails when a source does, after every packet before
 * the error. The result is `filtered` if all sources are. A single source is returned unchanged.
 */
export function mergeSources(sources: readonly PacketSource[]): PacketSource {
  checkArgument("mergeSources", "sources", sources, aListOf(aSource));
  const [first, ...others] = sources;
  if (first !== undefined && others.length === 0) return first;
  const interfaces = new MergedInterfaces(sources);
  const cursors = sources.map((source, order) => new Cursor(source, order));
  const gathered = new GatheredBatch();
  let isLeft = false;

  function pull(): ReturnType<Pull> {
    gathered.clear();
    return mergeOn();
  }

  function mergeOn(): ReturnType<Pull> {
    for (;;) {
      for (const cursor of cursors) {
        if (cursor.needsBatch) {
          // Yield the collected packets before waiting for a source.
          if (!gathered.isEmpty) return gathered.toBatch();
          const fetching = cursor.fetch();
          if (fetching !== undefined) return fetching.then(() => (isLeft ? undefined : mergeOn()));
        }
      }
      const run = nextRun(cursors);
      if (run === undefined) {
        if (!gathered.isEmpty) return gathered.toBatch();
        interfaces.updateCounts();
        return undefined;
      }
      const { cursor, from, to } = run;
      const { batch } = cursor;
      const format = interfaces.formatOf(cursor.order, batch);
      if (!gathered.takes(batch, format)) {
        cursor.skipTo(from);
        return gathered.toBatch();
      }
      if (gathered.isEmpty && cursor.isWritable && from === 0 && to === batch.length) {
        cursor.skipTo(to);
        return withFormat(batch, format);
      }
      const end = gathered.append(batch, format, from, to);
      cursor.skipTo(end);
      if (end < to) return gathered.toBatch();
    }
  }

  return createSource({
    interfaces: interfaces.list,
    filtered: sources.every(({ filtered }) => filtered),
    pull,
    copy: copyBatch,
    dropped: () => sources.reduce((sum, source) => sum + source.stats().dropped, 0),
    stop: () => {
      for (const cursor of cursors) cursor.stop();
    },
    leave: async () => {
      isLeft = true;
      interfaces.updateCounts();
      await Promise.all(cursors.map((cursor) => cursor.leave()));
    },
    close: async () => {
      await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
    },
  });
}

/** Consecutive packets of one source that precede those of all others. */
interface Run {
  readonly cursor: Cursor;
  readonly from: number;
  readonly to: number;
}

function nextRun(cursors: readonly Cursor[]): Run | undefined {
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

const EMPTY: PacketBatch = {
  format: { linkType: 0, resolution: "us", snapLength: 0, interfaceId: 0 },
  length: 0,
  records: new Uint8Array(0),
  offsets: new Uint32Array(0),
};

/** The position in a source: its current batch, the next packet in it, and the time of that packet. */
class Cursor {
  /** Index among the sources; decides between packets of the same time. */
  readonly order: number;
  /** Whether its batches may be passed on to a reader that overwrites them. */
  readonly isWritable: boolean;
  readonly #source: PacketSource;
  readonly #reader: BatchReader;
  /** Abandons the pending read of a batch; undefined if there is none. */
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
  #accept(batch: PacketBatch | undefined): boolean {
    if (batch?.length === 0) return false;
    this.isEnded = batch === undefined;
    this.batch = batch ?? EMPTY;
    this.skipTo(0);
    return true;
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

/** A batch that collects copies of packets of one interface. */
class GatheredBatch {
  #records = new Uint8Array(GATHERED_BYTES);
  #offsets = new Uint32Array(4096);
  #comments: Map<number, readonly string[]> | undefined;
  #bytes = 0;
  #length = 0;
  #format: PacketFormat = EMPTY.format;
  #untimed = false;
  #eraSeconds = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  clear(): void {
    this.#bytes = 0;
    this.#length = 0;
    this.#comments = undefined;
  }

  /** Whether packets of a batch can be added to this one. */
  takes({ untimed = false, eraSeconds = 0 }: PacketBatch, format: PacketFormat): boolean {
    if (this.isEmpty) return true;
    return format === this.#format && untimed === this.#untimed && eraSeconds === this.#eraSeconds;
  }

  /** Adds packets until it is full, at least one if it was empty. Returns the index of the first packet not added. */
  append(batch: PacketBatch, format: PacketFormat, from: number, to: number): number {
    const { records, offsets, comments, untimed = false, eraSeconds = 0 } = batch;
    this.#format = format;
    this.#untimed = untimed;
    this.#eraSeconds = eraSeconds;
    const start = offsets[from]!;
    let end = from;
    while (end < to && this.#bytes + recordEnd(batch, end) - start <= this.#records.length) end++;
    if (end === from && this.isEmpty) {
      end++;
      this.#records = new Uint8Array(recordEnd(batch, from) - start);
    }
    if (end === from) return end;
    this.#reserveOffsets(this.#length + end - from);
    for (let index = from; index < end; index++) {
      const own = comments?.get(index);
      if (own !== undefined) {
        this.#comments ??= new Map();
        this.#comments.set(this.#length, own);
      }
      this.#offsets[this.#length++] = this.#bytes + (offsets[index]! - start);
    }
    const stop = recordEnd(batch, end - 1);
    copyBytes(this.#records, this.#bytes, records, start, stop);
    this.#bytes += stop - start;
    return end;
  }

  toBatch(): PacketBatch {
    const records = this.#records.subarray(0, this.#bytes);
    const plain = { format: this.#format, length: this.#length, records, offsets: this.#offsets };
    if (this.#comments === undefined && !this.#untimed && this.#eraSeconds === 0) return plain;
    return {
      ...plain,
      ...(this.#comments !== undefined && { comments: this.#comments }),
      ...(this.#untimed && { untimed: true }),
      ...(this.#eraSeconds !== 0 && { eraSeconds: this.#eraSeconds }),
    };
  }

  #reserveOffsets(length: number): void {
    if (length <= this.#offsets.length) return;
    // Bounded: the number of records that fit in the batch limits it.
    const larger = new Uint32Array(Math.max(length, 2 * this.#offsets.length));
    larger.set(this.#offsets.subarray(0, this.#length));
    this.#offsets = larger;
  }
}

/** The merged interfaces with one description; each source uses them in order, each once. */
interface SameDescription {
  readonly merged: PacketFormat[];
  /** Number of them that each source uses, by index of the source. */
  readonly used: number[];
}

/** One list of the interfaces of all sources, which grows as theirs do. */
class MergedInterfaces {
  readonly list: CaptureInterface[] = [];
  readonly #sources: readonly PacketSource[];
  readonly #byDescription = new Map<string, SameDescription>();
  /** Result of the last lookup. */
  #last: { readonly own: CaptureInterface; readonly same: SameDescription } | undefined;
  /** Format of the merged packets, by source and interface; its `interfaceId` is an index into `list`. */
  readonly #formats: PacketFormat[][];

  constructor(sources: readonly PacketSource[]) {
    this.#sources = sources;
    this.#formats = sources.map(() => []);
    sources.forEach(({ interfaces }, order) => {
      interfaces.forEach((own, id) => {
        this.#add(order, id, own);
      });
    });
  }

  formatOf(order: number, { format }: PacketBatch): PacketFormat {
    const { interfaceId } = format;
    const known = this.#formats[order]?.[interfaceId];
    return known ?? this.#add(order, interfaceId, this.#sources[order]?.interfaces[interfaceId] ?? format);
  }

  /** Adds up the counts of the sources; called when the iteration ends, as captures have their counts at the end. */
  updateCounts(): void {
    const totals = new Map<number, InterfaceCounts>();
    this.#formats.forEach((formats, order) => {
      formats.forEach(({ interfaceId }, id) => {
        const counts = this.#sources[order]?.interfaces[id]?.counts;
        if (counts !== undefined) totals.set(interfaceId, sum(totals.get(interfaceId), counts));
      });
    });
    for (const [interfaceId, counts] of totals) {
      this.list[interfaceId] = { ...this.list[interfaceId]!, counts };
    }
  }

  #add(order: number, id: number, own: CaptureInterface): PacketFormat {
    const same = this.#sameAs(own);
    const used = same.used[order] ?? 0;
    same.used[order] = used + 1;
    const format = same.merged[used] ?? this.#create(own, same);
    this.#formats[order]![id] = format;
    return format;
  }

  #sameAs(own: CaptureInterface): SameDescription {
    // Captures with very many interfaces are usually concatenated short captures of the same interface.
    if (this.#last !== undefined && isPlainAlike(own, this.#last.own)) return this.#last.same;
    const description = descriptionOf(own);
    let same = this.#byDescription.get(description);
    if (same === undefined) {
      same = { merged: [], used: [] };
      this.#byDescription.set(description, same);
    }
    this.#last = { own, same };
    return same;
  }

  #create(own: CaptureInterface, same: SameDescription): PacketFormat {
    const { linkType, resolution, snapLength } = own;
    const format = { linkType, resolution, snapLength, interfaceId: this.list.length };
    this.list.push(own);
    same.merged.push(format);
    return format;
  }
}

/** The same batch with the format of the merged capture. */
function withFormat(batch: PacketBatch, format: PacketFormat): PacketBatch {
  const { length, records, offsets } = batch;
  // Fast path for nearly all batches: a spread costs as much as a small batch.
  if (batch.comments === undefined && batch.untimed === undefined && batch.eraSeconds === undefined)
    return { format, length, records, offsets };
  return { ...batch, format };
}

/** Whether two interfaces have the same format and no further description. */
function isPlainAlike(one: CaptureInterface, other: CaptureInterface): boolean {
  return (
    isPlain(one) &&
    isPlain(other) &&
    one.linkType === other.linkType &&
    one.resolution === other.resolution &&
    one.snapLength === other.snapLength
  );
}

function isPlain(own: CaptureInterface): boolean {
  const { name, description, filter, hardware, operatingSystem, comments, timeOffsetSeconds, pcapHeader } =
    own;
  return (
    name === undefined &&
    description === undefined &&
    filter === undefined &&
    hardware === undefined &&
    operatingSystem === undefined &&
    comments === undefined &&
    timeOffsetSeconds === undefined &&
    pcapHeader === undefined
  );
}

/** A key that is equal for interfaces with equal descriptions. */
function descriptionOf(own: CaptureInterface): string {
  const { linkType, resolution, snapLength, name, description, filter, hardware, operatingSystem } = own;
  const { timeOffsetSeconds = 0 } = own;
  const texts = [name, description, filter, hardware, operatingSystem, ...(own.comments ?? [])];
  const format = `${linkType} ${resolution} ${snapLength} ${timeOffsetSeconds} ${own.pcapHeader?.linkTypeWord}`;
  if (texts.every((text) => text === undefined)) return format;
  return format + JSON.stringify(texts.map((text) => text ?? null));
}

function sum(total: InterfaceCounts | undefined, { received, dropped }: InterfaceCounts): InterfaceCounts {
  return {
    ...total,
    ...(received !== undefined && { received: (total?.received ?? 0) + received }),
    ...(dropped !== undefined && { dropped: (total?.dropped ?? 0) + dropped }),
  };
}
