import { onAbort, sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import type { BrokerPublisher } from "../broker/broker-sink.js";
import { headerValue, MESSAGE_HEADERS, MESSAGE_VERSION } from "../broker/message.js";
import { describeValue } from "../errors/describe-value.js";
import { FlowscribeError } from "../errors/errors.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import { type NatsAnswer, readAcknowledgement } from "./acknowledgement.js";
import { type NatsPeer, natsError } from "./connection.js";
import { PublishRun } from "./publish-run.js";
import { isSubject, type SubjectOf } from "./subject.js";

/** JetStream drops a message whose id it has stored lately. */
const MESSAGE_ID = "Nats-Msg-Id";

/** The stream that must store a message. */
const EXPECTED_STREAM = "Nats-Expected-Stream";

/** The headers of a message; the client encodes them. */
export interface NatsHeaders {
  set(name: string, value: string): void;
  encode(): Uint8Array;
}

export interface PublisherOptions {
  readonly subject: SubjectOf;
  readonly stream: string | undefined;
  readonly maxPending: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly createHeaders: () => NatsHeaders;
  /** The prefix of the subjects of answers. Each message has its own, so that an answer can be assigned to its message. */
  readonly inbox: string;
}

/** Publishes events to JetStream. One subscription receives all acknowledgements. */
export class JetStreamPublisher implements BrokerPublisher {
  readonly #peer: NatsPeer;
  readonly #options: PublisherOptions;
  readonly #subscription: { unsubscribe(): void };
  readonly #statuses: AsyncIterable<{ readonly type: string }> & { stop?(): void };
  #run: PublishRun | undefined;
  /** The number of the first message of the run. Answers to messages of earlier runs have smaller ones. */
  #firstNumber = 0;
  #nextNumber = 0;
  /** Aborted at the next connection; undefined while connected. */
  #reconnected: AbortController | undefined;

  constructor(peer: NatsPeer, options: PublisherOptions) {
    this.#peer = peer;
    this.#options = options;
    this.#subscription = peer.connection.subscribe(`${options.inbox}.*`, {
      callback: (error: Error | null, answer: NatsAnswer) => {
        if (error === null) this.#onAnswer(answer);
        else this.#run?.fail(error);
      },
    });
    this.#statuses = peer.connection.status();
    this.#watch();
  }

  async send(events: readonly EncodedEvent[], signal: AbortSignal) {
    await this.#connected(signal);
    const { maxPending, timeoutMs, clock } = this.#options;
    this.#firstNumber = this.#nextNumber;
    this.#nextNumber += events.length;
    const first = this.#firstNumber;
    const publish = (event: EncodedEvent, index: number) => this.#publish(event, first + index);
    const subjectOf = (event: EncodedEvent) => this.#subjectOf(event);
    const run = new PublishRun(events, { publish, subjectOf, maxPending, timeoutMs, clock });
    this.#run = run;
    const remove = onAbort(signal, () => run.fail(signal.reason));
    try {
      return await run.finished;
    } catch (error) {
      throw this.#sinkFailed("publishing failed", error);
    } finally {
      remove();
      if (this.#run === run) this.#run = undefined;
    }
  }

  async close(): Promise<void> {
    this.#statuses.stop?.();
    if (!this.#peer.connection.isClosed()) this.#subscription.unsubscribe();
    await this.#peer.release();
  }

  /** Publishes a message, or returns why it never can be. */
  #publish(event: EncodedEvent, number: number): string | undefined {
    const { inbox } = this.#options;
    const name = this.#subjectOf(event);
    if (!isSubject(name)) return `${describeValue(name)} is not a subject to which messages can be published`;
    const headers = this.#headersOf(event);
    const { connection } = this.#peer;
    const maxPayload = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const { length } = event.bytes;
    // The headers are a few hundred bytes; encoding them twice is only for messages near the limit.
    if (length + MAX_HEADER_BYTES > maxPayload && length + headers.encode().length > maxPayload)
      return `${length} bytes and headers are more than the ${maxPayload} bytes that the server accepts (max_payload)`;
    connection.publish(name, event.bytes, { headers, reply: `${inbox}.${number}` });
    return undefined;
  }

  #subjectOf(event: EncodedEvent): string {
    const { subject } = this.#options;
    return typeof subject === "string" ? subject : subject(event);
  }

  #headersOf({ kind, uuid, node }: EncodedEvent): NatsHeaders {
    const { createHeaders, stream } = this.#options;
    const headers = createHeaders();
    headers.set(MESSAGE_HEADERS.version, MESSAGE_VERSION);
    headers.set(MESSAGE_HEADERS.kind, kind);
    const nodeValue = headerValue(node);
    if (nodeValue !== undefined) headers.set(MESSAGE_HEADERS.node, nodeValue);
    const id = headerValue(uuid);
    if (id !== undefined) headers.set(MESSAGE_ID, id);
    if (stream !== undefined) headers.set(EXPECTED_STREAM, stream);
    return headers;
  }

  #onAnswer(answer: NatsAnswer): void {
    const { inbox } = this.#options;
    const index = Number(answer.subject.slice(inbox.length + 1)) - this.#firstNumber;
    if (!(index >= 0)) return;
    this.#run?.answer(index, readAcknowledgement(answer));
  }

  /** Follows the state of the connection. Messages that are sent while it is lost would be dropped. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (type === "disconnect" || type === "close") {
        this.#reconnected ??= new AbortController();
        this.#run?.fail(new Error("the connection to the server was lost"));
      } else if (type === "reconnect") {
        this.#reconnected?.abort();
        this.#reconnected = undefined;
      }
    }
  }

  /** Waits for the connection if it is lost. */
  async #connected(signal: AbortSignal): Promise<void> {
    const { timeoutMs, clock } = this.#options;
    const { connection } = this.#peer;
    if (this.#reconnected !== undefined && !connection.isClosed()) {
      await sleep(timeoutMs, clock, AbortSignal.any([this.#reconnected.signal, signal]));
      signal.throwIfAborted();
    }
    if (connection.isClosed())
      throw this.#sinkFailed("the connection is closed", (await connection.closed()) ?? undefined);
    if (this.#reconnected !== undefined)
      throw new FlowscribeError("sink_failed", `NATS: not connected to the server for ${timeoutMs} ms`);
  }

  #sinkFailed(what: string, error: unknown): FlowscribeError {
    if (error === undefined) return new FlowscribeError("sink_failed", `NATS: ${what}`);
    return natsError("sink_failed", what, error, this.#peer.redactor);
  }
}

/** More than the headers of a message can have. */
const MAX_HEADER_BYTES = 4096;
