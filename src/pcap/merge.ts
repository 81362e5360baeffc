import { copyBytes } from "../bytes/copy-bytes.js";
import { uint32At } from "../bytes/little-endian.js";
import { checkArgument } from "../errors/check-argument.js";
import { aListOf } from "../errors/value-checks.js";
import {
  copyBatch,
  type PacketBatch,
  type PacketFormat,
  RECORD_FRACTION,
  RECORD_SECONDS,
  recordEnd,
} from "../packet/batch.js";
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

/** Bytes of a batch that packets of several sources are gathered in; a larger packet gets a batch of its own. */
const GATHERED_BYTES = 256 * 1024;
const NANOSECONDS = 1_000_000_000;

/**
 * Several captures as one, in the order of their times, as mergecap does it: each source is taken to be in order, and always
 * the one goes on whose next packet is the oldest; of packets of the same time, that of the source named first. A source
 * that is not in order stays as it is, and none is sorted. Packets without a time follow the one before them in their source.
 *
 * Interfaces that say the same of themselves become one across sources, never within one; counts are added up. Memory is
 * a batch of every source and one more. Reading begins with the first batch.
 *
 * It is for files and finished captures. A live source that is quiet is waited for, as its next packet may be the oldest;
 * meanwhile nothing is taken from the others, and what overflows their kernels' buffers is dropped.
 *
 * `stop` stops every source: what had arrived at any of them is handed out in the order of times. A source without
 * `stop` is left where it is: its batch at hand is handed out, and one that is being waited for is lost.
 *
 * Disposing of it disposes of the sources. It fails where one of them does, after every packet that came before; it is
 * `filtered` when all of them are.
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
          // What has been gathered need not wait.
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

/** Packets of one source that come before those of all others. */
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

/** Where a source stands: its batch at hand, the next packet in it, and that packet's time. */
class Cursor {
  /** Place among the sources, which decides between packets of the same time. */
  readonly order: number;
  /** Whether its batches may be handed on to be overwritten. */
  readonly isWritable: boolean;
  readonly #source: PacketSource;
  readonly #reader: BatchReader;
  /** Ends the wait for a batch. */
  #abandon: (() => void) | undefined;
  /** No further batch is to be asked for. */
  #isLast = false;
  batch: PacketBatch = EMPTY;
  index = 0;
  isEnded = false;
  #seconds = Number.NEGATIVE_INFINITY;
  #nanoseconds = 0;

  constructor(source: PacketSource, order: number) {
    this.#source = source;
    this.#reader = readBatches(source);
    this.isWritable = this.#reader.writable;
    this.order = order;
  }

  get needsBatch(): boolean {
    return !this.isEnded && this.index >= this.batch.length;
  }

  /** Reads the next batch; a promise only if the source has to be waited for. */
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

  /** False for an empty batch, which another one follows. */
  #accept(batch: PacketBatch | undefined): boolean {
    if (batch?.length === 0) return false;
    this.isEnded = batch === undefined;
    this.batch = batch ?? EMPTY;
    this.skipTo(0);
    return true;
  }

  /** Goes on to a packet of the batch, or to its end. */
  skipTo(index: number): void {
    this.index = index;
    if (index >= this.batch.length || this.batch.untimed === true) return;
    const at = this.batch.offsets[index]!;
    const fraction = uint32At(this.batch.records, at + RECORD_FRACTION);
    const nanoseconds = this.batch.format.resolution === "us" ? fraction * 1000 : fraction;
    // Odd files have fractions of a second and more.
    const carry = Math.floor(nanoseconds / NANOSECONDS);
    this.#seconds = uint32At(this.batch.records, at + RECORD_SECONDS) + (this.batch.eraSeconds ?? 0) + carry;
    this.#nanoseconds = nanoseconds - carry * NANOSECONDS;
  }

  isBefore(other: Cursor): boolean {
    if (this.#seconds !== other.#seconds) return this.#seconds < other.#seconds;
    if (this.#nanoseconds !== other.#nanoseconds) return this.#nanoseconds < other.#nanoseconds;
    return this.order < other.order;
  }

  /** Where the packets end that come before the other's next one; goes there. */
  runBefore(other: Cursor): number {
    do this.skipTo(this.index + 1);
    while (this.index < this.batch.length && this.isBefore(other));
    return this.index;
  }

  /** Makes it come to its end; the batch at hand stays. */
  stop(): void {
    if (this.isEnded) return;
    if (this.#source.stop !== undefined) {
      this.#source.stop();
      return;
    }
    this.#isLast = true;
    this.#abandon?.();
  }

  /** Not waited for while a batch is: who has not answered that may never answer this. */
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

/** Packets of one interface, copied together. */
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

  /** Whether packets of a batch can stand in this one. */
  takes({ untimed = false, eraSeconds = 0 }: PacketBatch, format: PacketFormat): boolean {
    if (this.isEmpty) return true;
    return format === this.#format && untimed === this.#untimed && eraSeconds === this.#eraSeconds;
  }

  /** Returns how far it came before it was full; at least one packet where it was empty. */
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
    // Not more than there can be records.
    const larger = new Uint32Array(Math.max(length, 2 * this.#offsets.length));
    larger.set(this.#offsets.subarray(0, this.#length));
    this.#offsets = larger;
  }
}

/** The merged interfaces of one description; a source uses them from the first one on, each once. */
interface SameDescription {
  readonly merged: PacketFormat[];
  /** By source, how many of them it uses. */
  readonly used: number[];
}

/** The interfaces of all sources in one list, which grows as theirs do. */
class MergedInterfaces {
  readonly list: CaptureInterface[] = [];
  readonly #sources: readonly PacketSource[];
  readonly #byDescription = new Map<string, SameDescription>();
  /** The interface that was looked up last. */
  #last: { readonly own: CaptureInterface; readonly same: SameDescription } | undefined;
  /** By source and interface, the format that its packets get: it has the index in `list`. */
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

  /** Adds up the counts of the sources; called when the pass ends, as a capture has its counts at its end. */
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
    // Captures of very many interfaces are those of many short ones, nearly always of the same interface.
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

/** The same batch, of an interface of the merged capture. */
function withFormat(batch: PacketBatch, format: PacketFormat): PacketBatch {
  const { length, records, offsets } = batch;
  // Nearly all batches have no more than these; a spread costs as much as a small batch.
  if (batch.comments === undefined && batch.untimed === undefined && batch.eraSeconds === undefined)
    return { format, length, records, offsets };
  return { ...batch, format };
}

/** Whether two interfaces have equal descriptions of nothing but their format. */
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

/** The same for interfaces that say the same of themselves. */
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
