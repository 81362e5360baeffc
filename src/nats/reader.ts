import { onAbort, orAbort, sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import { Serial } from "../async/serial.js";
import { MESSAGE_HEADERS, readMessage } from "../broker/message.js";
import type { BrokerSourceStats, UndecodableMessage } from "../broker/source-stats.js";
import { YieldedBatches } from "../broker/yielded-batches.js";
import { FlowscribeError } from "../errors/errors.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import type { EventSource, ReadOptions } from "../observer/events/event-source.js";
import { loadTransport, type NatsPeer, type NatsServerOptions, natsError, openPeer } from "./connection.js";
import { type CreateConsumer, openConsumer, type StreamMessage } from "./consumer.js";
import { KeptMessages } from "./kept-messages.js";
import { MessagePull } from "./pull.js";
import type { Answer } from "./request-run.js";
import { hasNoResponders, type NatsAnswer, PipelinedRequests } from "./requests.js";

/** A source of `openJetStreamSource`. */
export interface JetStreamSource extends EventSource, AsyncDisposable {
  readonly stats: BrokerSourceStats;
  acknowledge(batch: readonly EncodedEvent[]): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface JetStreamReaderOptions {
  readonly server: NatsServerOptions;
  readonly stream: string;
  readonly consumer: string;
  readonly create: CreateConsumer | undefined;
  readonly maxBatch: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onUndecodable: (message: UndecodableMessage) => void;
}

type Batch = readonly EncodedEvent[];

/** What exists while the connection is open. */
interface Session {
  readonly peer: NatsPeer;
  readonly requests: PipelinedRequests;
  readonly pull: MessagePull;
  readonly kept: KeptMessages;
  readonly ackWaitMs: number;
  /** Resolves when everything is closed. */
  closed: Promise<void> | undefined;
}

type State =
  | { readonly name: "new" }
  | { readonly name: "reading"; readonly session: Session | undefined }
  /** The iteration has ended; batches can still be acknowledged. */
  | { readonly name: "draining"; readonly session: Session }
  | { readonly name: "closed" };

/** The most acknowledgements without a confirmation. */
const MAX_PENDING_ACKS = 512;

/** Milliseconds before acknowledgements are sent again. */
const RETRY_MS = 250;

const ACK = new TextEncoder().encode("+ACK");

/** For acknowledgements, which nobody cancels. */
const NEVER = new AbortController().signal;

/** See `openJetStreamSource`. */
export class JetStreamReader implements JetStreamSource {
  readonly #options: JetStreamReaderOptions;
  readonly #batches = new YieldedBatches<readonly StreamMessage[]>();
  readonly #acknowledging = new Serial();
  readonly #disposed = new AbortController();
  readonly #stats = { events: 0, acknowledged: 0, undecodable: 0 };
  #state: State = { name: "new" };

  constructor(options: JetStreamReaderOptions) {
    this.#options = options;
  }

  get stats(): BrokerSourceStats {
    return { ...this.#stats };
  }

  async *read({ signal }: ReadOptions): AsyncGenerator<Batch, void, undefined> {
    if (this.#state.name !== "new")
      throw new FlowscribeError(
        "source_consumed",
        "the source was read or disposed of before: open it again",
      );
    this.#state = { name: "reading", session: undefined };
    let session: Session | undefined;
    try {
      session = await this.#open(AbortSignal.any([signal, this.#disposed.signal]));
      this.#state = { name: "reading", session };
      yield* this.#batchesOf(session, signal);
    } finally {
      await this.#leave(session);
    }
  }

  async acknowledge(batch: Batch): Promise<void> {
    return this.#acknowledging.run(() => this.#acknowledge(batch));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort(new FlowscribeError("source_consumed", "the source was disposed of"));
    const state = this.#state;
    if (state.name === "new") this.#state = { name: "closed" };
    if (state.name === "reading") state.session?.pull.end();
    await this.#acknowledging.run(async () => {});
    this.#batches.clear();
    if (state.name === "draining") await state.session.closed;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const { server, stream, consumer: name, create, maxBatch, timeoutMs, clock } = this.#options;
    const { createInbox } = await loadTransport();
    signal.throwIfAborted();
    const opening = openPeer(server, "source_failed");
    let peer: NatsPeer | undefined;
    try {
      peer = await orAbort(opening, signal);
      const { connection } = peer;
      const consumer = await orAbort(
        openConsumer(peer, { stream, consumer: name, create, timeoutMs }),
        signal,
      );
      const requests = new PipelinedRequests(connection, {
        ...{ inbox: createInbox(), maxPending: MAX_PENDING_ACKS, timeoutMs, clock },
      });
      const { ackWaitMs } = consumer;
      const kept = new KeptMessages(ackWaitMs, clock);
      const pull = new MessagePull(connection, consumer, { maxBatch, clock }, (message) => kept.add(message));
      return { peer, requests, pull, kept, ackWaitMs, closed: undefined };
    } catch (error) {
      // Also a connection that opens after the signal was aborted.
      opening.then(
        ({ release }) => release(),
        () => {},
      );
      throw error;
    }
  }

  async *#batchesOf(session: Session, signal: AbortSignal): AsyncGenerator<Batch, void, undefined> {
    const { pull, peer } = session;
    const { stream, consumer, maxBatch } = this.#options;
    const remove = onAbort(signal, () => pull.end());
    try {
      for (;;) {
        await pull.next();
        signal.throwIfAborted();
        if (this.#disposed.signal.aborted) return;
        const messages = pull.queue.splice(0, maxBatch);
        if (messages.length === 0) {
          const error = pull.failure?.error;
          throw natsError("source_failed", `consumer ${consumer} of stream ${stream}`, error, peer.redactor);
        }
        const batch = this.#decode(messages, session);
        if (batch.length > 0) yield batch;
        signal.throwIfAborted();
      }
    } finally {
      remove();
    }
  }

  /** Decodes messages to a batch, and terminates those that cannot be read. */
  #decode(messages: readonly StreamMessage[], { kept }: Session): Batch {
    const batch: EncodedEvent[] = [];
    const read: StreamMessage[] = [];
    for (const message of messages) {
      const { event, fault } = readMessage(message.data, message.headers?.get(MESSAGE_HEADERS.version));
      if (event !== undefined) {
        batch.push(event);
        read.push(message);
        continue;
      }
      message.term();
      kept.delete(message);
      this.#stats.undecodable++;
      const position = `stream ${this.#options.stream}, message ${message.seq}`;
      this.#options.onUndecodable({ position, body: message.data, reason: fault });
    }
    if (batch.length > 0) this.#batches.add(batch, read);
    this.#stats.events += batch.length;
    return batch;
  }

  async #acknowledge(batch: Batch): Promise<void> {
    const messages = this.#batches.get(batch);
    const session = "session" in this.#state ? this.#state.session : undefined;
    if (messages === undefined || session === undefined) {
      if (this.#state.name !== "closed")
        throw new TypeError("acknowledge: not a batch of this source, or acknowledged before");
      throw new FlowscribeError(
        "source_failed",
        "NATS: the source is closed: the server delivers what was not acknowledged again",
      );
    }
    await this.#confirm(messages, session);
    session.kept.delete(...messages);
    this.#stats.acknowledged += batch.length;
    this.#batches.delete(batch);
  }

  /** Sends acknowledgements until the server has confirmed all of them. Sending one twice has no effect. */
  async #confirm(messages: readonly StreamMessage[], session: Session): Promise<void> {
    const { requests, peer, pull, ackWaitMs } = session;
    const { clock } = this.#options;
    const kind = {
      send: ({ reply: subject }: StreamMessage, reply: string) => {
        peer.connection.publish(subject, ACK, { reply });
        return undefined;
      },
      read: readConfirmation,
    };
    const endMs = clock.now() + ackWaitMs;
    for (;;) {
      try {
        await requests.run(messages, kind, NEVER);
        return;
      } catch (error) {
        if (pull.failure !== undefined || peer.connection.isClosed() || clock.now() >= endMs)
          throw natsError(
            "source_failed",
            `the server has not confirmed the acknowledgement of ${messages.length} messages`,
            error,
            peer.redactor,
          );
        await sleep(RETRY_MS, clock);
      }
    }
  }

  /** The iteration has ended. */
  async #leave(session: Session | undefined): Promise<void> {
    if (session === undefined) {
      this.#state = { name: "closed" };
      return;
    }
    const { pull, kept, ackWaitMs } = session;
    pull.end();
    for (const message of pull.queue.splice(0)) {
      kept.delete(message);
      message.nak();
    }
    this.#state = { name: "draining", session };
    session.closed = this.#batches.ended(ackWaitMs, this.#options.clock).then(() => this.#close(session));
    if (this.#disposed.signal.aborted) this.#batches.clear();
    if (this.#batches.size === 0) await session.closed;
  }

  async #close({ peer, requests, kept }: Session): Promise<void> {
    const { timeoutMs, clock } = this.#options;
    this.#state = { name: "closed" };
    this.#batches.clear();
    kept.clear();
    requests.close();
    const done = new AbortController();
    // The messages that were given back are on their way.
    const flushed = peer.connection.isClosed() ? Promise.resolve() : peer.connection.flush();
    await Promise.race([flushed.then(undefined, () => {}), sleep(timeoutMs, clock, done.signal)]);
    done.abort();
    await peer.release();
  }
}

/** Every answer is a confirmation, except that nobody is there. */
function readConfirmation(answer: NatsAnswer): Answer {
  return hasNoResponders(answer)
    ? { kind: "failed", reason: "the consumer does not exist, or JetStream is not available" }
    : { kind: "done" };
}
