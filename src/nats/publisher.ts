import type { BrokerPublisher } from "../broker/broker-sink.js";
import { headerValue, MESSAGE_HEADERS, MESSAGE_VERSION } from "../broker/message.js";
import { describeValue } from "../errors/describe-value.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import type { RefusedEvent } from "../observer/events/flow-sink.js";
import { readAcknowledgement } from "./acknowledgement.js";
import { type NatsPeer, natsError } from "./connection.js";
import type { Answer } from "./request-run.js";
import { type NatsAnswer, PipelinedRequests, type RequestsOptions } from "./requests.js";
import { isSubject, type SubjectOf } from "./subject.js";

/** JetStream drops a message whose id it has stored lately. */
const MESSAGE_ID = "Nats-Msg-Id";

/** The stream that must store a message. */
const EXPECTED_STREAM = "Nats-Expected-Stream";

/** More than the headers of a message can have. */
const MAX_HEADER_BYTES = 4096;

/** The headers of a message; the client encodes them. */
export interface NatsHeaders {
  set(name: string, value: string): void;
  encode(): Uint8Array;
}

export interface PublisherOptions extends RequestsOptions {
  readonly subject: SubjectOf;
  readonly stream: string | undefined;
  readonly createHeaders: () => NatsHeaders;
}

/** Publishes events to JetStream. */
export class JetStreamPublisher implements BrokerPublisher {
  readonly #peer: NatsPeer;
  readonly #options: PublisherOptions;
  readonly #requests: PipelinedRequests;
  readonly #kind = {
    send: (event: EncodedEvent, reply: string) => this.#publish(event, reply),
    read: (answer: NatsAnswer, event: EncodedEvent) => this.#read(answer, event),
  };

  constructor(peer: NatsPeer, options: PublisherOptions) {
    this.#peer = peer;
    this.#options = options;
    this.#requests = new PipelinedRequests(peer.connection, options);
  }

  async send(events: readonly EncodedEvent[], signal: AbortSignal): Promise<readonly RefusedEvent[]> {
    try {
      const refused = await this.#requests.run(events, this.#kind, signal);
      return refused.map(({ item, reason }) => ({ event: item, reason }));
    } catch (error) {
      throw natsError("sink_failed", "publishing failed", error, this.#peer.redactor);
    }
  }

  async close(): Promise<void> {
    this.#requests.close();
    await this.#peer.release();
  }

  /** Publishes a message, or returns why it never can be. */
  #publish(event: EncodedEvent, reply: string): string | undefined {
    const subject = this.#subjectOf(event);
    if (!isSubject(subject))
      return `${describeValue(subject)} is not a subject to which messages can be published`;
    const headers = this.#headersOf(event);
    const { connection } = this.#peer;
    const maxPayload = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const { length } = event.bytes;
    // Only for messages near the limit the headers are encoded twice.
    if (length + MAX_HEADER_BYTES > maxPayload && length + headers.encode().length > maxPayload)
      return `${length} bytes and headers are more than the ${maxPayload} bytes that the server accepts (max_payload)`;
    connection.publish(subject, event.bytes, { headers, reply });
    return undefined;
  }

  #read(message: NatsAnswer, event: EncodedEvent): Answer {
    const answer = readAcknowledgement(message);
    if (answer.kind !== "failed") return answer;
    return { kind: "failed", reason: `${describeValue(this.#subjectOf(event))}: ${answer.reason}` };
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
}
