import { onAbort } from "../async/abort.js";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction, aNumberFrom, aSignal, oneOf } from "../errors/value-checks.js";
import { capturedBytes, type PacketBatch, type Resolution, truncateBatch } from "../packet/batch.js";
import { cutRecords, selectRecords } from "../packet/filter/select.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import { aSource, type PacketSource, readBatches } from "../packet/source.js";
import { createByteSink } from "./byte-sink.js";
import type { OpenSink, PacketSink, SinkResult } from "./sink.js";
import { createDirectQueue, createDroppingQueue, type SinkQueue } from "./sink-queue.js";
import { planRecording, type RecordingPlan, type StartRecordingInit } from "./start.js";
import { type RecordingStats, Updates } from "./stats.js";
import { type StopLimit, StopTracker } from "./stop.js";

/** Default queue limit in bytes: about 58,000 packets with 128 captured bytes each. */
export const DEFAULT_QUEUE_BYTES = 8 * 1024 * 1024;

/** Where the packets go, and the limits of the queue. */
export interface RecordOptions {
  /** Where the packets are written. Without a sink, read them from {@link Recording.bytes}. */
  readonly sink?: OpenSink;
  /**
   * What happens while the sink is busy. `wait` (default): the recording stops reading the source until the sink is
   * ready. Files lose nothing; a live source drops and counts what exceeds its own buffer. `drop`: reading continues.
   * Packets that do not fit into the queue are lost and counted, as in Cilium's Recorder.
   */
  readonly whenBusy?: "wait" | "drop";
  /**
   * Maximum size of the queue in bytes: of unread `bytes` and, with `drop`, of packets waiting for the sink. Default:
   * {@link DEFAULT_QUEUE_BYTES}.
   */
  readonly queueBytes?: number;
  /** Unit of the timestamps in `bytes`: microseconds by default, as upstream. */
  readonly resolution?: Resolution;
  /**
   * Aborts the recording: `stopped` rejects with the signal's reason. A file is closed and keeps the packets written so
   * far.
   */
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

/** Why a recording ended: `stop()` was called, a limit of the stop condition was reached, or the source ended. */
export type StopReason = "requested" | StopLimit | "source_end";

/** How a recording ended. */
export interface RecordingResult extends SinkResult {
  readonly reason: StopReason;
  /** Final counts. Every packet that matched is included. */
  readonly stats: RecordingStats;
}

/** A running recording. */
export interface Recording {
  /**
   * Stops gracefully: received packets are still recorded, then `stopped` resolves. Calls after the first, or after the
   * recording has ended, have no effect.
   */
  stop(): void;
  /** Current counts; final once the recording has ended, even with an error. */
  readonly stats: RecordingStats;
  /**
   * Absolute path of the file, available once the sink is open and also after a failure. Undefined if the sink is not a
   * file.
   */
  readonly filePath: string | undefined;
  /**
   * Yields the current counts, then new counts after each change. A slow reader skips intermediate values. Ends with
   * the recording, even if it fails. Can be iterated any number of times.
   */
  readonly updates: AsyncIterable<RecordingStats>;
  /**
   * The pcap as a stream of chunks, if no sink was given. The recording waits while more than `queueBytes` are unread,
   * so read it. The reader owns the chunks. Can be iterated only once. Ending the iteration early stops the recording.
   * Throws the same error as `stopped`.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * Rejects with the error of the source or the sink, or with the reason of the signal. With a sink, this is the only
   * place where a failure is reported, so await it. (An unhandled rejection does not end the process.)
   */
  readonly stopped: Promise<RecordingResult>;
}

/**
 * Records the packets of a source that match the filters of `start`. The recording starts immediately. It ends when a
 * limit of the stop condition is reached, `stop()` is called, or the source ends. The caller still has to dispose of
 * the source.
 *
 * Packets are truncated to `max_capture_length` after filtering. 0 keeps whole packets and writes a snap length of
 * 262,144 (upstream: 65,535). A source that is already `filtered` is not filtered again. The pcap supports packets of
 * one link type only.
 *
 * @throws ConfigurationError `invalid_recording` with every fault of `start`, before anything is opened.
 * @throws OptionsError for invalid options; TypeError if `source` is not a packet source.
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

/** Yield to the event loop after this many batches. Otherwise a source and a sink that never wait would block it. */
const BATCHES_PER_TURN = 32;

/** Result of waiting for a source without `stop` when the recording is stopped. */
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
  /** The first reason to stop. Packets received before that are still recorded. */
  #reason: StopReason | undefined;
  /**
   * What the loop throws next: the reason of the signal, or an error of the sink while the loop was not waiting for it.
   */
  #failure: { readonly error: unknown } | undefined;
  /** Ends the pending wait, which then throws the failure. */
  #giveUp: (() => void) | undefined;
  /** Ends the pending wait for a source without `stop`. */
  #leaveSource: (() => void) | undefined;
  /** Set when the recording has ended, because the source may continue to count or be disposed of. */
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
      // Prevent an unhandled rejection while the caller still reads the updates.
      stopped.catch(() => {});
      return this.#recording(stop, noBytes, stopped);
    }
    const byteSink = createByteSink({ queueBytes, resolution }, stop);
    const stopped = this.#record(byteSink.open);
    // Also handles the rejection of `stopped`: the reader of the bytes gets the same error.
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

  /** Stops waiting for new packets. Received packets are still recorded. */
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
      // Abort the sink if it opens later. Ignore the rejection if opening itself failed.
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
    const queue = this.#createQueue(sink);
    try {
      await this.#pump(queue);
      await this.#wait(queue.drain());
      const result = await this.#wait(sink.close(this.#source.stats()));
      this.#finalStats = this.#stats();
      return { ...result, reason: this.#reason ?? "source_end", stats: this.#finalStats };
    } catch (error) {
      // Write the packets received before the source failed. After an abort or a failed queued write this throws.
      await this.#wait(queue.drain()).catch(() => {});
      const { packets, bytes } = queue.discard();
      this.#packetsLost += packets;
      this.#bytesLost += bytes;
      const aborting = abort(sink);
      // After an abort, or a sink failure outside the loop, do not wait for a sink that may be stuck.
      if (this.#failure === undefined) await aborting;
      throw error;
    }
  }

  #createQueue(sink: PacketSink): SinkQueue {
    const { whenBusy = "wait", queueBytes = DEFAULT_QUEUE_BYTES } = this.#options;
    const onWritten = (packets: number, bytes: number) => {
      this.#packetsCaptured += packets;
      this.#bytesCaptured += bytes;
      this.#updates.changed();
    };
    return whenBusy === "wait"
      ? createDirectQueue(sink, onWritten)
      : createDroppingQueue(sink, queueBytes, onWritten, (error) => this.#fail(error));
  }

  /**
   * Moves packets from the source to the sink until there is a reason to stop and all received packets are passed to the sink.
   */
  async #pump(queue: SinkQueue): Promise<void> {
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
        const pushed = this.#take(batch, reader.writable, queue);
        if (pushed !== undefined) await this.#wait(pushed);
        if (batchCount % BATCHES_PER_TURN === 0 && this.#clock.turn !== undefined)
          await this.#wait(this.#clock.turn());
      }
    } catch (error) {
      // Not awaited, as the source may never answer. The first error matters more than one from closing the iteration.
      reader.leave().catch(() => {});
      throw error;
    }
    const leaving = reader.leave();
    if (owesBatch) leaving.catch(() => {});
    else await this.#wait(leaving);
  }

  /** A source with `stop` ends its iteration itself once it has yielded all received packets. */
  #nothingToCome(): boolean {
    return this.#tracker.full || (this.#reason !== undefined && this.#source.stop === undefined);
  }

  /** Selects, truncates and counts the packets of a batch, and passes those to be recorded to the sink. */
  #take(batch: PacketBatch, writable: boolean, queue: SinkQueue): void | Promise<void> {
    const { wanted, maxCaptureLength } = this.#plan;
    let matched = this.#source.filtered ? batch : selectRecords(batch, wanted, writable);
    if (maxCaptureLength > 0) matched = cutRecords(matched, maxCaptureLength, writable || matched !== batch);
    const accepted = truncateBatch(matched, queue.capacity(matched));
    const recorded = truncateBatch(accepted, this.#tracker.take(accepted));
    if (this.#tracker.full) {
      this.#reason ??= this.#tracker.reached;
    } else if (accepted.length < matched.length) {
      this.#packetsLost += matched.length - accepted.length;
      this.#bytesLost += capturedBytes(matched) - capturedBytes(accepted);
      this.#updates.changed();
    }
    return recorded.length > 0 ? queue.push(recorded) : undefined;
  }

  /**
   * Waits for a promise. Throws a failure that occurs in the meantime.
   *
   * @param left Result if the recording is stopped and the source has no `stop`. Omit it if stopping must not end the
   *   wait.
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

/** Aborts a sink. Its own error is ignored, as it would hide the cause. */
async function abort(sink: PacketSink): Promise<void> {
  try {
    await sink.abort();
  } catch {}
}

/** `bytes` of a recording with a sink. */
const noBytes: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => {
    throw new TypeError("this recording goes to its sink; there are no bytes to read");
  },
};
