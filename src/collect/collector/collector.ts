import { onAbort, orAbort } from "../../async/abort.js";
import { BoundedQueue } from "../../async/bounded-queue.js";
import { type Clock, systemClock } from "../../async/clock.js";
import { iterateOrAbort } from "../../async/iterate-or-abort.js";
import { Wakeup } from "../../async/wakeup.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import type { FlowPredicate } from "../../filter/index.js";
import { decodeEvent, type EncodedEvent } from "../../observer/events/encoded-event.js";
import type { EventSource, JsonValue } from "../../observer/events/event-source.js";
import type { RefusedEvent } from "../../observer/events/flow-sink.js";
import { Backoff } from "./backoff.js";
import { CheckpointWriter } from "./checkpoint.js";
import { DeadLetters } from "./dead-letters.js";
import {
  type CollectOptions,
  DEFAULT_BATCH_EVENTS,
  DEFAULT_CHECKPOINT_INTERVAL_MS,
  DEFAULT_STOP_TIMEOUT_MS,
  DEFAULT_UNACKNOWLEDGED_EVENTS,
  DEFAULT_WAITING_EVENTS,
} from "./options.js";
import { compileSelection, isSelected, Output } from "./output.js";
import type { CollectStats } from "./stats.js";

type Batch = readonly EncodedEvent[];

/** Batches that were passed to every output. */
interface WrittenGroup {
  readonly batches: readonly Batch[];
  /** How many of their events passed the filters. */
  readonly events: number;
  /** The time of the newest of them; 0 if none has one. */
  readonly newest: bigint;
  /** The outputs that still hold flows of them in their groups. */
  readonly holders: Set<Output>;
}

/** Why the source is told to end when the collector is stopped. */
const STOPPED = new Error("the collector was stopped");

/** Moves events from a source to outputs, and acknowledges them when they are durable everywhere. */
export class Collector {
  readonly #source: EventSource;
  readonly #options: CollectOptions;
  readonly #clock: Clock;
  /** Undefined if every event passes. */
  readonly #passes: FlowPredicate | undefined;
  readonly #deadLetters: DeadLetters;
  readonly #outputs: readonly Output[];
  readonly #checkpoint: CheckpointWriter | undefined;
  /** Batches that were read and wait for the outputs. */
  readonly #waiting: BoundedQueue<Batch>;
  /** Groups of batches that are written, but may wait in an output that aggregates. */
  readonly #unacknowledged: WrittenGroup[] = [];
  #unacknowledgedEvents = 0;
  /** Wakes the writing when the groups of an output are due. */
  readonly #due = new Wakeup();
  readonly #aggregates: boolean;
  #sourceFailure: { readonly error: unknown } | undefined;
  #nextBatch: Promise<IteratorResult<Batch, undefined>> | undefined;
  /** Ends the reading. */
  readonly #reading = new AbortController();
  /** Ends every wait for a sink. */
  readonly #writing = new AbortController();
  #read = 0;
  #filtered = 0;
  #undecodable = 0;
  #acknowledged = 0;
  #lost = 0;
  #newest: bigint | undefined;
  #cancelStopTimer = () => {};

  /** @throws FilterError, FieldMaskError */
  constructor(source: EventSource, options: CollectOptions) {
    const {
      outputs,
      checkpoint,
      checkpointIntervalMs = DEFAULT_CHECKPOINT_INTERVAL_MS,
      maxWaitingEvents = DEFAULT_WAITING_EVENTS,
      retry = {},
      clock = systemClock,
    } = options;
    this.#source = source;
    this.#options = options;
    this.#clock = clock;
    const { signal } = this.#writing;
    const report: NonNullable<CollectOptions["onReport"]> = (one) => options.onReport?.(one);
    const backoff = new Backoff(retry, clock, signal);
    this.#passes = compileSelection(options, options);
    this.#deadLetters = new DeadLetters(options.deadLetter, backoff, signal, report);
    const context = {
      backoff,
      deadLetters: this.#deadLetters,
      signal,
      clock,
      report,
      onDue: () => this.#due.wake(),
    };
    this.#outputs = outputs.map((output) => new Output(output, options, context));
    this.#checkpoint =
      checkpoint &&
      new CheckpointWriter(checkpoint, source, checkpointIntervalMs, clock, (error) =>
        report({ kind: "checkpoint", error }),
      );
    this.#aggregates = outputs.some(({ aggregate }) => aggregate !== undefined);
    this.#waiting = new BoundedQueue<Batch>(maxWaitingEvents, (batch) => batch.length);
  }

  get stats(): CollectStats {
    return {
      read: this.#read,
      filtered: this.#filtered,
      undecodable: this.#undecodable,
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      deadLetters: this.#deadLetters.written,
      dropped: this.#deadLetters.dropped,
      checkpoints: this.#checkpoint?.saved ?? 0,
      newest: this.#newest,
      outputs: Object.fromEntries(this.#outputs.map(({ name, stats }) => [name, stats])),
    };
  }

  /** Ends the reading. What was read is still written, for at most the stop timeout. */
  stop(): void {
    if (this.#reading.signal.aborted) return;
    this.#reading.abort(STOPPED);
    const { stopTimeoutMs = DEFAULT_STOP_TIMEOUT_MS } = this.#options;
    this.#cancelStopTimer = this.#clock.setTimer(stopTimeoutMs, () => {
      const waiting = this.#read - this.#filtered - this.#undecodable - this.#acknowledged;
      const message = `stop: ${waiting} events were not written within ${stopTimeoutMs} ms; they are read again next time`;
      this.#writing.abort(new FlowscribeError("sink_failed", message));
    });
  }

  /** Resolves when the source has ended or was stopped, and everything is written. */
  async run(): Promise<CollectStats> {
    const { signal } = this.#options;
    const remove = onAbort(signal, () => {
      this.#reading.abort(signal?.reason);
      this.#writing.abort(signal?.reason);
    });
    try {
      const position = await this.#orGiveUp(this.#options.checkpoint?.load());
      const reading = this.#readAll(position);
      try {
        await this.#writeAll();
      } finally {
        // Also after a failure: nothing goes on in the background.
        this.#reading.abort(STOPPED);
        await this.#waiting.return();
        await reading;
      }
      return this.stats;
    } finally {
      remove();
      this.#cancelStopTimer();
      await this.#disposeSource();
    }
  }

  /** What a source closes must not hide why the collector has ended. */
  async #disposeSource(): Promise<void> {
    try {
      await this.#orGiveUp(this.#source[Symbol.asyncDispose]?.());
    } catch (error) {
      // Given up on, like all other waits.
      if (this.#writing.signal.aborted) return;
      this.#options.onReport?.({ kind: "close", error });
    }
  }

  /** Reads until the end of the source. Never rejects: the queue ends with the failure. */
  async #readAll(position: JsonValue | undefined): Promise<void> {
    const { signal } = this.#reading;
    try {
      signal.throwIfAborted();
      for await (const batch of iterateOrAbort(this.#source.read({ position, signal }), signal)) {
        this.#read += batch.length;
        await this.#waiting.push(batch);
        signal.throwIfAborted();
      }
      this.#waiting.end();
    } catch (error) {
      this.#waiting.end(signal.aborted && signal.reason === STOPPED ? undefined : { error });
    }
  }

  /** Writes what was read. If the source fails, what came before is written first. */
  async #writeAll(): Promise<void> {
    try {
      await this.#writeUntilEnd();
      await this.#orGiveUp(Promise.all(this.#outputs.map((output) => output.flush())));
    } catch (error) {
      await this.#closeAfterFailure();
      throw error;
    }
    await this.#orGiveUp(this.#checkpoint?.close());
  }

  async #writeUntilEnd(): Promise<void> {
    const { maxUnacknowledgedEvents = DEFAULT_UNACKNOWLEDGED_EVENTS } = this.#options;
    try {
      for (let group = await this.#nextGroup(); group !== undefined; group = await this.#nextGroup()) {
        await this.#write(group);
        if (this.#unacknowledgedEvents > maxUnacknowledgedEvents) await this.#writeAggregated(this.#outputs);
      }
      await this.#writeAggregated(this.#outputs);
    } finally {
      for (const output of this.#outputs) output.endInterval();
    }
    if (this.#sourceFailure !== undefined) throw this.#sourceFailure.error;
  }

  /** Writes the groups of outputs, and acknowledges what no other output holds. */
  async #writeAggregated(outputs: readonly Output[]): Promise<void> {
    await Promise.all(outputs.map((output) => output.writeGroups()));
    for (const { holders } of this.#unacknowledged) for (const output of outputs) holders.delete(output);
    await this.#acknowledgeWritten();
  }

  /** Saves how far the collector has come. The failure is what the caller must know, not that this fails too. */
  async #closeAfterFailure(): Promise<void> {
    if (this.#writing.signal.aborted) {
      this.#checkpoint?.cancel();
      return;
    }
    try {
      await this.#orGiveUp(this.#checkpoint?.close());
    } catch (error) {
      this.#options.onReport?.({ kind: "checkpoint", error });
    }
  }

  /** Takes the batches that wait, up to the maximum; at least one. Undefined at the end. */
  async #nextGroup(): Promise<Batch[] | undefined> {
    const { maxBatchEvents = DEFAULT_BATCH_EVENTS } = this.#options;
    const first = await this.#nextOrDue();
    if (first.done === true) return undefined;
    const group = [first.value];
    for (let events = first.value.length; ; ) {
      const next = this.#waiting.peek();
      if (next === undefined || events + next.length > maxBatchEvents) return group;
      group.push(this.#waiting.take());
      events += next.length;
    }
  }

  /** The next batch. Meanwhile, writes the groups of outputs that are due. */
  async #nextOrDue(): Promise<IteratorResult<Batch, undefined>> {
    if (!this.#aggregates) return this.#readNext();
    for (;;) {
      const due = this.#outputs.filter(({ isDue }) => isDue);
      if (due.length > 0) await this.#writeAggregated(due);
      this.#nextBatch ??= this.#readNext();
      const next = await Promise.race([this.#nextBatch, this.#due.wait()]);
      if (next === undefined) continue;
      this.#nextBatch = undefined;
      // Ends the wait, which would otherwise stay in memory.
      this.#due.wake();
      return next;
    }
  }

  /** A failure of the source is its end: what came before is written first. */
  async #readNext(): Promise<IteratorResult<Batch, undefined>> {
    try {
      return await this.#waiting.next();
    } catch (error) {
      this.#sourceFailure = { error };
      return { done: true, value: undefined };
    }
  }

  async #write(group: readonly Batch[]): Promise<void> {
    const undecodable: RefusedEvent[] = [];
    const events = this.#select(group, undecodable);
    await Promise.all(this.#outputs.map((output) => output.write(events)));
    if (undecodable.length > 0) await this.#deadLetters.write("filter", undecodable);
    let newest = 0n;
    for (const { time } of events) if (time !== undefined && time > newest) newest = time;
    const holders = new Set(this.#outputs.filter(({ isHolding }) => isHolding));
    this.#unacknowledged.push({ batches: group, events: events.length, newest, holders });
    this.#unacknowledgedEvents += events.length;
    await this.#acknowledgeWritten();
  }

  /** Acknowledges the groups of batches that no output holds any more, in their order. */
  async #acknowledgeWritten(): Promise<void> {
    for (let first = this.#unacknowledged[0]; first?.holders.size === 0; first = this.#unacknowledged[0]) {
      for (const batch of first.batches) await this.#orGiveUp(this.#source.acknowledge?.(batch));
      this.#unacknowledged.shift();
      this.#unacknowledgedEvents -= first.events;
      this.#acknowledged += first.events;
      if (first.newest > (this.#newest ?? 0n)) this.#newest = first.newest;
      this.#checkpoint?.advance();
    }
  }

  /** Waits for something that may never settle, until the stop timeout or the signal. */
  #orGiveUp<T>(pending: T | Promise<T>): Promise<T> {
    return orAbort(Promise.resolve(pending), this.#writing.signal);
  }

  #select(group: readonly Batch[], undecodable: RefusedEvent[]): EncodedEvent[] {
    const events: EncodedEvent[] = [];
    for (const batch of group) {
      for (const event of batch) {
        try {
          if (event.kind === "lost_events") this.#countLost(event);
          if (isSelected(event, this.#passes)) events.push(event);
          else this.#filtered++;
        } catch (error) {
          this.#undecodable++;
          undecodable.push({ event, reason: messageOf(error) });
        }
      }
    }
    return events;
  }

  #countLost(event: EncodedEvent): void {
    const { responseTypes } = decodeEvent(event);
    if (responseTypes.case === "lostEvents") this.#lost += Number(responseTypes.value.numEventsLost);
  }
}
