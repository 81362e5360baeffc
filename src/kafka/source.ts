import { aClock, type Clock, systemClock } from "../async/clock.js";
import { type BrokerSource, createBrokerSource } from "../broker/broker-source.js";
import type { UndecodableMessage } from "../broker/source-stats.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction, anInteger, oneOf, required, valueCheck } from "../errors/value-checks.js";
import { checkServer, type KafkaServerOptions, SERVER_OPTIONS } from "./client.js";
import { openKafkaSession } from "./session.js";
import { aTopic } from "./topic.js";

/** Options of {@link openKafkaSource}. */
export interface KafkaSourceOptions extends KafkaServerOptions {
  readonly topic: string;
  /** The consumer group. The brokers remember under this name what was acknowledged. Readers of one group share the partitions. */
  readonly groupId: string;
  /** Where a group begins that has committed nothing: with the first message (default), or with the next one. */
  readonly start?: "first" | "new";
  /** The most events of a batch; default 500, at most 10,000. */
  readonly maxBatch?: number;
  /** Milliseconds without a sign of life after which the group gives the partitions to others; default 30,000, at least 6,000. */
  readonly sessionTimeoutMs?: number;
  /** Receives each message that cannot be read. What it throws ends the reading. */
  readonly onUndecodable?: (message: UndecodableMessage) => void;
  /** For tests. */
  readonly clock?: Clock;
}

const DEFAULT_MAX_BATCH = 500;
const DEFAULT_SESSION_TIMEOUT_MS = 30_000;

/** Brokers accept sessions from 6 seconds to half an hour by default. */
const aSessionTimeout = anInteger(6000, 1_800_000);

const SOURCE_OPTIONS: OptionTable<KafkaSourceOptions> = {
  ...SERVER_OPTIONS,
  topic: required(aTopic),
  groupId: required(
    valueCheck<string>(
      "a name of 1 to 255 characters",
      (value) => typeof value === "string" && /^.{1,255}$/s.test(value),
    ),
  ),
  start: oneOf("first", "new"),
  maxBatch: anInteger(1, 10_000),
  sessionTimeoutMs: aSessionTimeout,
  onUndecodable: aFunction,
  clock: aClock,
};

/**
 * Reads the events of a topic of Kafka as a member of a consumer group. The connection is opened when the reading begins.
 *
 * A batch has events of one partition, in their order, at most `maxBatch`. `acknowledge` commits its offset and resolves
 * when the broker has confirmed that. Offsets of a partition that the group has given to another reader are not committed:
 * that reader reads the events again. If more than `maxBatch` events are read ahead, the consumer pauses; at most the
 * responses to the pending fetches come on top. A message that cannot be read is counted and passed to `onUndecodable`, and
 * is skipped with the next commit of its partition; a batch may be empty for that reason.
 *
 * kafkajs reconnects by itself. The reading ends with `source_failed` if the topic does not exist, the credentials are
 * refused, or another error occurs that kafkajs does not repeat. Yielded batches can be acknowledged after the end of the
 * reading for `sessionTimeoutMs`, or until the source is disposed of. Then the consumer leaves the group.
 *
 * @throws OptionsError. From the iteration: FlowscribeError `source_failed`; `package_missing` without `kafkajs`.
 *
 * @example
 * ```ts
 * await using source = openKafkaSource({
 *   brokers: ["127.0.0.1:9092"],
 *   topic: "hubble-flows",
 *   groupId: "archive",
 * });
 * for await (const batch of source.read({ position: undefined, signal })) {
 *   await store(batch);
 *   await source.acknowledge(batch);
 * }
 * ```
 */
export function openKafkaSource(options: KafkaSourceOptions): BrokerSource {
  checkOptions("openKafkaSource", options, SOURCE_OPTIONS);
  checkServer(options);
  const { topic, groupId, start = "first", onUndecodable = () => {} } = options;
  const { maxBatch = DEFAULT_MAX_BATCH, clock = systemClock } = options;
  const { sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS } = options;
  const session = {
    ...{ server: options, topic, groupId, start, maxBatch, sessionTimeoutMs, clock, onUndecodable },
  };
  return createBrokerSource((signal) => openKafkaSession(session, signal), clock);
}
