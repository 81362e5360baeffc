import { orAbort } from "../async/abort.js";
import { createTurnDue } from "../async/event-loop-turns.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { anInteger, anIterable } from "../errors/value-checks.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { type EncodedEvent, encodeEvent } from "../observer/events/encoded-event.js";
import type { EventSource, ReadOptions } from "../observer/events/event-source.js";
import { DEFAULT_BATCH_EVENTS } from "./collector/options.js";

/** Events of any kind; a bare flow counts as one with its time and node name. */
export type EventIterable =
  | Iterable<GetFlowsResponse | ExportEvent | Flow>
  | AsyncIterable<GetFlowsResponse | ExportEvent | Flow>;

/** Options of {@link fromEvents}. */
export interface FromEventsOptions {
  /** The maximum number of events in a batch; default 1,000. */
  readonly maxBatchEvents?: number;
}

const OPTIONS: OptionTable<FromEventsOptions> = { maxBatchEvents: anInteger(1) };

/**
 * An iterator over several layers, such as `decodeExport`, needs a few microtasks for an event that it already has. More than
 * these would be a wait for input.
 */
const MAX_MICROTASKS = 16;

/**
 * Makes a source for `collect` of any events, for example of `decodeExport(process.stdin)` or of a generator that decodes the
 * packets of a capture. Events that the iterable has at once are in one batch; a batch never waits for further events.
 *
 * The source has no position: after a restart, the caller decides what to pass. It reads no further than one event ahead.
 *
 * @param events Iterated once. Its `return` is called if the reading ends early.
 * @throws OptionsError, or TypeError if `events` is not iterable, from the call itself. From the iteration, after the events
 *   before: the error of the iterable; TypeError for a value that is not an event.
 *
 * @example
 * const source = fromEvents(decodeExport(process.stdin, { onBadLine: "skip" }));
 */
export function fromEvents(events: EventIterable, options: FromEventsOptions = {}): EventSource {
  checkArgument("fromEvents", "events", events, anIterable);
  checkOptions("fromEvents", options, OPTIONS);
  const { maxBatchEvents = DEFAULT_BATCH_EVENTS } = options;
  let isRead = false;
  return {
    read({ signal }: ReadOptions) {
      if (isRead) throw new FlowscribeError("source_consumed", "a source of events can be read only once");
      isRead = true;
      return readBatches(events, maxBatchEvents, signal);
    },
  };
}

async function* readBatches(
  events: EventIterable,
  maxBatchEvents: number,
  signal: AbortSignal,
): AsyncGenerator<EncodedEvent[], void, undefined> {
  const reader = new EventReader(events);
  const turnDue = createTurnDue();
  try {
    for (;;) {
      const turn = turnDue();
      if (turn !== undefined) await turn;
      signal.throwIfAborted();
      const batch: EncodedEvent[] = [];
      let failure: { readonly error: unknown } | undefined;
      try {
        await orAbort(reader.untilReady(), signal);
        while (batch.length < maxBatchEvents && (await reader.isReady()))
          batch.push(encodeEvent(reader.take()));
      } catch (error) {
        failure = { error };
      }
      if (batch.length > 0) yield batch;
      if (failure !== undefined) throw failure.error;
      if (reader.isDone) return;
    }
  } finally {
    reader.close();
  }
}

type Event = GetFlowsResponse | ExportEvent | Flow;

/** Reads an iterable, and knows whether its next event is there. */
class EventReader {
  readonly #iterator: Iterator<Event> | AsyncIterator<Event>;
  /** The read that is pending or has settled. */
  #next: Promise<void> | undefined;
  #result: IteratorResult<Event> | { readonly error: unknown } | undefined;
  isDone = false;

  constructor(events: EventIterable) {
    this.#iterator =
      Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
  }

  /** Resolves when {@link isReady} need not wait. */
  async untilReady(): Promise<void> {
    await this.#request();
  }

  /** Whether an event is there, without waiting for input. */
  async isReady(): Promise<boolean> {
    if (this.isDone) return false;
    void this.#request();
    for (let ticks = 0; this.#result === undefined && ticks < MAX_MICROTASKS; ticks++) await undefined;
    const result = this.#result;
    if (result === undefined) return false;
    if ("error" in result || result.done !== true) return true;
    this.isDone = true;
    return false;
  }

  /**
   * Returns the event that is there.
   *
   * @throws The error of the iterable.
   */
  take(): Event {
    const result = this.#result;
    this.#next = undefined;
    this.#result = undefined;
    if (result === undefined) throw new TypeError("take: no event is ready");
    if ("error" in result) {
      this.isDone = true;
      throw result.error;
    }
    return result.value;
  }

  /** Does not wait: an iterator with a pending read may never settle. */
  close(): void {
    if (this.isDone) return;
    this.isDone = true;
    (async () => this.#iterator.return?.())().then(undefined, () => {});
  }

  #request(): Promise<void> {
    this.#next ??= this.#read();
    return this.#next;
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    try {
      this.#result = await this.#iterator.next();
    } catch (error) {
      this.#result = { error };
    }
  }
}
