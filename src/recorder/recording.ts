import { onAbort } from "../async/abort.js";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction, aNumberFrom, aSignal, oneOf } from "../errors/value-checks.js";
import { capturedBytes, type PacketBatch, type Resolution, truncateBatch } from "../packet/batch.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import { cutRecords, selectRecords } from "../packet/select.js";
import { aSource, type PacketSource, readBatches } from "../packet/source.js";
import { createByteSink } from "./byte-sink.js";
import { type Delivery, queueingDelivery, waitingDelivery } from "./delivery.js";
import type { OpenSink, PacketSink, SinkResult } from "./sink.js";
import { planRecording, type RecordingPlan, type StartRecordingInit } from "./start.js";
import { type RecordingStats, Updates } from "./stats.js";
import { type StopLimit, StopTracker } from "./stop.js";

/** Default bound of the queue to the sink: some 60,000 packets of 128 bytes. */
export const DEFAULT_QUEUE_BYTES = 8 * 1024 * 1024;

/** Where the packets go and what bounds them. */
export interface RecordOptions {
  /** Where the packets go; without it they are read from {@link Recording.bytes}. */
  readonly sink?: OpenSink;
  /**
   * What happens while the sink is busy. `wait` (default): the source is not read on; files lose nothing, a live source
   * drops and counts what its own buffer cannot hold. `drop`: the source is read on, and what does not fit into the
   * queue is lost and counted, as in Cilium's Recorder.
   */
  readonly whenBusy?: "wait" | "drop";
  /** Bound of the queue: of unread `bytes`, and of packets on their way to the sink with `drop`. */
  readonly queueBytes?: number;
  /** Unit of the times in `bytes`; microseconds, as upstream's, by default. */
  readonly resolution?: Resolution;
  /** "Give up": `stopped` rejects with the signal's reason; a file stays, closed, with what is in it. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

const RECORD_OPTIONS: OptionTable<RecordOptions> = {
  sink: aFunction,
  whenBusy: oneOf("wait", "drop"),
  queueBytes: aNumberFrom(0),
  resolution: oneOf("us", "ns"),
  signal: aSignal,
  clock: aClock,
};

/** Why a recording came to its end: asked to, a limit of the stop condition, or no more packets. */
export type StopReason = "requested" | StopLimit | "source_end";

/** How a recording ended. */
export interface RecordingResult extends SinkResult {
  readonly reason: StopReason;
  /** Final; every packet that matched is in it. */
  readonly stats: RecordingStats;
}

/** A recording under way. */
export interface Recording {
  /**
   * "Finish well": what was received is recorded, then `stopped` resolves. Harmless when repeated or too late.
   */
  stop(): void;
  /** The counts at this moment; final when the recording has ended, however it did. */
  readonly stats: RecordingStats;
  /** Where the sink writes, once it is open, if it is a file: known also when the recording fails. */
  readonly filePath: string | undefined;
  /**
   * The counts, beginning with those at hand, then whenever they have changed; coalesced for a slow reader. Ends with
   * the recording, however that ends. May be read any number of times.
   */
  readonly updates: AsyncIterable<RecordingStats>;
  /**
   * The pcap, when no sink was given: read it, as the recording waits while more than `queueBytes` are unread. Chunks
   * belong to the reader. Leaving early stops the recording. Fails as `stopped` does.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * Rejects with the failure of the source or the sink, or with the reason of the signal. Await it, if only at the end:
   * with a sink a failure is told nowhere else. (A rejection that nobody looks at does not end the process.)
   */
  readonly stopped: Promise<RecordingResult>;
}

/**
 * Records the packets of a source that the filters of `start` select, until a limit of its stop condition is reached,
 * `stop()` is called, or the source ends. Begins at once. The source stays the caller's to dispose of.
 *
 * Packets are cut to `max_capture_length` after they have been matched; 0 keeps all, and is written as a snap length of
 * 262,144 (upstream: 65,535). A source that is already `filtered` is not filtered again. The pcap takes packets of one
 * link type only.
 *
 * @throws ConfigurationError `invalid_recording` with every fault of `start`, before anything is opened.
 * @throws OptionsError; TypeError for another source.
 */
export function record(
  source: PacketSource,
  start: StartRecordingInit,
  options: RecordOptions = {},
): Recording {
  checkArgument("record", "source", source, aSource);
  checkOptions("record", options, RECORD_OPTIONS);
  const recorder = new Recorder(source, planRecording(start), options);
  return recorder.run();
}

/** Batches after which the event loop gets a turn: a source and a sink that never wait would keep it from all others. */
const BATCHES_PER_TURN = 32;

/** What a wait for a source that cannot be stopped comes to when the recording is. */
const LEFT = Symbol("left");

class Recorder {
  readonly #source: PacketSource;
  readonly #plan: RecordingPlan;
  readonly #options: RecordOptions;
  readonly #clock: Clock;
  readonly #tracker: StopTracker;
  readonly #updates: Updates<RecordingStats>;
  readonly #droppedBefore: number;
  #filePath: string | undefined;
  #packetsCaptured = 0;
  #bytesCaptured = 0;
  #packetsLost = 0;
  #bytesLost = 0;
  /** The first reason to stop; what has arrived by then is still recorded. */
  #reason: StopReason | undefined;
  /** What the loop throws next: the abort, or a failure of the sink beside the loop. */
  #failure: { readonly error: unknown } | undefined;
  /** Ends the wait at hand; the failure is thrown. */
  #giveUp: (() => void) | undefined;
  /** Ends the wait for a source that cannot be stopped. */
  #leaveSource: (() => void) | undefined;
  /** Set when the recording has ended: the source may count on, or be disposed of. */
  #finalStats: RecordingStats | undefined;

  constructor(source: PacketSource, plan: RecordingPlan, options: RecordOptions) {
    this.#source = source;
    this.#plan = plan;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#tracker = new StopTracker(plan.stopCondition);
    this.#updates = new Updates(() => this.#stats());
    this.#droppedBefore = source.stats().dropped;
  }

  run(): Recording {
    const { sink, queueBytes = DEFAULT_QUEUE_BYTES, resolution = "us" } = this.#options;
    const stop = () => this.#finish("requested");
    if (sink !== undefined) {
      const stopped = this.#record(sink);
      // Whoever reads the updates first looks at it only afterwards.
      stopped.catch(() => {});
      return this.#recording(stop, noBytes, stopped);
    }
    const byteSink = createByteSink({ queueBytes, resolution }, stop);
    const stopped = this.#record(byteSink.open);
    // Whoever reads the bytes learns of the failure there, and need not look at `stopped` as well.
    stopped.then(byteSink.end, byteSink.fail);
    return this.#recording(stop, byteSink.bytes, stopped);
  }

  #recording(
    stop: () => void,
    bytes: AsyncIterable<Uint8Array>,
    stopped: Promise<RecordingResult>,
  ): Recording {
    const currentStats = () => this.#stats();
    const currentPath = () => this.#filePath;
    return {
      stop,
      updates: this.#updates,
      bytes,
      stopped,
      get stats() {
        return currentStats();
      },
      get filePath() {
        return currentPath();
      },
    };
  }

  #stats(): RecordingStats {
    if (this.#finalStats !== undefined) return this.#finalStats;
    return {
      packetsCaptured: this.#packetsCaptured,
      bytesCaptured: this.#bytesCaptured,
      packetsLostInQueue: this.#packetsLost,
      bytesLostInQueue: this.#bytesLost,
      packetsLostInKernel: this.#source.stats().dropped - this.#droppedBefore,
    };
  }

  /** No more packets are waited for; those that have arrived are still recorded. */
  #finish(reason: StopReason): void {
    if (this.#reason !== undefined || this.#finalStats !== undefined) return;
    this.#reason = reason;
    if (this.#source.stop !== undefined) this.#source.stop();
    else this.#leaveSource?.();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#giveUp?.();
  }

  async #record(openSink: OpenSink): Promise<RecordingResult> {
    const { signal } = this.#options;
    const removeListener = onAbort(signal, () => this.#fail(signal?.reason));
    let callOffTimer: (() => void) | undefined;
    try {
      signal?.throwIfAborted();
      const sink = await this.#open(openSink);
      this.#filePath = sink.filePath;
      const { timeLimitMs } = this.#tracker;
      if (timeLimitMs !== undefined) callOffTimer = this.#limitTime(timeLimitMs);
      return await this.#recordInto(sink);
    } finally {
      callOffTimer?.();
      removeListener();
      this.#finalStats ??= this.#stats();
      this.#updates.changed();
      this.#updates.end();
    }
  }

  async #open(openSink: OpenSink): Promise<PacketSink> {
    const giveUp = new AbortController();
    const opening = openSink({
      filePrefix: this.#plan.filePrefix,
      interfaces: this.#source.interfaces,
      snapLength: this.#plan.maxCaptureLength || MAX_CAPTURED_LENGTH,
      clock: this.#clock,
      signal: giveUp.signal,
    });
    try {
      return await this.#wait(opening);
    } catch (error) {
      giveUp.abort(error);
      // A sink that opens after all is let go of; when opening itself has failed there is none.
      opening.then(abort).catch(() => {});
      throw error;
    }
  }

  #limitTime(timeLimitMs: number): (() => void) | undefined {
    const timeUp = () => {
      this.#tracker.timeUp();
      this.#finish("time");
    };
    if (timeLimitMs > 0) return this.#clock.setTimer(timeLimitMs, timeUp);
    timeUp();
    return undefined;
  }

  async #recordInto(sink: PacketSink): Promise<RecordingResult> {
    const delivery = this.#createDelivery(sink);
    try {
      await this.#pump(delivery);
      await this.#wait(delivery.drain());
      const result = await this.#wait(sink.close(this.#source.stats()));
      this.#finalStats = this.#stats();
      return { ...result, reason: this.#reason ?? "source_end", stats: this.#finalStats };
    } catch (error) {
      // What had arrived when the source failed is still written; after an abort or a failure of the sink this throws.
      await this.#wait(delivery.drain()).catch(() => {});
      const { packets, bytes } = delivery.abandon();
      this.#packetsLost += packets;
      this.#bytesLost += bytes;
      const aborting = abort(sink);
      // After an abort of ours nobody waits for a sink that is stuck.
      if (this.#failure === undefined) await aborting;
      throw error;
    }
  }

  #createDelivery(sink: PacketSink): Delivery {
    const { whenBusy = "wait", queueBytes = DEFAULT_QUEUE_BYTES } = this.#options;
    const onTaken = (packets: number, bytes: number) => {
      this.#packetsCaptured += packets;
      this.#bytesCaptured += bytes;
      this.#updates.changed();
    };
    return whenBusy === "wait"
      ? waitingDelivery(sink, onTaken)
      : queueingDelivery(sink, queueBytes, onTaken, (error) => this.#fail(error));
  }

  /** Moves packets from the source to the sink until there is a reason to stop and what had arrived is through. */
  async #pump(delivery: Delivery): Promise<void> {
    const reader = readBatches(this.#source);
    let owesBatch = false;
    try {
      for (let batchCount = 1; !this.#nothingToCome(); batchCount++) {
        owesBatch = true;
        const next = reader.next();
        const batch = next instanceof Promise ? await this.#wait(next, LEFT) : next;
        if (batch === LEFT) break;
        owesBatch = false;
        if (batch === undefined) {
          this.#reason ??= "source_end";
          return;
        }
        const delivered = this.#take(batch, reader.writable, delivery);
        if (delivered !== undefined) await this.#wait(delivered);
        if (batchCount % BATCHES_PER_TURN === 0 && this.#clock.turn !== undefined)
          await this.#wait(this.#clock.turn());
      }
    } catch (error) {
      // Not waited for, as the source may never answer; what has failed first matters more than what it says.
      reader.leave().catch(() => {});
      throw error;
    }
    const leaving = reader.leave();
    if (owesBatch) leaving.catch(() => {});
    else await this.#wait(leaving);
  }

  /** A source that can be stopped says itself when all that had arrived has been handed out. */
  #nothingToCome(): boolean {
    return this.#tracker.full || (this.#reason !== undefined && this.#source.stop === undefined);
  }

  /** Selects, cuts and counts the packets of one batch, and hands on those to be recorded. */
  #take(batch: PacketBatch, writable: boolean, delivery: Delivery): void | Promise<void> {
    const { wanted, maxCaptureLength } = this.#plan;
    let matched = this.#source.filtered ? batch : selectRecords(batch, wanted, writable);
    if (maxCaptureLength > 0) matched = cutRecords(matched, maxCaptureLength, writable || matched !== batch);
    const accepted = truncateBatch(matched, delivery.capacity(matched));
    const recorded = truncateBatch(accepted, this.#tracker.take(accepted));
    if (this.#tracker.full) {
      this.#reason ??= this.#tracker.reached;
    } else if (accepted.length < matched.length) {
      this.#packetsLost += matched.length - accepted.length;
      this.#bytesLost += capturedBytes(matched) - capturedBytes(accepted);
      this.#updates.changed();
    }
    return recorded.length > 0 ? delivery.deliver(recorded) : undefined;
  }

  /**
   * Waits for a promise; throws what has failed in the meantime.
   *
   * @param left What it comes to when the recording is stopped and the source cannot be; absent where stopping does not
   *   end the wait.
   */
  async #wait<T, L = never>(promise: Promise<T>, left?: L): Promise<T | L> {
    try {
      return await new Promise<T | L>((resolve, reject) => {
        this.#giveUp = () => reject(this.#failure?.error);
        if (left !== undefined) this.#leaveSource = () => resolve(left);
        if (this.#failure !== undefined) this.#giveUp();
        promise.then(resolve, reject);
      });
    } finally {
      if (this.#failure !== undefined) throwFailure(this.#failure);
    }
  }
}

function throwFailure({ error }: { readonly error: unknown }): never {
  throw error;
}

/** Gives up on a sink; what it says to that would only hide why. */
async function abort(sink: PacketSink): Promise<void> {
  try {
    await sink.abort();
  } catch {}
}

/** What a recording with a sink has to read. */
const noBytes: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => {
    throw new TypeError("this recording goes to its sink; there are no bytes to read");
  },
};
