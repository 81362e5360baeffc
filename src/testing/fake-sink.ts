import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction } from "../errors/value-checks.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import { type FlowSink, type RefusedEvent, RefusedEventsError } from "../observer/events/flow-sink.js";

/** How a {@link fakeSink} behaves. */
export interface FakeSinkOptions {
  /**
   * Called before the events of each `write` are stored, with the number of the call from 1. What it throws or rejects with
   * is the failure of the call, and nothing is stored. A promise delays the call.
   */
  readonly beforeWrite?: (events: readonly EncodedEvent[], call: number) => void | Promise<void>;
  /** Returns why an event is refused for good; undefined if it is stored. */
  readonly refuses?: (event: EncodedEvent) => string | undefined;
}

/** A sink in memory. */
export interface FakeSink extends FlowSink {
  /** The stored events, in the order of the calls. */
  readonly events: readonly EncodedEvent[];
  /** The number of events of each call of `write`, failed calls included. */
  readonly calls: readonly number[];
  readonly isClosed: boolean;
}

const OPTIONS: OptionTable<FakeSinkOptions> = { beforeWrite: aFunction, refuses: aFunction };

/**
 * Creates a sink in memory, for tests of what writes to sinks.
 *
 * @example
 * const sink = fakeSink();
 * await collect(source, { outputs: [{ name: "memory", sink }] }).stopped;
 * expect(sink.events.map(({ uuid }) => uuid)).toEqual(["1", "2"]);
 */
export function fakeSink(options: FakeSinkOptions = {}): FakeSink {
  checkOptions("fakeSink", options, OPTIONS);
  const { beforeWrite, refuses = () => undefined } = options;
  const events: EncodedEvent[] = [];
  const calls: number[] = [];
  let refusedCount = 0;
  let failures = 0;
  let isClosed = false;
  return {
    events,
    calls,
    get isClosed() {
      return isClosed;
    },
    get stats() {
      return { written: events.length, refused: refusedCount, failures };
    },
    async write(batch, signal) {
      if (isClosed) throw new TypeError("the sink is closed");
      calls.push(batch.length);
      try {
        await beforeWrite?.(batch, calls.length);
        signal?.throwIfAborted();
      } catch (error) {
        failures++;
        throw error;
      }
      const refused: RefusedEvent[] = [];
      for (const event of batch) {
        const reason = refuses(event);
        if (reason === undefined) events.push(event);
        else refused.push({ event, reason });
      }
      refusedCount += refused.length;
      if (refused.length > 0) throw new RefusedEventsError(refused);
    },
    flush: async () => {},
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
    },
  };
}
