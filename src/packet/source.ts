import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, fieldsOf, type OptionTable } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import {
  aFunction,
  aListOf,
  aNumber,
  anInteger,
  anIterable,
  either,
  oneOf,
  required,
  type ValueCheck,
  withMethods,
} from "../errors/value-checks.js";
import { aFormat, type PacketBatch, type PacketFormat, type Resolution } from "./batch.js";

// Loads the global types into programs that lack them; an `import type {}` would not be kept in the declarations.
export type {} from "../async/global-types.js";

/** Where packets were captured: a network interface, or the one nameless interface of a pcap file. */
export interface CaptureInterface {
  /** Number as in capture files, see link-type.ts. */
  readonly linkType: number;
  /** What the records of its packets are framed in. */
  readonly resolution: Resolution;
  /** Largest captured length asked for; 0 for no limit. */
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  /** The pcap-filter text it was captured with. */
  readonly filter?: string;
  readonly hardware?: string;
  readonly operatingSystem?: string;
  readonly comments?: readonly string[];
  /**
   * Seconds since 1970 from which a pcapng file counts the times of this interface (`if_tsoffset`), an integer; absent
   * means 0. Times of packets include it. With a negative one a pcapng file can hold times before 1970.
   */
  readonly timeOffsetSeconds?: number;
  /** Packet counts of the capturing program, as the file last told them. */
  readonly counts?: InterfaceCounts;
  /** The rest of a pcap file's header, so that it can be written back byte for byte. */
  readonly pcapHeader?: PcapHeader;
}

/** Packet counts that a capturing program left in the file (pcapng Interface Statistics Block). */
export interface InterfaceCounts {
  readonly received?: number;
  /** Lost for want of resources, by the interface and by the system together. */
  readonly dropped?: number;
}

/** What a pcap file header says besides resolution and snap length. */
export interface PcapHeader {
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** Seconds east of UTC; programs write 0 and readers ignore it. */
  readonly thisZone: number;
  readonly sigFigs: number;
  /** All 32 bits of the link-type word: the low 16 are the link type, the top 6 tell of frame check sequences. */
  readonly linkTypeWord: number;
}

/** Running totals of a source. */
export interface SourceStats {
  /** Packets handed out. */
  readonly received: number;
  /** Packets lost in the kernel (or, for a file, by the program that wrote it) before they could be handed out. */
  readonly dropped: number;
}

/**
 * Where packets come from: read once, in order, in batches that the reader owns. Whoever opens a source disposes of it.
 *
 * The iteration ends where the source ends, throws where it cannot go on, and has handed out before that every packet
 * that came before.
 */
export interface PacketSource extends AsyncIterable<PacketBatch>, AsyncDisposable {
  /** May grow while the source is read (pcapng); an index, once given, keeps its meaning. */
  readonly interfaces: readonly CaptureInterface[];
  /** Whatever it hands out has already passed the include filters given to open. */
  readonly filtered: boolean;
  /** The totals so far. */
  stats(): SourceStats;
  /**
   * "Finish well": no new packets are waited for; what had arrived is still handed out, then the iteration ends. A
   * source without it is left at the next batch.
   */
  stop?(): void;
  /**
   * The same single pass, with batches that are only lent: their memory may be used again for the next batch, and the
   * borrower may overwrite it. For stages that are done with a batch before they ask for the next.
   */
  borrow?(): AsyncIterable<PacketBatch>;
}

/** The one pass over a source, and whether its batches are lent or belong to somebody. */
export interface Borrowed {
  readonly batches: AsyncIterable<PacketBatch>;
  /** Whether the batches may be changed in place; if not, they belong to somebody else. */
  readonly writable: boolean;
}

/** What every source has; see {@link PacketSource}. */
export const aSource: ValueCheck<PacketSource> = withMethods<PacketSource>(
  "a packet source",
  Symbol.asyncIterator,
  "stats",
);

/** The fastest pass a source has to offer. */
export function borrowBatches(source: PacketSource): Borrowed {
  checkArgument("borrowBatches", "source", source, aSource);
  return source.borrow === undefined
    ? { batches: source, writable: false }
    : { batches: source.borrow(), writable: true };
}

/** One pass over a source, batch by batch. */
export interface BatchReader {
  /** Whether the batches may be changed in place; then they are only valid until the next one is read. */
  readonly writable: boolean;
  /**
   * The next batch, undefined at the end; a promise only if the source has to wait for it, as promises would cost more than
   * small batches. Not to be called while one is pending. Fails as the source does, by throwing or by rejecting.
   */
  next(): ReturnType<Pull>;
  /** Ends the pass before its end. */
  leave(): Promise<void>;
}

/** Begins the one pass over a source, the fastest that it has to offer. */
export function readBatches(source: PacketSource): BatchReader {
  const { batches, writable } = borrowBatches(source);
  const iterator = batches[Symbol.asyncIterator]();
  const next: Pull =
    iterator instanceof BatchIterator
      ? () => iterator.pull()
      : async () => {
          const { done, value } = await iterator.next();
          return done === true ? undefined : value;
        };
  return {
    writable,
    next,
    leave: async () => {
      await iterator.return?.();
    },
  };
}

/** What a source of packets that arrive by themselves has to tell {@link fromBatches}. */
export interface LiveOptions {
  /**
   * Called once, when the source is to finish well: hand out what has arrived, then end the iteration. Without it the
   * pass ends at once, and a batch that is being waited for is lost.
   */
  readonly stop?: () => void;
  /** Packets lost so far before they could be handed out. */
  readonly dropped?: () => number;
}

const LIVE_OPTIONS: OptionTable<LiveOptions> = { stop: aFunction, dropped: aFunction };

const anInterface: ValueCheck<CaptureInterface> = fieldsOf<
  Pick<CaptureInterface, "linkType" | "resolution" | "snapLength" | "timeOffsetSeconds">
>({
  linkType: required(aNumber),
  resolution: required(oneOf("us", "ns")),
  snapLength: required(anInteger(0)),
  timeOffsetSeconds: anInteger(-(2 ** 63), 2 ** 63),
});

const aFormatOrInterfaces = either(Array.isArray, aListOf(anInterface), aFormat);

/**
 * The in-memory source: hands out batches as they are, without copying them.
 *
 * @param batches Arrays and other iterables, or an async iterable such as a generator; read once, and told to finish
 *   (`return`) when the reader leaves early.
 * @param format What the packets are: one format, or the whole list of interfaces that `format.interfaceId` of the
 *   batches points into.
 * @param options For packets that arrive by themselves: how to stop them, and how many were lost.
 * @throws OptionsError; TypeError for other batches or another format.
 */
export function fromBatches(
  batches: Iterable<PacketBatch> | AsyncIterable<PacketBatch>,
  format: PacketFormat | readonly CaptureInterface[],
  options: LiveOptions = {},
): PacketSource {
  checkArgument("fromBatches", "batches", batches, anIterable);
  checkArgument("fromBatches", "format", format, aFormatOrInterfaces);
  checkOptions("fromBatches", options, LIVE_OPTIONS);
  const { stop, dropped = () => 0 } = options;
  let interfaces: readonly CaptureInterface[];
  if (isList(format)) {
    interfaces = format;
  } else {
    const { linkType, resolution, snapLength } = format;
    interfaces = [{ linkType, resolution, snapLength }];
  }
  const iterator = iteratorOf(batches);
  let ended = false;
  return createSource({
    interfaces,
    pull: async () => {
      const { done, value } = await iterator.next();
      ended = done === true;
      return ended ? undefined : (value as PacketBatch);
    },
    dropped,
    ...(stop !== undefined && { stop }),
    leave: async () => {
      if (!ended) await iterator.return?.();
    },
  });
}

function iteratorOf(
  batches: Iterable<PacketBatch> | AsyncIterable<PacketBatch>,
): Iterator<PacketBatch> | AsyncIterator<PacketBatch> {
  return Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
}

function isList(format: PacketFormat | readonly CaptureInterface[]): format is readonly CaptureInterface[] {
  return Array.isArray(format);
}

/** Asks for the next batch: there is one, there are no more (undefined), or it has to be waited for. */
export type Pull = () => PacketBatch | undefined | Promise<PacketBatch | undefined>;

/** The parts that differ from source to source. */
export interface SourceParts {
  readonly interfaces: readonly CaptureInterface[];
  readonly filtered?: boolean;
  /** Called for one batch at a time, and no more after it has thrown or said that there are no more. */
  readonly pull: Pull;
  /** What makes a lent batch one that can be kept; absent where batches are not lent. */
  readonly copy?: (batch: PacketBatch) => PacketBatch;
  readonly dropped: () => number;
  /**
   * Makes `pull` come to its end when what has arrived is handed out; absent where nothing arrives by itself: then the
   * pass ends at once, also when `pull` is being waited for. Called at most once, and not after the end.
   */
  readonly stop?: () => void;
  /** Called at most once, when the pass ends before the end of the source: left, stopped or closed. */
  readonly leave?: () => void | Promise<void>;
  /** Gives back what the source holds; called once. */
  readonly close?: () => void | Promise<void>;
}

/** Makes a source of its parts, with the rules that all sources share: one pass, counted, stoppable, closed once. */
export function createSource(parts: SourceParts): PacketSource & Required<Pick<PacketSource, "stop">> {
  const { interfaces, filtered = false, pull, copy, dropped, stop, leave, close } = parts;
  let begun = false;
  let stopped = false;
  let ended = false;
  let received = 0;
  let closing: Promise<void> | undefined;
  /** Ends the wait for a `pull` that nothing else would end. */
  let abandon: (() => void) | undefined;

  function next(): ReturnType<Pull> {
    if (ended) return undefined;
    let batch: ReturnType<Pull>;
    try {
      batch = pull();
    } catch (error) {
      return fail(error);
    }
    if (!(batch instanceof Promise)) return count(batch);
    return (stop === undefined ? orAbandoned(batch) : batch).then(count, fail);
  }

  function orAbandoned(batch: Promise<PacketBatch | undefined>): Promise<PacketBatch | undefined> {
    return new Promise((resolve, reject) => {
      abandon = () => resolve(undefined);
      batch.then(resolve, reject);
    });
  }

  function count(batch: PacketBatch | undefined): PacketBatch | undefined {
    abandon = undefined;
    if (batch === undefined) ended = true;
    else received += batch.length;
    return batch;
  }

  function fail(error: unknown): never {
    abandon = undefined;
    ended = true;
    throw error;
  }

  /** Ends the pass before its end. */
  async function finish(): Promise<void> {
    if (ended) return;
    ended = true;
    const leaving = Promise.resolve(leave?.());
    if (abandon === undefined) return leaving;
    abandon();
    // Not waited for: who has not answered `pull` may never answer this.
    leaving.catch(() => {});
  }

  function begin(nextBatch: Pull): AsyncIterator<PacketBatch> {
    if (closing !== undefined) throw new FlowscribeError("source_consumed", "the source has been closed");
    if (begun) throw new FlowscribeError("source_consumed", "a source can be read only once; open it again");
    begun = true;
    return new BatchIterator(nextBatch, finish);
  }

  function nextCopy(copyOne: (batch: PacketBatch) => PacketBatch): ReturnType<Pull> {
    const batch = next();
    if (batch instanceof Promise) return batch.then((lent) => lent && copyOne(lent));
    return batch && copyOne(batch);
  }

  async function closeOnce(): Promise<void> {
    try {
      await finish();
    } finally {
      await close?.();
    }
  }

  return {
    interfaces,
    filtered,
    stats: () => ({ received, dropped: dropped() }),
    stop: () => {
      if (stopped || ended) return;
      stopped = true;
      if (stop !== undefined) stop();
      else finish().catch(() => {});
    },
    [Symbol.asyncIterator]: () => begin(copy === undefined ? next : () => nextCopy(copy)),
    ...(copy !== undefined && { borrow: () => ({ [Symbol.asyncIterator]: () => begin(next) }) }),
    [Symbol.asyncDispose]: () => {
      closing ??= closeOnce();
      return closing;
    },
  };
}

/**
 * The pass over a source. Written out, as a generator takes several times as long for every batch; like a generator it
 * answers calls that overlap one after the other, and ends after an error.
 */
class BatchIterator implements AsyncIterator<PacketBatch, undefined> {
  readonly #pull: Pull;
  readonly #leave: () => Promise<void>;
  #ended = false;
  #pending: Promise<unknown> | undefined;

  constructor(pull: Pull, leave: () => Promise<void>) {
    this.#pull = pull;
    this.#leave = leave;
  }

  async next(): Promise<IteratorResult<PacketBatch, undefined>> {
    while (this.#pending !== undefined) await this.#pending;
    const batch = await this.pull();
    return batch === undefined ? { done: true, value: undefined } : { done: false, value: batch };
  }

  /** The next batch, without a promise when it is already there. Not to be called while one is pending. */
  pull(): ReturnType<Pull> {
    if (this.#ended) return undefined;
    try {
      const batch = this.#pull();
      if (batch instanceof Promise) return this.#waitFor(batch);
      if (batch === undefined) this.#ended = true;
      return batch;
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  async #waitFor(promise: Promise<PacketBatch | undefined>): Promise<PacketBatch | undefined> {
    this.#pending = promise.then(
      () => {},
      () => {},
    );
    try {
      const batch = await promise;
      if (batch === undefined) this.#ended = true;
      return batch;
    } catch (error) {
      this.#ended = true;
      throw error;
    } finally {
      this.#pending = undefined;
    }
  }

  async return(): Promise<IteratorResult<PacketBatch, undefined>> {
    if (!this.#ended) {
      this.#ended = true;
      await this.#leave();
    }
    return { done: true, value: undefined };
  }
}
