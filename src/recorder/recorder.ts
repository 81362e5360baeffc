import { onAbort } from "../async/abort.js";
import { type Clock, systemClock } from "../async/clock.js";
import { nextState } from "../async/state-machine.js";
import { capturedBytes, type PacketBatch, truncateBatch } from "../packet/batch.js";
import { cutRecords, selectRecords } from "../packet/filter/select.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import { isEmptyBatch } from "../packet/side-blocks.js";
import { readBatches } from "../packet/source/batch-reader.js";
import type { PacketSource } from "../packet/source.js";
import { createByteSink } from "./byte-sink.js";
import { InterruptibleWait, LEFT } from "./interruptible-wait.js";
import type { Recording, RecordingResult, RecordOptions } from "./recording.js";
import { RECORDING_TRANSITIONS, type RecordingEvent, type RecordingState } from "./recording-state.js";
import type { OpenSink, PacketSink } from "./sink.js";
import { createDirectQueue, createDroppingQueue, type SinkQueue } from "./sink-queue.js";
import type { RecordingPlan } from "./start.js";
import { type RecordingStats, Updates } from "./stats.js";
import { StopTracker } from "./stop.js";

/** Yield to the event loop after this many batches. Otherwise a source and a sink that never wait would block it. */
const BATCHES_PER_TURN = 32;

type RecorderOptions = RecordOptions & { readonly queueBytes: number };

/** The loop of one recording: moves packets from the source to the sink. */
export class Recorder {
  readonly #source: PacketSource;
  readonly #plan: RecordingPlan;
  readonly #options: RecorderOptions;
  readonly #clock: Clock;
  readonly #tracker: StopTracker;
  readonly #updates: Updates<RecordingStats>;
  readonly #droppedBefore: number;
  #filePath: string | undefined;
  #packetsCaptured = 0;
  #bytesCaptured = 0;
  #packetsLost = 0;
  #bytesLost = 0;
  #state: RecordingState = { name: "opening" };
  /** Ends the loop's waits if the recording fails: the signal is aborted, or the queue of the sink has failed. */
  readonly #waits = new InterruptibleWait();

  constructor(source: PacketSource, plan: RecordingPlan, options: RecorderOptions) {
    this.#source = source;
    this.#plan = plan;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#tracker = new StopTracker(plan.stopCondition);
    this.#updates = new Updates(() => this.#stats());
    this.#droppedBefore = source.stats().dropped;
  }

  run(): Recording {
    const { sink, queueBytes, resolution = "us" } = this.#options;
    const stop = () => this.#stop("requested");
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
    if (this.#state.name === "ended") return this.#state.stats;
    return {
      packetsCaptured: this.#packetsCaptured,
      bytesCaptured: this.#bytesCaptured,
      packetsLostInQueue: this.#packetsLost,
      bytesLostInQueue: this.#bytesLost,
      packetsLostInKernel: this.#source.stats().dropped - this.#droppedBefore,
    };
  }

  /** Returns whether the event changes the state. */
  #apply(event: RecordingEvent): boolean {
    const before = this.#state;
    this.#state = nextState(RECORDING_TRANSITIONS, before, event);
    return this.#state !== before;
  }

  /** Stops waiting for new packets. Received packets are still recorded. */
  #stop(reason: "requested" | "time"): void {
    if (!this.#apply({ name: "stop", reason })) return;
    if (this.#source.stop !== undefined) this.#source.stop();
    else this.#waits.leave();
  }

  async #record(openSink: OpenSink): Promise<RecordingResult> {
    const { signal } = this.#options;
    const removeListener = onAbort(signal, () => this.#waits.fail(signal?.reason));
    let cancelTimer: (() => void) | undefined;
    try {
      signal?.throwIfAborted();
      const sink = await this.#open(openSink);
      this.#filePath = sink.filePath;
      this.#apply({ name: "sinkOpen" });
      const { timeLimitMs } = this.#tracker;
      if (timeLimitMs !== undefined) {
        const { triggered } = this.#source;
        const limit = () => {
          if (this.#state.name === "recording") cancelTimer = this.#limitTime(timeLimitMs);
        };
        if (triggered === undefined) limit();
        // If the source fails, the recording does, too.
        else triggered.then(limit, () => {});
      }
      return await this.#recordInto(sink);
    } finally {
      cancelTimer?.();
      removeListener();
      if (this.#state.name !== "ended") this.#apply({ name: "end", stats: this.#stats() });
      this.#updates.changed();
      this.#updates.end();
    }
  }

  async #open(openSink: OpenSink): Promise<PacketSink> {
    const opening = new AbortController();
    const pendingSink = openSink({
      filePrefix: this.#plan.filePrefix,
      interfaces: this.#source.interfaces,
      snapLength: this.#plan.maxCaptureLength || MAX_CAPTURED_LENGTH,
      clock: this.#clock,
      signal: opening.signal,
    });
    try {
      return await this.#waits.for(pendingSink);
    } catch (error) {
      opening.abort(error);
      // Abort the sink if it opens later. Ignore the rejection if opening itself failed.
      pendingSink.then(abort).catch(() => {});
      throw error;
    }
  }

  #limitTime(timeLimitMs: number): (() => void) | undefined {
    const onTimeLimit = () => {
      this.#tracker.reachTimeLimit();
      this.#stop("time");
    };
    if (timeLimitMs > 0) return this.#clock.setTimer(timeLimitMs, onTimeLimit);
    onTimeLimit();
    return undefined;
  }

  async #recordInto(sink: PacketSink): Promise<RecordingResult> {
    const queue = this.#createQueue(sink);
    try {
      await this.#pump(queue);
      await this.#waits.for(queue.drain());
      const result = await this.#waits.for(sink.close(this.#source.stats()));
      const reason = "reason" in this.#state ? this.#state.reason : "source_end";
      const stats = this.#stats();
      this.#apply({ name: "end", stats });
      return { ...result, reason, stats };
    } catch (error) {
      // Write the packets received before the source failed. After an abort or a failed queued write this throws.
      await this.#waits.for(queue.drain()).catch(() => {});
      const { packets, bytes } = queue.discard();
      this.#packetsLost += packets;
      this.#bytesLost += bytes;
      const aborting = abort(sink);
      // After an abort, or a sink failure outside the loop, do not wait for a sink that may be stuck.
      if (!this.#waits.hasFailed) await aborting;
      throw error;
    }
  }

  #createQueue(sink: PacketSink): SinkQueue {
    const { whenBusy = "wait", queueBytes } = this.#options;
    const onWritten = (packets: number, bytes: number) => {
      this.#packetsCaptured += packets;
      this.#bytesCaptured += bytes;
      this.#updates.changed();
    };
    return whenBusy === "wait"
      ? createDirectQueue(sink, onWritten)
      : createDroppingQueue(sink, queueBytes, onWritten, (error) => this.#waits.fail(error));
  }

  /** Moves packets from the source to the sink until there is a reason to stop, then the received rest. */
  async #pump(queue: SinkQueue): Promise<void> {
    const reader = readBatches(this.#source);
    let isPending = false;
    try {
      for (let batchCount = 1; this.#isReading(); batchCount++) {
        isPending = true;
        const next = reader.next();
        const batch = next instanceof Promise ? await this.#waits.orLeave(next) : next;
        if (batch === LEFT) break;
        isPending = false;
        if (batch === undefined) {
          this.#apply({ name: "sourceEnd" });
          return;
        }
        const pushed = this.#accept(batch, reader.writable, queue);
        if (pushed !== undefined) await this.#waits.for(pushed);
        if (batchCount % BATCHES_PER_TURN === 0 && this.#clock.turn !== undefined)
          await this.#waits.for(this.#clock.turn());
      }
    } catch (error) {
      // Not awaited, as the source may never answer. The first error matters more than one from closing the iteration.
      reader.leave().catch(() => {});
      throw error;
    }
    const leaving = reader.leave();
    if (isPending) leaving.catch(() => {});
    else await this.#waits.for(leaving);
  }

  /** Whether to read another batch. A source with `stop` ends by itself once it has yielded all received packets. */
  #isReading(): boolean {
    if (this.#tracker.full) return false;
    return this.#state.name === "recording" || this.#source.stop !== undefined;
  }

  /** Selects, truncates and counts the packets of a batch, and passes those to be recorded to the sink. */
  #accept(batch: PacketBatch, writable: boolean, queue: SinkQueue): void | Promise<void> {
    const { wanted, maxCaptureLength } = this.#plan;
    let matched = this.#source.filtered ? batch : selectRecords(batch, wanted, writable);
    if (maxCaptureLength > 0) matched = cutRecords(matched, maxCaptureLength, writable || matched !== batch);
    const accepted = truncateBatch(matched, queue.capacity(matched));
    const recorded = truncateBatch(accepted, this.#tracker.accept(accepted));
    const { full, reached } = this.#tracker;
    if (full && reached !== undefined) {
      this.#apply({ name: "full", reason: reached });
    } else if (accepted.length < matched.length) {
      this.#packetsLost += matched.length - accepted.length;
      this.#bytesLost += capturedBytes(matched) - capturedBytes(accepted);
      this.#updates.changed();
    }
    return isEmptyBatch(recorded) ? undefined : queue.push(recorded);
  }
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
