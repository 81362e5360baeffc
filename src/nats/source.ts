import { aClock, type Clock, systemClock } from "../async/clock.js";
import { type BrokerSource, createBrokerSource } from "../broker/broker-source.js";
import type { UndecodableMessage } from "../broker/source-stats.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { aFunction, anInteger, oneOf, required, valueCheck } from "../errors/value-checks.js";
import { checkServer, DEFAULT_TIMEOUT_MS, type NatsServerOptions, SERVER_OPTIONS } from "./connection.js";
import type { CreateConsumer } from "./consumer.js";
import { aJetStreamName } from "./name.js";
import { openJetStreamSession } from "./session.js";

/** Options of {@link openJetStreamSource}. */
export interface JetStreamSourceOptions extends NatsServerOptions {
  readonly stream: string;
  /** The durable consumer. The server remembers under this name what was acknowledged. Readers with the same name share the messages. */
  readonly consumer: string;
  /** Creates the consumer if it does not exist. Without it, a missing consumer is an error. An existing one is never changed. */
  readonly create?: CreateConsumer;
  /** The most events of a batch; default 500, at most 10,000. Up to twice as many are read ahead. */
  readonly maxBatch?: number;
  /** Receives each message that cannot be read. What it throws ends the reading. */
  readonly onUndecodable?: (message: UndecodableMessage) => void;
  /** For tests. */
  readonly clock?: Clock;
}

const DEFAULT_MAX_BATCH = 500;

/** A consumer's limit of time, in milliseconds: from a second to a day. */
const anAckWait = anInteger(1000, 86_400_000);

const SOURCE_OPTIONS: OptionTable<JetStreamSourceOptions> = {
  ...SERVER_OPTIONS,
  stream: required(aJetStreamName),
  consumer: required(aJetStreamName),
  create: optionsOf<CreateConsumer>("create", {
    filterSubject: valueCheck(
      "a subject, in which * and > may be tokens",
      (value) => typeof value === "string" && /^(?:[^\s.]+\.)*[^\s.]+$/.test(value),
    ),
    start: oneOf("first", "new"),
    ackWaitMs: anAckWait,
    maxAckPending: anInteger(1, 1_000_000),
  }),
  maxBatch: anInteger(1, 10_000),
  onUndecodable: aFunction,
  clock: aClock,
};

/**
 * Reads the events of a stream of NATS JetStream, with a durable pull consumer. The connection is opened when the reading
 * begins.
 *
 * Batches have what has arrived, at most `maxBatch` events. `acknowledge` acknowledges the messages of a batch and resolves
 * when the server has confirmed that; it tries again while the client reconnects. Messages that are kept longer are
 * reported to the server as in progress, so that it does not deliver them to another reader. A message that cannot be read
 * is terminated, counted and passed to `onUndecodable`.
 *
 * The reading survives restarts of the server. It ends with `source_failed` if the stream or the consumer is deleted, or the
 * connection closes for good. At its end, messages that were not yielded are given back at once; yielded batches can be
 * acknowledged for as long as the consumer waits (`ackWaitMs`), or until the source is disposed of. Then the connection
 * closes, unless it was passed as an option.
 *
 * @throws OptionsError. From the iteration: FlowscribeError `source_failed`; `package_missing` without
 *   `@nats-io/transport-node` and `@nats-io/jetstream`.
 *
 * @example
 * ```ts
 * await using source = openJetStreamSource({
 *   servers: "nats://127.0.0.1",
 *   stream: "FLOWS",
 *   consumer: "archive",
 *   create: {},
 * });
 * for await (const batch of source.read({ position: undefined, signal })) {
 *   await store(batch);
 *   await source.acknowledge(batch);
 * }
 * ```
 */
export function openJetStreamSource(options: JetStreamSourceOptions): BrokerSource {
  checkOptions("openJetStreamSource", options, SOURCE_OPTIONS);
  checkServer(options);
  const { stream, consumer, create, onUndecodable } = options;
  const { maxBatch = DEFAULT_MAX_BATCH, timeoutMs = DEFAULT_TIMEOUT_MS, clock = systemClock } = options;
  const session = {
    ...{ server: options, stream, consumer, create, maxBatch, timeoutMs, clock },
    onUndecodable: onUndecodable ?? (() => {}),
  };
  return createBrokerSource((signal) => openJetStreamSession(session, signal), clock);
}
