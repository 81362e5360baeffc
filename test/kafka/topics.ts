import kafkajs from "kafkajs";
import { type KafkaSourceOptions, openKafkaSink, openKafkaSource } from "../../src/kafka/index.js";
import type { EncodedEvent } from "../../src/observer/index.js";
import type { KafkaMock } from "../support/kafka-mock.js";

export const TOPIC = "flows";
export const NEVER = new AbortController().signal;

export const uuids = (list: readonly EncodedEvent[]) => list.map(({ uuid }) => uuid);

/** Publishes events with the sink. */
export async function publish(
  mock: KafkaMock,
  events: readonly EncodedEvent[],
  topic = TOPIC,
): Promise<void> {
  await using sink = await openKafkaSink({ brokers: mock.brokers, topic, createTopic: true });
  await sink.write(events);
}

/** Opens a source of the group `g`. */
export function open(mock: KafkaMock, options: Partial<KafkaSourceOptions> = {}) {
  return openKafkaSource({
    brokers: mock.brokers,
    topic: TOPIC,
    groupId: "g",
    sessionTimeoutMs: 6000,
    ...options,
  });
}

/** The offset that the group has committed, by partition; only those with one. */
export async function committed(mock: KafkaMock): Promise<Record<number, string>> {
  const kafka = new kafkajs.Kafka({ brokers: [...mock.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const [topic] = await admin.fetchOffsets({ groupId: "g", topics: [TOPIC] });
    const found = topic?.partitions.filter(({ offset }) => offset !== "-1") ?? [];
    return Object.fromEntries(found.map(({ partition, offset }) => [partition, offset]));
  } finally {
    await admin.disconnect();
  }
}
