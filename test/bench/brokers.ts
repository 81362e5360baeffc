/**
 * The sinks and sources of brokers beside their client libraries, which do the same: events per second, and the processor time of
 * this process per event. Medians of rounds in turn, on nats-server and on the mock cluster of kcat.
 *
 *   npm run bench:brokers [-- --rounds 5] [--events 10000]
 */
import { parseArgs } from "node:util";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";
import kafkajs from "kafkajs";
import { openKafkaSink, openKafkaSource } from "../../dist/kafka/index.js";
import { openJetStreamSink, openJetStreamSource } from "../../dist/nats/index.js";
import { type EncodedEvent, encodeEvent } from "../../dist/observer/index.js";
import { flow } from "../../dist/testing/index.js";
import { KafkaMock } from "../support/kafka-mock.js";
import { NatsServer } from "../support/nats-server.js";
import { type Figures, summarise } from "./measure.js";
import { currentEnvironment, formatEnvironment } from "./report/environment.js";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, events: { type: "string", default: "10000" } },
});
const rounds = Number(values.rounds);
const count = Number(values.events);
const BATCH = 500;
const NEVER = new AbortController().signal;

interface Cost {
  readonly eventsPerSecond: number;
  readonly cpuMicroseconds: number;
}

type Work = (events: readonly EncodedEvent[], name: string) => Promise<Meter>;

/** Measures from `start` to `stop`. */
class Meter {
  #time = 0n;
  #cpu = process.cpuUsage();
  #cost: Cost | undefined;

  start(): this {
    this.#time = process.hrtime.bigint();
    this.#cpu = process.cpuUsage();
    return this;
  }

  stop(): this {
    const seconds = Number(process.hrtime.bigint() - this.#time) / 1e9;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cost = { eventsPerSecond: count / seconds, cpuMicroseconds: (user + system) / count };
    return this;
  }

  get cost(): Cost {
    if (this.#cost === undefined) throw new Error("not stopped");
    return this.#cost;
  }
}

let serial = 0;

function makeEvents(): EncodedEvent[] {
  return Array.from({ length: count }, () =>
    encodeEvent(
      flow({ uuid: `event-${serial++}`, nodeName: `node-${serial % 16}`, from: "shop/cart", to: "shop/web" }),
    ),
  );
}

function batchesOf(events: readonly EncodedEvent[]): EncodedEvent[][] {
  const batches: EncodedEvent[][] = [];
  for (let start = 0; start < events.length; start += BATCH) batches.push(events.slice(start, start + BATCH));
  return batches;
}

function print(title: string, results: Readonly<Record<string, Cost[]>>): void {
  for (const [name, costs] of Object.entries(results)) {
    const rate: Figures = summarise(costs.map(({ eventsPerSecond }) => eventsPerSecond));
    const cpu: Figures = summarise(costs.map(({ cpuMicroseconds }) => cpuMicroseconds));
    const range = `${cpu.min.toFixed(1)} to ${cpu.max.toFixed(1)}`;
    console.log(`| ${title} | ${name} | ${Math.round(rate.median)} | ${cpu.median.toFixed(1)} (${range}) |`);
  }
}

/** Runs the works in turn. The first round warms up and is not counted. */
async function compare(title: string, works: Readonly<Record<string, Work>>): Promise<void> {
  const results: Record<string, Cost[]> = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of Object.entries(works)) {
      const { cost } = await work(makeEvents(), `bench-${serial++}`);
      if (round > 0) results[name]?.push(cost);
    }
  }
  print(title, results);
}

async function benchNats(): Promise<void> {
  await using server = await NatsServer.start();
  // Without the stack that the library otherwise records for each request.
  const connection = await connect({ servers: server.url, noAsyncTraces: true });
  const manager = await jetstreamManager(connection);
  const js = jetstream(connection);
  const stream = async (name: string) => {
    await manager.streams.add({ name, subjects: [name] });
  };
  const fill = async (events: readonly EncodedEvent[], name: string) => {
    await stream(name);
    await using sink = await openJetStreamSink({ connection, subject: name });
    await sink.write(events);
  };
  await compare("JetStream, publish", {
    openJetStreamSink: async (events, name) => {
      await stream(name);
      await using sink = await openJetStreamSink({ connection, subject: name });
      const meter = new Meter().start();
      for (const batch of batchesOf(events)) await sink.write(batch);
      return meter.stop();
    },
    "client library": async (events, name) => {
      await stream(name);
      const meter = new Meter().start();
      for (const batch of batchesOf(events)) {
        await Promise.all(
          batch.map(({ bytes, uuid, node, kind }) => {
            const fields = headers();
            fields.set("flowscribe-version", "1");
            fields.set("flowscribe-kind", kind);
            fields.set("flowscribe-node", node);
            return js.publish(name, bytes, { msgID: uuid, headers: fields });
          }),
        );
      }
      return meter.stop();
    },
  });
  await compare("JetStream, read and acknowledge", {
    openJetStreamSource: async (events, name) => {
      await fill(events, name);
      await using source = openJetStreamSource({
        connection,
        stream: name,
        consumer: "c",
        create: {},
        maxBatch: BATCH,
      });
      const meter = new Meter().start();
      let read = 0;
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        await source.acknowledge(batch);
        read += batch.length;
        if (read >= count) break;
      }
      return meter.stop();
    },
    "client library": async (events, name) => {
      await fill(events, name);
      await manager.consumers.add(name, {
        durable_name: "c",
        ack_policy: "explicit" as never,
        max_ack_pending: 10_000,
      });
      const consumer = await js.consumers.get(name, "c");
      const meter = new Meter().start();
      for (let read = 0; read < count; ) {
        const messages = await consumer.fetch({ max_messages: BATCH });
        const batch = [];
        for await (const message of messages) batch.push(message);
        await Promise.all(batch.map((message) => message.ackAck()));
        read += batch.length;
      }
      return meter.stop();
    },
  });
  await connection.close();
}

async function benchKafka(): Promise<void> {
  await using mock = await KafkaMock.start();
  const client = new kafkajs.Kafka({ brokers: [...mock.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const fill = async (events: readonly EncodedEvent[], topic: string) => {
    await using sink = await openKafkaSink({ client, topic, createTopic: true });
    await sink.write(events);
  };
  await compare("Kafka, publish", {
    openKafkaSink: async (events, topic) => {
      await using sink = await openKafkaSink({ client, topic, createTopic: true });
      const meter = new Meter().start();
      for (const batch of batchesOf(events)) await sink.write(batch);
      return meter.stop();
    },
    "client library": async (events, topic) => {
      const producer = client.producer();
      await producer.connect();
      const meter = new Meter().start();
      for (const batch of batchesOf(events)) {
        const messages = batch.map(({ bytes, uuid, node, kind }) => ({
          key: node,
          value: Buffer.from(bytes),
          headers: {
            "flowscribe-version": "1",
            ...{ "flowscribe-kind": kind, "flowscribe-node": node, "flowscribe-uuid": uuid },
          },
        }));
        await producer.send({ topic, acks: -1, messages });
      }
      meter.stop();
      await producer.disconnect();
      return meter;
    },
  });
  // From the first message on: joining a group takes three seconds.
  await compare("Kafka, read and commit", {
    openKafkaSource: async (events, topic) => {
      await fill(events, topic);
      await using source = openKafkaSource({ client, topic, groupId: topic, maxBatch: 10_000 });
      const meter = new Meter();
      let read = 0;
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        if (read === 0) meter.start();
        await source.acknowledge(batch);
        read += batch.length;
        if (read >= count) break;
      }
      return meter.stop();
    },
    "client library": async (events, topic) => {
      await fill(events, topic);
      const consumer = client.consumer({ groupId: topic, maxWaitTimeInMs: 500 });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      const meter = new Meter();
      let read = 0;
      await new Promise<void>((resolve, reject) => {
        consumer
          .run({
            autoCommit: false,
            eachBatch: async ({ batch }) => {
              const { partition, messages } = batch;
              if (read === 0) meter.start();
              const offset = String(BigInt(batch.lastOffset()) + 1n);
              await consumer.commitOffsets([{ topic, partition, offset }]);
              read += messages.length;
              if (read >= count) resolve();
            },
          })
          .catch(reject);
      });
      meter.stop();
      await consumer.disconnect();
      return meter;
    },
  });
}

console.log(
  `${formatEnvironment(currentEnvironment())}\nmedian of ${rounds} rounds in turn, ${count} events each\n`,
);
console.log("| | | events/s | CPU µs/event (min to max) |");
console.log("| --- | --- | ---: | ---: |");
await benchNats();
await benchKafka();
