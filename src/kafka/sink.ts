import { createBrokerSink } from "../broker/broker-sink.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aBoolean, aFunction, anInteger, either, oneOf, required } from "../errors/value-checks.js";
import type { FlowSink } from "../observer/events/flow-sink.js";
import {
  checkServer,
  DEFAULT_TIMEOUT_MS,
  type KafkaServerOptions,
  kafkaError,
  openPeer,
  RETRY,
  SERVER_OPTIONS,
} from "./client.js";
import { type KeyOf, keyFunction } from "./key.js";
import { KafkaPublisher } from "./publisher.js";
import { aTopic } from "./topic.js";

/** Options of {@link openKafkaSink}. */
export interface KafkaSinkOptions extends KafkaServerOptions {
  readonly topic: string;
  /**
   * The key of an event: events with the same key are in one partition, in their order. Default `node`. With `five-tuple`,
   * both directions of a conversation have the same key; events other than flows have that of their node.
   */
  readonly key?: KeyOf;
  /** How often a request is repeated before `write` rejects; default 5. */
  readonly retries?: number;
  /** The most events of a request, and so the most that are not acknowledged; default 1,000. */
  readonly maxPending?: number;
  /** The most bytes of a request, unless a single event has more; default 900,000, as brokers accept 1 MiB. */
  readonly maxRequestBytes?: number;
  /** Asks the brokers to create the topic if it does not exist; default false. */
  readonly createTopic?: boolean;
}

const DEFAULT_MAX_PENDING = 1000;
const DEFAULT_MAX_REQUEST_BYTES = 900_000;

const SINK_OPTIONS: OptionTable<KafkaSinkOptions> = {
  ...SERVER_OPTIONS,
  topic: required(aTopic),
  key: either<"node" | "five-tuple", (...args: never[]) => unknown>(
    (value) => typeof value !== "function",
    oneOf("node", "five-tuple"),
    aFunction,
  ),
  retries: anInteger(0, 100),
  maxPending: anInteger(1, 100_000),
  maxRequestBytes: anInteger(1, 2 ** 31 - 1),
  createTopic: aBoolean,
};

/**
 * Opens a sink that publishes events to a topic of Kafka. Each event is a message: its value has the bytes of the event
 * unchanged, its timestamp is the time of the event, and the headers `flowscribe-version`, `flowscribe-kind`,
 * `flowscribe-node` and `flowscribe-uuid` describe it.
 *
 * `write` resolves when all replicas in sync have stored the events. Requests are sent one after the other, so that
 * partitions keep the order. A failed request is repeated `retries` times; then `write` rejects with `sink_failed`, and the
 * events can be written again, which may store some of them twice. Events that are larger than the topic accepts are
 * refused; the sink finds them by halving the request, which may also store others of that request twice.
 *
 * @throws OptionsError; FlowscribeError `sink_failed` if no broker answers or the credentials are refused,
 *   `package_missing` without `kafkajs`.
 *
 * @example
 * ```ts
 * await using sink = await openKafkaSink({ brokers: ["127.0.0.1:9092"], topic: "hubble-flows" });
 * await sink.write(events);
 * ```
 */
export async function openKafkaSink(options: KafkaSinkOptions): Promise<FlowSink> {
  checkOptions("openKafkaSink", options, SINK_OPTIONS);
  checkServer(options);
  const { topic, key = "node", retries = RETRY.retries, createTopic = false } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxPending = DEFAULT_MAX_PENDING } = options;
  const { maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = options;
  const peer = await openPeer(options);
  const producer = peer.client.producer({
    allowAutoTopicCreation: createTopic,
    retry: { ...RETRY, retries },
  });
  try {
    await producer.connect();
  } catch (error) {
    await producer.disconnect().catch(() => {});
    throw kafkaError("sink_failed", "cannot connect", error, peer.redactor);
  }
  const keyOf = keyFunction(key);
  return createBrokerSink(
    "openKafkaSink",
    new KafkaPublisher(peer, producer, { topic, keyOf, timeoutMs, maxPending, maxRequestBytes }),
  );
}
