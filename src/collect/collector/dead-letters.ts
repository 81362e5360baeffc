import { orAbort } from "../../async/abort.js";
import { Serial } from "../../async/serial.js";
import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import { type FlowSink, type RefusedEvent, RefusedEventsError } from "../../observer/events/flow-sink.js";
import type { Backoff } from "./backoff.js";
import type { CollectReport } from "./options.js";

/** The name of the dead-letter sink in reports. */
const NAME = "dead letters";

/** Writes the events that a sink refuses for good to a sink of their own, if there is one. */
export class DeadLetters {
  readonly #sink: FlowSink | undefined;
  readonly #backoff: Backoff;
  readonly #signal: AbortSignal;
  readonly #report: (report: CollectReport) => void;
  /** Outputs write at the same time, and calls of a sink must not overlap. */
  readonly #writes = new Serial();
  written = 0;
  /** Events that are nowhere. */
  dropped = 0;

  constructor(
    sink: FlowSink | undefined,
    backoff: Backoff,
    signal: AbortSignal,
    report: (report: CollectReport) => void,
  ) {
    this.#sink = sink;
    this.#backoff = backoff;
    this.#signal = signal;
    this.#report = report;
  }

  /** Resolves when the events are durable. Rejects if the retries are used up, or at the signal. */
  async write(output: string, refused: readonly RefusedEvent[]): Promise<void> {
    const sink = this.#sink;
    for (const { reason } of refused) {
      this.#report({ kind: "refused", output, reason, isLost: sink === undefined });
    }
    if (sink === undefined) this.dropped += refused.length;
    else
      await this.#writes.run(() =>
        this.#writeTo(
          sink,
          refused.map(({ event }) => event),
        ),
      );
  }

  async #writeTo(sink: FlowSink, events: readonly EncodedEvent[]): Promise<void> {
    const lost = await writeUntilDurable(sink, events, NAME, this.#backoff, this.#signal, this.#report);
    for (const { reason } of lost) this.#report({ kind: "refused", output: NAME, reason, isLost: true });
    this.written += events.length - lost.length;
    this.dropped += lost.length;
  }
}

/**
 * Writes events to a sink, again after each failure. Returns those that it refuses for good; all others are durable.
 * Rejects if the retries are used up, or at the signal.
 */
export async function writeUntilDurable(
  sink: FlowSink,
  events: readonly EncodedEvent[],
  output: string,
  backoff: Backoff,
  signal: AbortSignal,
  report: (report: CollectReport) => void,
): Promise<readonly RefusedEvent[]> {
  let refused: readonly RefusedEvent[] = [];
  await backoff.run(
    async () => {
      try {
        await orAbort(sink.write(events, signal), signal);
      } catch (error) {
        if (!(error instanceof RefusedEventsError)) throw error;
        ({ refused } = error);
      }
    },
    (error, attempt, delayMs) => report({ kind: "retry", output, error, attempt, delayMs }),
  );
  return refused;
}
