import { orAbort } from "../async/abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { fieldsOf } from "../errors/check-options.js";
import { aListOf, aSignal, aUint8Array, required } from "../errors/value-checks.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import { type FlowSink, type RefusedEvent, RefusedEventsError } from "../observer/events/flow-sink.js";

/** How a sink sends events to its broker. */
export interface BrokerPublisher {
  /**
   * Sends events, in their order. Resolves when all but those that it returns are durable. Not called while an earlier
   * call is pending, except one whose signal is aborted.
   *
   * @throws Any error: the events may be sent again.
   */
  send(events: readonly EncodedEvent[], signal: AbortSignal): Promise<readonly RefusedEvent[]>;
  close(): Promise<void>;
}

const events = aListOf(fieldsOf<Pick<EncodedEvent, "bytes">>({ bytes: required(aUint8Array) }));

/** For calls without a signal. */
const NEVER = new AbortController().signal;

/**
 * Creates a sink: checks the calls, counts, and reports refused events.
 *
 * @param name The function that opens the sink, for messages.
 */
export function createBrokerSink(name: string, publisher: BrokerPublisher): FlowSink {
  const stats = { written: 0, refused: 0, failures: 0 };
  /** The pending call of `write`; it never rejects. */
  let writing: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  async function send(batch: readonly EncodedEvent[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (batch.length === 0) return;
    let refused: readonly RefusedEvent[];
    try {
      refused = await orAbort(publisher.send(batch, signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      stats.failures++;
      throw error;
    }
    stats.written += batch.length - refused.length;
    stats.refused += refused.length;
    if (refused.length > 0) throw new RefusedEventsError(refused);
  }

  async function close(): Promise<void> {
    await writing;
    await publisher.close();
  }

  return {
    get stats() {
      return { ...stats };
    },
    write: async (batch, signal = NEVER) => {
      if (closing !== undefined) throw new TypeError(`${name}: the sink is closed`);
      if (writing !== undefined) throw new TypeError(`${name}: calls of write must not overlap`);
      checkArgument("write", "events", batch, events);
      checkArgument("write", "signal", signal, aSignal);
      const result = send(batch, signal);
      writing = result.then(
        () => {},
        () => {},
      );
      try {
        await result;
      } finally {
        writing = undefined;
      }
    },
    flush: async () => {
      await writing;
    },
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}
