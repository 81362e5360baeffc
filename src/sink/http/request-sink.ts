import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import {
  type FlowSink,
  type FlowSinkStats,
  type RefusedEvent,
  RefusedEventsError,
} from "../../observer/events/flow-sink.js";
import { type DeliveryLimits, deliver, type Item, type Outcome } from "./deliver.js";

/** How a {@link RequestSink} sends events. */
export interface RequestSender<T> extends DeliveryLimits {
  /** The destination, for messages. */
  readonly name: string;
  /** Converts an event to the form in which it is sent. What it throws refuses the event. */
  encode(event: EncodedEvent): { readonly payload: T; readonly bytes: number };
  /** Sends a request. Rejects if it may be repeated. */
  send(items: readonly Item<T>[], signal: AbortSignal | undefined): Promise<Outcome>;
  /** Closes the connections. */
  close(): void | Promise<void>;
}

/** A sink that sends events in requests, which a server acknowledges. */
export class RequestSink<T> implements FlowSink {
  readonly #sender: RequestSender<T>;
  #closing: Promise<void> | undefined;
  /** Settles with the call of `write` that runs. */
  #writing: Promise<unknown> = Promise.resolve();
  #written = 0;
  #refused = 0;
  #failures = 0;

  constructor(sender: RequestSender<T>) {
    this.#sender = sender;
  }

  get stats(): FlowSinkStats {
    return { written: this.#written, refused: this.#refused, failures: this.#failures };
  }

  async write(events: readonly EncodedEvent[], signal?: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) throw new TypeError("the sink is closed");
    signal?.throwIfAborted();
    const written = this.#write(events, signal);
    this.#writing = written.catch(() => {});
    await written;
  }

  /** What `write` has returned is stored by the server. */
  async flush(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#writing.then(() => this.#sender.close());
    return this.#closing;
  }

  async #write(events: readonly EncodedEvent[], signal: AbortSignal | undefined): Promise<void> {
    const refused: RefusedEvent[] = [];
    try {
      const items = this.#encode(events, refused);
      const delivered = await deliver(items, (request) => this.#sender.send(request, signal), this.#sender);
      this.#rejectRefusalOfAll(delivered.stored, delivered.rejected, delivered.refused);
      refused.push(...delivered.refused);
      this.#written += delivered.stored;
      this.#refused += events.length - delivered.stored;
    } catch (error) {
      this.#failures++;
      throw error;
    }
    if (refused.length > 0) throw new RefusedEventsError(refused);
  }

  #encode(events: readonly EncodedEvent[], refused: RefusedEvent[]): Item<T>[] {
    const items: Item<T>[] = [];
    for (const event of events) {
      try {
        items.push({ event, ...this.#sender.encode(event) });
      } catch (error) {
        refused.push({ event, reason: messageOf(error) });
      }
    }
    return items;
  }

  /**
   * A server that has never stored an event and refuses all of a batch has rather a wrong table or query than wrong events.
   * They are not given up before somebody has corrected that.
   */
  #rejectRefusalOfAll(stored: number, rejected: number, [first]: readonly RefusedEvent[]): void {
    if (this.#written + stored > 0 || rejected === 0) return;
    throw new FlowscribeError(
      "sink_failed",
      `${this.#sender.name} has refused every event so far; check the URL, the query and the form of the rows: ${first?.reason}`,
    );
  }
}
