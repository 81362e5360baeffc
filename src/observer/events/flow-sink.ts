import { FlowscribeError } from "../../errors/errors.js";
import type { EncodedEvent } from "./encoded-event.js";

/** What a sink has done so far. */
export interface FlowSinkStats {
  /** Events that are durable. */
  readonly written: number;
  /** Events that the sink refused for good, as in {@link RefusedEventsError}. */
  readonly refused: number;
  /** Calls of `write` that failed and may be repeated. */
  readonly failures: number;
}

/**
 * Where events are stored or sent.
 *
 * Delivery is at least once: after a failed `write`, the caller passes the same events again, and some of them may then be
 * stored twice. `uuid` identifies them. A sink never drops an event silently.
 *
 * @example
 * const sink: FlowSink = { write: async (events) => { await table.insert(events.map(decodeEvent)); }, … };
 */
export interface FlowSink extends AsyncDisposable {
  readonly stats: FlowSinkStats;
  /**
   * Stores events, in their order. When the promise resolves, they are durable: a crash of this process, or of a server
   * that keeps its promise, does not lose them. Calls must not overlap.
   *
   * @param events They are not changed, and not kept after the promise has settled.
   * @param signal Gives up: the promise rejects with its reason, and the events may or may not be stored.
   * @throws RefusedEventsError for events that can never be stored; all others are durable then. Any other error means that
   *   the call may be repeated with the same events. TypeError after the sink was closed.
   */
  write(events: readonly EncodedEvent[], signal?: AbortSignal): Promise<void>;
  /** Resolves when everything that was written is durable, for sinks that also store on a schedule. */
  flush(): Promise<void>;
  /** Closes the sink, after what was written is durable. Further calls have no effect. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An event that a sink will never store, and why. */
export interface RefusedEvent {
  readonly event: EncodedEvent;
  readonly reason: string;
}

/** Some events of a {@link FlowSink.write} can never be stored, for example because they are too large. The others are durable. */
export class RefusedEventsError extends FlowscribeError {
  declare readonly code: "events_refused";
  readonly refused: readonly RefusedEvent[];

  constructor(refused: readonly RefusedEvent[]) {
    const [first] = refused;
    const others = refused.length > 1 ? ` (and ${refused.length - 1} more)` : "";
    super("events_refused", `the sink refused ${describe(first?.event)}${others}: ${first?.reason}`);
    this.refused = refused;
  }
}

function describe(event: EncodedEvent | undefined): string {
  return event === undefined || event.uuid === "" ? "an event" : `the flow ${event.uuid}`;
}
