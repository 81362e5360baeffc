import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { openKafkaSink, openKafkaSource } from "../../src/kafka/index.js";
import { sinkEvents } from "../observer/events/flow-sink-contract.js";

const NEVER = new AbortController().signal;

/** Runs something with the address of a broker that treats every connection alike. */
async function withBroker(behave: (socket: Socket) => void, use: (broker: string) => Promise<void>) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    await use(`127.0.0.1:${port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

// kafkajs tries to connect for some seconds.
test.each<[string, { behave: (socket: Socket) => void }]>([
  ["close every connection", { behave: (socket) => socket.destroy() }],
  ["never answer", { behave: () => {} }],
  ["answer with something else", { behave: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") }],
])("brokers that %s: the sink and the source reject", async (_, { behave }) => {
  await withBroker(behave, async (broker) => {
    const options = { brokers: [broker], topic: "flows", timeoutMs: 50 };
    // A connection without an answer counts as open for kafkajs, until a request fails.
    const writing = openKafkaSink(options).then(async (opened) => {
      await using sink = opened;
      await sink.write(sinkEvents(1));
    });
    await expect(writing).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(/^Kafka: (cannot connect|publishing to flows failed): /),
    });
    const source = openKafkaSource({ ...options, groupId: "g" });
    const reading = source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]().next();
    await expect(reading).rejects.toMatchObject({ code: "source_failed" });
  });
});
