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
import { aFormat, checkBatch, type PacketBatch, type PacketFormat, type Resolution } from "./batch.js";

// Declares global types for programs without them. The declaration files would not keep an `import type {}`.
export type {} from "../async/global-types.js";

/** Where packets were captured: a network interface, or the single unnamed interface of a pcap file. */
export interface CaptureInterface {
  /** Link type as numbered in capture files; see link-type.ts. */
  readonly linkType: number;
  /** Unit of the time fractions in the records of its packets. */
  readonly resolution: Resolution;
  /** Maximum captured length requested, in bytes; 0 for no limit. */
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  /** The pcap-filter expression used for the capture. */
  readonly filter?: string;
  readonly hardware?: string;
  readonly operatingSystem?: string;
  readonly comments?: readonly string[];
  /**
   * Offset in seconds, an integer, to which a pcapng file adds the timestamps of this interface (`if_tsoffset`); absent
   * means 0. Packet times include it. A negative offset lets a pcapng file represent times before 1970.
   */
  readonly timeOffsetSeconds?: number;
  /** Packet counts of the capturing program, from the last statistics in the file. */
  readonly counts?: InterfaceCounts;
  /** The remaining fields of a pcap file header, so that it can be written back byte for byte. */
  readonly pcapHeader?: PcapHeader;
}

/** Packet counts written by the capturing program (pcapng Interface Statistics Block). */
export interface InterfaceCounts {
  readonly received?: number;
  /** Packets dropped for lack of resources, by the interface and by the operating system together. */
  readonly dropped?: number;
}

/** Fields of a pcap file header besides resolution and snap length. */
export interface PcapHeader {
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** Time zone offset in seconds; programs write 0 and readers ignore it. */
  readonly thisZone: number;
  readonly sigFigs: number;
  /** All 32 bits of the link-type field: the low 16 are the link type, the top 6 describe frame check sequences. */
  readonly linkTypeWord: number;
}

/** Running totals of a source. */
export interface SourceStats {
  /** Packets yielded. */
  readonly received: number;
  /** Packets dropped before the source could yield them: by the kernel or, for a file, by the capturing program. */
  readonly dropped: number;
}

/**
 * A source of packets. It can be iterated once and yields batches in order; the reader owns them. The caller that opens
 * a source disposes of it.
 *
 * The iteration ends with the source and throws on an error; it yields every packet before the error first.
 */
export interface PacketSource extends AsyncIterable<PacketBatch>, AsyncDisposable {
  /** May grow while the source is read (pcapng); indices stay valid. */
  readonly interfaces: readonly CaptureInterface[];
  /** Whether all packets have already passed the include filters that the source was opened with. */
  readonly filtered: boolean;
  /** The totals so far. */
  stats(): SourceStats;
  /**
   * Ends the source gracefully: the iteration yields the packets that have already arrived, then ends. If a source
   * lacks this method, its reader ends the iteration at the next batch.
   */
  stop?(): void;
  /**
   * The same single iteration without copies: a batch is only valid until the next pull, as the source may reuse its
   * memory. The reader may overwrite the batch. For stages that finish with a batch before they pull the next.
   */
  reusedBatches?(): AsyncIterable<PacketBatch>;
}

/** The single iteration over a source, and whether its batches may be overwritten. */
export interface ReusedBatches {
  readonly batches: AsyncIterable<PacketBatch>;
  /** Whether the reader may change the batches in place; if not, others may still use them. */
  readonly writable: boolean;
}

/** Checks for the members of every source; see {@link PacketSource}. */
export const aSource: ValueCheck<PacketSource> = withMethods<PacketSource>(
  "a packet source",
  Symbol.asyncIterator,
  "stats",
);

/** Returns the fastest iteration that a source supports. */
export function reusedBatchesOf(source: PacketSource): ReusedBatches {
  checkArgument("reusedBatchesOf", "source", source, aSource);
  return source.reusedBatches === undefined
    ? { batches: source, writable: false }
    : { batches: source.reusedBatches(), writable: true };
}

/** Reads a source once, batch by batch. */
export interface BatchReader {
  /** Whether the batches may be changed in place; if so, each is only valid until the next call. */
  readonly writable: boolean;
  /**
   * The next batch, or undefined at the end. Returns a promise only if the source has to wait, since promises cost more
   * than small batches. Must not be called while a promise is pending. Throws or rejects as the source does.
   */
  next(): ReturnType<Pull>;
  /** Ends the iteration early. */
  leave(): Promise<void>;
}

/** Begins the single iteration over a source, the fastest that it supports. */
export function readBatches(source: PacketSource): BatchReader {
  const { batches, writable } = reusedBatchesOf(source);
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

/** Options of {@link fromBatches} for live sources, whose packets arrive over time. */
export interface LiveOptions {
  /**
   * Called once to end the source gracefully: yield the packets that have arrived, then end the iteration. Without it
   * the iteration ends at once, and a pending batch is lost.
   */
  readonly stop?: () => void;
  /** Number of packets dropped so far before the source could yield them. */
  readonly dropped?: () => number;
}

const LIVE_OPTIONS: OptionTable<LiveOptions> = { stop: aFunction, dropped: aFunction };

const anInterface: ValueCheck<CaptureInterface> = fieldsOf<
  Pick<CaptureInterface, "linkType" | "resolution" | "snapLength" | "timeOffsetSeconds">
>({
  linkType: required(aNumber),
  resolution: required(oneOf("us", "ns")),
  snapLength: required(anInteger(0)),
  timeOffsetSeconds: anInteger(Number.MIN_SAFE_INTEGER + 1),
});

const aFormatOrInterfaces = either(Array.isArray, aListOf(anInterface), aFormat);

/**
 * Creates a source from batches in memory; yields them unchanged, without copying.
 *
 * @param batches An iterable such as an array, or an async iterable such as a generator. It is iterated once; its
 *   `return` is called if the reader stops early.
 * @param format The format of all packets, or the list of interfaces that `format.interfaceId` of the batches indexes.
 * @param options For live packets: how to stop the source, and how many packets were dropped.
 * @throws OptionsError; TypeError if `batches` or `format` is invalid.
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
  let index = 0;
  let ended = false;
  let isWaiting = false;
  let isStopped = false;

  function stopOnce(): void {
    if (isStopped) return;
    isStopped = true;
    stop?.();
  }

  return createSource({
    interfaces,
    pull: async () => {
      isWaiting = true;
      const { done, value } = await iterator.next();
      isWaiting = false;
      ended = done === true;
      if (ended) return undefined;
      // True because only a result at the end has another value.
      const batch = value as PacketBatch;
      checkBatch("fromBatches", batch, index++);
      return batch;
    },
    dropped,
    ...(stop !== undefined && { stop: stopOnce }),
    leave: async () => {
      if (ended) return;
      if (!isWaiting) {
        await iterator.return?.();
        return;
      }
      // A generator runs `return` after its pending `next`, which only `stop` ends, if anything does.
      stopOnce();
      Promise.resolve(iterator.return?.()).catch(() => {});
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

/** Returns the next batch, undefined at the end, or a promise if the source has to wait. */
export type Pull = () => PacketBatch | undefined | Promise<PacketBatch | undefined>;

/** The implementation of a source, for {@link createSource}. */
export interface SourceParts {
  readonly interfaces: readonly CaptureInterface[];
  readonly filtered?: boolean;
  /** Called for one batch at a time, and not after it has failed or returned undefined. */
  readonly pull: Pull;
  /** Copies a batch whose memory the source reuses; absent if the source reuses no memory. */
  readonly copy?: (batch: PacketBatch) => PacketBatch;
  readonly dropped: () => number;
  /**
   * Makes `pull` return undefined once the packets that have arrived are yielded; absent for sources that are not live:
   * those end at once, even while a `pull` is pending. Called at most once, and not after the end.
   */
  readonly stop?: () => void;
  /** Called at most once, if the iteration ends before the source does: the reader returns, stops or closes it. */
  readonly leave?: () => void | Promise<void>;
  /** Releases the resources of the source; called once. */
  readonly close?: () => void | Promise<void>;
}

/**
 * Creates a source with the behaviour that all sources share: one iteration, packet counts, stop, and a single close.
 */
export function createSource(parts: SourceParts): PacketSource & Required<Pick<PacketSource, "stop">> {
  const { interfaces, filtered = false, pull, copy, dropped, stop, leave, close } = parts;
  let begun = false;
  let stopped = false;
  let ended = false;
  let received = 0;
  let closing: Promise<void> | undefined;
  /** Ends the wait for a pending `pull` of a source that has no `stop`. */
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

  /** Ends the iteration early. */
  async function finish(): Promise<void> {
    if (ended) return;
    ended = true;
    const leaving = Promise.resolve(leave?.());
    if (abandon === undefined) return leaving;
    abandon();
    // Not awaited: an iterator with a pending `pull` may never settle this either.
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
    if (batch instanceof Promise) return batch.then((reused) => reused && copyOne(reused));
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
    ...(copy !== undefined && { reusedBatches: () => ({ [Symbol.asyncIterator]: () => begin(next) }) }),
    [Symbol.asyncDispose]: () => {
      closing ??= closeOnce();
      return closing;
    },
  };
}

/**
 * The iteration over a source. A class, because a generator takes several times as long for every batch; like a
 * generator it serializes overlapping calls, and ends after an error.
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

  /** The next batch, without a promise if it is available at once. Must not be called while a promise is pending. */
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
