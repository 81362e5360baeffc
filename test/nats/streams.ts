import { jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";

/** Runs something with a connection of the client library. */
export async function withConnection<T>(
  url: string,
  use: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: url });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

export const STREAM = "FLOWS";

/** Creates the stream of the tests, with file storage. */
export async function createStream(url: string, config: Partial<StreamConfig> = {}): Promise<void> {
  await withConnection(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: STREAM, subjects: ["flows.>"], ...config });
  });
}

/** The bodies of all messages of the stream, in their order. */
export async function storedMessages(url: string): Promise<Uint8Array[]> {
  return withConnection(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.info(STREAM);
    if (state.messages === 0) return [];
    const consumer = await manager.jetstream().consumers.get(STREAM);
    const bodies: Uint8Array[] = [];
    const messages = await consumer.fetch({ max_messages: state.messages, expires: 30_000 });
    for await (const { data } of messages) bodies.push(new Uint8Array(data));
    return bodies;
  });
}

/** How many messages are delivered and not acknowledged, and how many are still to be delivered. */
export async function consumerState(
  url: string,
  consumer: string,
): Promise<{ pending: number; unacknowledged: number; redelivered: number }> {
  return withConnection(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    const info = await manager.consumers.info(STREAM, consumer);
    return {
      pending: info.num_pending,
      unacknowledged: info.num_ack_pending,
      redelivered: info.num_redelivered,
    };
  });
}
