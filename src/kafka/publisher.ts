import { orAbort } from "../async/abort.js";
import type { BrokerPublisher } from "../broker/broker-sink.js";
import { headerValue, MESSAGE_HEADERS, MESSAGE_VERSION } from "../broker/message.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import type { RefusedEvent } from "../observer/events/flow-sink.js";
import { type KafkaPeer, type KafkaProducerLike, kafkaError, protocolErrorType } from "./client.js";

/** A message of kafkajs. */
interface KafkaMessage {
  readonly key?: string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, as a decimal number. */
  readonly timestamp?: string;
}

export interface PublisherOptions {
  readonly topic: string;
  readonly keyOf: (event: EncodedEvent) => string | undefined;
  readonly timeoutMs: number;
  /** The most events of a request. */
  readonly maxPending: number;
  /** The most bytes of a request, unless a single event has more. */
  readonly maxRequestBytes: number;
}

/** An event as a message. */
interface Item {
  readonly event: EncodedEvent;
  readonly message: KafkaMessage;
  readonly bytes: number;
}

/** All replicas in sync must have stored a message. */
const ACKS_ALL = -1;

/** Errors for a message, or a batch of messages, above the limit of a topic or a broker. */
const TOO_LARGE = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]);

/** About what the format of a record adds to its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 64;

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/** Publishes events to a topic, one request at a time: that keeps the order within each partition. */
export class KafkaPublisher implements BrokerPublisher {
  readonly #peer: KafkaPeer;
  readonly #producer: KafkaProducerLike;
  readonly #options: PublisherOptions;
  /** The pending request; it never rejects. One whose caller has given up must end before the next one begins. */
  #pending: Promise<unknown> = Promise.resolve();

  constructor(peer: KafkaPeer, producer: KafkaProducerLike, options: PublisherOptions) {
    this.#peer = peer;
    this.#producer = producer;
    this.#options = options;
  }

  async send(events: readonly EncodedEvent[], signal: AbortSignal): Promise<readonly RefusedEvent[]> {
    await orAbort(this.#pending, signal);
    const refused: RefusedEvent[] = [];
    try {
      let request: Item[] = [];
      let bytes = 0;
      for (const event of events) {
        const item = this.#itemOf(event);
        const isFull =
          request.length === this.#options.maxPending || bytes + item.bytes > this.#options.maxRequestBytes;
        if (isFull && request.length > 0) {
          await this.#request(request, refused, signal);
          request = [];
          bytes = 0;
        }
        request.push(item);
        bytes += item.bytes;
      }
      await this.#request(request, refused, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw kafkaError(
        "sink_failed",
        `publishing to ${this.#options.topic} failed`,
        error,
        this.#peer.redactor,
      );
    }
    return refused;
  }

  async close(): Promise<void> {
    await this.#pending;
    await this.#producer.disconnect();
  }

  /** Sends events; those that are too large are found by halving the request. */
  async #request(items: readonly Item[], refused: RefusedEvent[], signal: AbortSignal): Promise<void> {
    const { topic, timeoutMs: timeout } = this.#options;
    signal.throwIfAborted();
    const messages = items.map(({ message }) => message);
    const sending = this.#producer.send({ topic, acks: ACKS_ALL, timeout, messages });
    this.#pending = sending.then(
      () => {},
      () => {},
    );
    try {
      await orAbort(sending, signal);
    } catch (error) {
      const type = protocolErrorType(error);
      if (type === undefined || !TOO_LARGE.has(type)) throw error;
      const [first] = items;
      if (items.length <= 1) {
        if (first !== undefined) refused.push({ event: first.event, reason: this.#tooLarge(first, type) });
        return;
      }
      const middle = items.length >> 1;
      await this.#request(items.slice(0, middle), refused, signal);
      await this.#request(items.slice(middle), refused, signal);
    }
  }

  #tooLarge({ bytes }: Item, type: string): string {
    return `about ${bytes} bytes are more than the topic or the broker accepts (${type})`;
  }

  #itemOf(event: EncodedEvent): Item {
    const { bytes, kind, node, uuid, time } = event;
    const key = this.#options.keyOf(event);
    const headers: Record<string, string> = {
      [MESSAGE_HEADERS.version]: MESSAGE_VERSION,
      [MESSAGE_HEADERS.kind]: kind,
    };
    const nodeValue = headerValue(node);
    if (nodeValue !== undefined) headers[MESSAGE_HEADERS.node] = nodeValue;
    const uuidValue = headerValue(uuid);
    if (uuidValue !== undefined) headers[MESSAGE_HEADERS.uuid] = uuidValue;
    const message: KafkaMessage = {
      key: key ?? null,
      value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      headers,
      // Kafka has no times before 1970.
      ...(time !== undefined && time >= 0n && { timestamp: String(time / NANOSECONDS_PER_MILLISECOND) }),
    };
    let size = RECORD_OVERHEAD_BYTES + bytes.length + Buffer.byteLength(key ?? "");
    for (const [name, value] of Object.entries(headers)) size += name.length + value.length;
    return { event, message, bytes: size };
  }
}
