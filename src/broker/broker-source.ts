import { onAbort, orAbort } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import { Serial } from "../async/serial.js";
import { FlowscribeError } from "../errors/errors.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import type { EventSource, ReadOptions } from "../observer/events/event-source.js";
import type { BrokerSourceStats } from "./source-stats.js";
import { YieldedBatches } from "./yielded-batches.js";

type Batch = readonly EncodedEvent[];

/** A batch, and what is needed to acknowledge it. */
export interface ReceivedBatch<T> {
  readonly batch: Batch;
  readonly undecodable: number;
  readonly acknowledgement: T;
}

/** An open connection to a broker, from which batches are read. */
export interface BrokerSession<T> {
  /**
   * Resolves with the next batch; undefined after `end`. Rejects if nothing more can be read, after everything before it.
   */
  next(): Promise<ReceivedBatch<T> | undefined>;
  /** Ends the reading. What was read ahead is given back to the broker. */
  end(): void;
  /** Acknowledges a batch. Resolves when the broker has confirmed it: false if another reader has its events by now. */
  acknowledge(acknowledgement: T): Promise<boolean>;
  /** How long batches can be acknowledged after the end of the reading, in milliseconds. */
  readonly ackWaitMs: number;
  /** Closes the connection. Called once, after `end`. */
  close(): Promise<void>;
}

/** A source that reads from a broker. */
export interface BrokerSource extends EventSource, AsyncDisposable {
  readonly stats: BrokerSourceStats;
  /**
   * Acknowledges a batch, and resolves when the broker has confirmed it.
   *
   * @throws FlowscribeError `source_failed` if it does not: the events are delivered again. TypeError for a batch that was
   *   not yielded, or is acknowledged already.
   */
  acknowledge(batch: readonly EncodedEvent[]): Promise<void>;
  /** Ends the reading and closes the connection, without waiting for batches that are not acknowledged. */
  [Symbol.asyncDispose](): Promise<void>;
}

type State<T> =
  | { readonly name: "new" }
  | { readonly name: "reading"; readonly session: BrokerSession<T> | undefined }
  /** The iteration has ended; batches can still be acknowledged. */
  | { readonly name: "draining"; readonly session: BrokerSession<T>; readonly closed: Promise<void> }
  | { readonly name: "closed" };

/**
 * Creates a source: opens the session when the reading begins, counts, and keeps the connection after the end of the
 * iteration for as long as batches can be acknowledged.
 *
 * @param open Must not leave anything open if it rejects, or if the signal is aborted while it opens.
 */
export function createBrokerSource<T>(
  open: (signal: AbortSignal) => Promise<BrokerSession<T>>,
  clock: Pick<Clock, "setTimer">,
): BrokerSource {
  const batches = new YieldedBatches<T>();
  const acknowledging = new Serial();
  const disposed = new AbortController();
  const stats = { events: 0, acknowledged: 0, undecodable: 0 };
  let state: State<T> = { name: "new" };

  async function* read({ signal }: ReadOptions): AsyncGenerator<Batch, void, undefined> {
    if (state.name !== "new")
      throw new FlowscribeError(
        "source_consumed",
        "the source was read or disposed of before: open it again",
      );
    state = { name: "reading", session: undefined };
    let session: BrokerSession<T> | undefined;
    let remove = () => {};
    try {
      const either = AbortSignal.any([signal, disposed.signal]);
      either.throwIfAborted();
      session = await open(either);
      state = { name: "reading", session };
      const { end } = session;
      remove = onAbort(either, () => end.call(session));
      for (;;) {
        const received = await session.next();
        signal.throwIfAborted();
        if (received === undefined) return;
        const { batch, undecodable, acknowledgement } = received;
        batches.add(batch, acknowledgement);
        stats.events += batch.length;
        stats.undecodable += undecodable;
        yield batch;
        signal.throwIfAborted();
      }
    } finally {
      remove();
      await leave(session);
    }
  }

  /** The iteration has ended. */
  async function leave(session: BrokerSession<T> | undefined): Promise<void> {
    if (session === undefined) {
      state = { name: "closed" };
      return;
    }
    session.end();
    const closed = batches.ended(session.ackWaitMs, clock).then(async () => {
      state = { name: "closed" };
      batches.clear();
      await session.close();
    });
    // Awaited by whoever waits for the end; nobody has to.
    closed.catch(() => {});
    state = { name: "draining", session, closed };
    if (disposed.signal.aborted) batches.clear();
    if (batches.size === 0) await closed;
  }

  async function acknowledge(batch: Batch): Promise<void> {
    const acknowledgement = batches.get(batch);
    if (acknowledgement === undefined || !("session" in state) || state.session === undefined) {
      if (state.name !== "closed")
        throw new TypeError("acknowledge: not a batch of this source, or acknowledged before");
      throw new FlowscribeError(
        "source_failed",
        "the source is closed: the broker delivers what was not acknowledged again",
      );
    }
    const isConfirmed = await orAbort(state.session.acknowledge(acknowledgement), disposed.signal);
    if (isConfirmed) stats.acknowledged += batch.length;
    batches.delete(batch);
  }

  return {
    get stats() {
      return { ...stats };
    },
    read,
    acknowledge: (batch) => acknowledging.run(() => acknowledge(batch)),
    [Symbol.asyncDispose]: async () => {
      if (state.name === "new") state = { name: "closed" };
      disposed.abort(new FlowscribeError("source_consumed", "the source was disposed of"));
      batches.clear();
      if (state.name === "draining") await state.closed;
    },
  };
}
