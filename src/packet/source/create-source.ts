import { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch } from "../batch.js";
import type { KeptPackets } from "../kept-packets.js";
import type { CaptureInterface, PacketSource } from "../source.js";
import { BatchIterator, type Pull } from "./batch-reader.js";

/** A batch, or a block of kept packets. */
interface Counted {
  readonly length: number;
}

/** The implementation of a source, for {@link createSource}. */
export interface SourceImplementation {
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
  /** Keeps packets in the memory of the source, instead of {@link pull}; see `PacketSource`. Without its counts and its end. */
  readonly keepPackets?: ((bytes: number) => Omit<KeptPackets, "leave"> | undefined) | undefined;
  /** For a source that waits for a trigger; see `PacketSource`. */
  readonly triggered?: Promise<void> | undefined;
  /** Releases the resources of the source; called once. */
  readonly close?: () => void | Promise<void>;
}

/**
 * Creates a source with the behaviour that all sources share: one iteration, packet counts, stop, and a single close.
 */
export function createSource(
  implementation: SourceImplementation,
): PacketSource & Required<Pick<PacketSource, "stop">> {
  const { interfaces, filtered = false, pull, copy, dropped, stop, leave, triggered, close } = implementation;
  const { keepPackets } = implementation;
  let begun = false;
  let stopped = false;
  let ended = false;
  let received = 0;
  let closing: Promise<void> | undefined;
  /** Ends the wait for a pending `pull` of a source that has no `stop`. */
  let abandon: (() => void) | undefined;

  function next(): ReturnType<Pull> {
    return nextOf(pull);
  }

  function nextOf<B extends Counted>(pullNext: () => B | undefined | Promise<B | undefined>) {
    if (ended) return undefined;
    let batch: B | undefined | Promise<B | undefined>;
    try {
      batch = pullNext();
    } catch (error) {
      return fail(error);
    }
    if (!(batch instanceof Promise)) return count(batch);
    return (stop === undefined ? orAbandoned(batch) : batch).then(count, fail);
  }

  function orAbandoned<B>(batch: Promise<B | undefined>): Promise<B | undefined> {
    return new Promise((resolve, reject) => {
      abandon = () => resolve(undefined);
      batch.then(resolve, reject);
    });
  }

  function count<B extends Counted>(batch: B | undefined): B | undefined {
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
    beginOnce();
    return new BatchIterator(nextBatch, finish);
  }

  function beginOnce(): void {
    if (closing !== undefined) throw new FlowscribeError("source_consumed", "the source has been closed");
    if (begun) throw new FlowscribeError("source_consumed", "a source can be read only once; open it again");
    begun = true;
  }

  function keep(bytes: number): KeptPackets | undefined {
    const kept = begun || closing !== undefined ? undefined : keepPackets?.(bytes);
    if (kept === undefined) return undefined;
    beginOnce();
    return { ...kept, next: () => nextOf(() => kept.next()), leave: finish };
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
    ...(triggered !== undefined && { triggered }),
    stats: () => ({ received, dropped: dropped() }),
    stop: () => {
      if (stopped || ended) return;
      stopped = true;
      if (stop !== undefined) stop();
      else finish().catch(() => {});
    },
    [Symbol.asyncIterator]: () => begin(copy === undefined ? next : () => nextCopy(copy)),
    ...(copy !== undefined && { reusedBatches: () => ({ [Symbol.asyncIterator]: () => begin(next) }) }),
    ...(keepPackets !== undefined && { keepPackets: keep }),
    [Symbol.asyncDispose]: () => {
      closing ??= closeOnce();
      return closing;
    },
  };
}
