import { orAbort, sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import type { BrokerSession, ReceivedBatch } from "../broker/broker-source.js";
import { MESSAGE_HEADERS, readMessage } from "../broker/message.js";
import type { UndecodableMessage } from "../broker/source-stats.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import { type NatsPeer, type NatsServerOptions, natsError, openPeer } from "./connection.js";
import { type CreateConsumer, openConsumer, type StreamConsumer, type StreamMessage } from "./consumer.js";
import { KeptMessages } from "./kept-messages.js";
import { MessagePull } from "./pull.js";
import type { Answer } from "./request-run.js";
import { hasNoResponders, type NatsAnswer, PipelinedRequests } from "./requests.js";
import { loadTransport } from "./transport.js";

export interface JetStreamSessionOptions {
  readonly server: NatsServerOptions;
  readonly stream: string;
  readonly consumer: string;
  readonly create: CreateConsumer | undefined;
  readonly maxBatch: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onUndecodable: (message: UndecodableMessage) => void;
}

/** The most acknowledgements without a confirmation. */
const MAX_PENDING_ACKS = 512;

/** Milliseconds before acknowledgements are sent again. */
const RETRY_MS = 250;

const ACK = new TextEncoder().encode("+ACK");

/** For acknowledgements, which nobody cancels. */
const NEVER = new AbortController().signal;

/** Opens a connection and the consumer. Leaves nothing open if it rejects. */
export async function openJetStreamSession(
  options: JetStreamSessionOptions,
  signal: AbortSignal,
): Promise<JetStreamSession> {
  const { createInbox } = await loadTransport();
  signal.throwIfAborted();
  const opening = openPeer(options.server, "source_failed");
  try {
    const peer = await orAbort(opening, signal);
    const consumer = await orAbort(openConsumer(peer, options), signal);
    return new JetStreamSession(peer, consumer, createInbox(), options);
  } catch (error) {
    // Also a connection that opens after the signal was aborted.
    opening.then(
      ({ release }) => release(),
      () => {},
    );
    throw error;
  }
}

/** Reads messages of a consumer, and acknowledges them. */
export class JetStreamSession implements BrokerSession<readonly StreamMessage[]> {
  readonly ackWaitMs: number;
  readonly #peer: NatsPeer;
  readonly #options: JetStreamSessionOptions;
  readonly #requests: PipelinedRequests;
  readonly #kept: KeptMessages;
  readonly #pull: MessagePull;
  #isClosed = false;
  readonly #kind = {
    send: ({ reply: subject }: StreamMessage, reply: string) => {
      this.#peer.connection.publish(subject, ACK, { reply });
      return undefined;
    },
    read: readConfirmation,
  };

  constructor(peer: NatsPeer, consumer: StreamConsumer, inbox: string, options: JetStreamSessionOptions) {
    const { maxBatch, timeoutMs, clock } = options;
    this.ackWaitMs = consumer.ackWaitMs;
    this.#peer = peer;
    this.#options = options;
    const kept = new KeptMessages(consumer.ackWaitMs, clock);
    this.#kept = kept;
    this.#requests = new PipelinedRequests(peer.connection, {
      ...{ inbox, maxPending: MAX_PENDING_ACKS, timeoutMs, clock },
    });
    this.#pull = new MessagePull(peer.connection, consumer, { maxBatch, clock }, (message) =>
      kept.add(message),
    );
  }

  async next(): Promise<ReceivedBatch<readonly StreamMessage[]> | undefined> {
    for (;;) {
      await this.#pull.next();
      const messages = this.#pull.queue.splice(0, this.#options.maxBatch);
      if (messages.length > 0) {
        const received = this.#decode(messages);
        if (received.batch.length > 0 || received.undecodable > 0) return received;
      } else {
        const { failure } = this.#pull;
        if (failure === undefined) return undefined;
        const { stream, consumer } = this.#options;
        const what = `consumer ${consumer} of stream ${stream}`;
        throw natsError("source_failed", what, failure.error, this.#peer.redactor);
      }
    }
  }

  end(): void {
    this.#pull.end();
    for (const message of this.#pull.queue.splice(0)) {
      this.#kept.delete(message);
      message.nak();
    }
  }

  /** Sends acknowledgements until the server has confirmed all of them. Sending one twice has no effect. */
  async acknowledge(messages: readonly StreamMessage[]): Promise<boolean> {
    const { clock } = this.#options;
    const endMs = clock.now() + this.ackWaitMs;
    for (;;) {
      try {
        await this.#requests.run(messages, this.#kind, NEVER);
        this.#kept.delete(...messages);
        return true;
      } catch (error) {
        const { connection, redactor } = this.#peer;
        const isUseless = this.#isClosed || this.#pull.failure !== undefined || connection.isClosed();
        if (isUseless || clock.now() >= endMs) {
          const what = `the server has not confirmed the acknowledgement of ${messages.length} messages`;
          throw natsError("source_failed", what, error, redactor);
        }
        await sleep(RETRY_MS, clock);
      }
    }
  }

  async close(): Promise<void> {
    const { timeoutMs, clock } = this.#options;
    const { connection, release } = this.#peer;
    this.#isClosed = true;
    this.#kept.clear();
    this.#requests.close();
    if (!connection.isClosed()) {
      const done = new AbortController();
      // The messages that were given back are on their way.
      await Promise.race([
        connection.flush().then(undefined, () => {}),
        sleep(timeoutMs, clock, done.signal),
      ]);
      done.abort();
    }
    await release();
  }

  /** Decodes messages to a batch, and terminates those that cannot be read. */
  #decode(messages: readonly StreamMessage[]): ReceivedBatch<readonly StreamMessage[]> {
    const batch: EncodedEvent[] = [];
    const acknowledgement: StreamMessage[] = [];
    for (const message of messages) {
      const { event, fault } = readMessage(message.data, message.headers?.get(MESSAGE_HEADERS.version));
      if (event !== undefined) {
        batch.push(event);
        acknowledgement.push(message);
        continue;
      }
      message.term();
      this.#kept.delete(message);
      const position = `stream ${this.#options.stream}, message ${message.seq}`;
      this.#options.onUndecodable({ position, body: message.data, reason: fault });
    }
    return { batch, undecodable: messages.length - batch.length, acknowledgement };
  }
}

/** Every answer is a confirmation, except that nobody is there. */
function readConfirmation(answer: NatsAnswer): Answer {
  return hasNoResponders(answer)
    ? { kind: "failed", reason: "the consumer does not exist, or JetStream is not available" }
    : { kind: "done" };
}
