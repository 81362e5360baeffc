import kafkajs from "kafkajs";
import { expect, test } from "vitest";
import { openKafkaSink, openKafkaSource } from "../../src/kafka/index.js";
import type { EncodedEvent } from "../../src/observer/index.js";
import { flowSinkContract, sinkEvents } from "../observer/events/flow-sink-contract.js";
import { KafkaMock } from "../support/kafka-mock.js";
import { describeWithPrograms } from "../support/shared.js";
import { committed, NEVER, open, publish, TOPIC, uuids } from "./topics.js";

describeWithPrograms("the mock cluster of kcat", ["kcat"], () => {
  flowSinkContract(
    "openKafkaSink on the mock cluster",
    async () => {
      const mock = await KafkaMock.start();
      return {
        open: () =>
          openKafkaSink({ brokers: mock.brokers, topic: TOPIC, createTopic: true, key: () => "one" }),
        stored: () => mock.stored(TOPIC),
        [Symbol.asyncDispose]: () => mock[Symbol.asyncDispose](),
      };
    },
    { canRefuse: false },
  );

  test("openKafkaSink: events of a node are in one partition, in their order", async () => {
    await using mock = await KafkaMock.start();
    const nodes = Array.from({ length: 20 }, (_, index) => `node-${index}`);
    const events = sinkEvents(200).map((event, index) => ({ ...event, node: nodes[index % 20] as string }));
    await publish(mock, events);
    await using source = open(mock);
    const read: (EncodedEvent & { batch: number })[] = [];
    let batches = 0;
    for await (const batch of source.read({ position: undefined, signal: NEVER })) {
      batches++;
      for (const event of batch) read.push({ ...event, batch: batches });
      await source.acknowledge(batch);
      if (read.length === 200) break;
    }
    expect(batches).toBeGreaterThan(1);
    const byUuid = new Map(events.map((event) => [event.uuid, event.node]));
    for (const node of nodes) {
      const ofNode = read.filter(({ uuid }) => byUuid.get(uuid) === node);
      expect(uuids(ofNode)).toEqual(uuids(events.filter((event) => event.node === node)));
      expect(new Set(ofNode.map(({ batch }) => batch)).size).toBe(1);
    }
  });

  test("openKafkaSource: an aborted signal ends a source that is still joining the group", async () => {
    await using mock = await KafkaMock.start();
    await publish(mock, sinkEvents(1));
    await using source = open(mock);
    const controller = new AbortController();
    const first = source
      .read({ position: undefined, signal: controller.signal })
      [Symbol.asyncIterator]()
      .next();
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(first).rejects.toThrow("enough");
  });

  test("openKafkaSource: messages that cannot be read are counted, reported and skipped", async () => {
    await using mock = await KafkaMock.start();
    const kafka = new kafkajs.Kafka({ brokers: [...mock.brokers], logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const damaged = [Buffer.of(0x0a, 5), Buffer.alloc(0)].map((value) => ({ value, partition: 2 }));
    await producer.send({ topic: TOPIC, messages: damaged });
    await producer.disconnect();
    const reported: string[] = [];
    await using source = open(mock, {
      onUndecodable: ({ position, reason }) => reported.push(`${position}: ${reason}`),
    });
    for await (const batch of source.read({ position: undefined, signal: NEVER })) {
      expect(batch).toEqual([]);
      await source.acknowledge(batch);
      break;
    }
    expect(reported).toEqual([
      expect.stringMatching(/^topic flows, partition 2, offset 0: /),
      "topic flows, partition 2, offset 1: the message is empty",
    ]);
    expect(source.stats).toEqual({ events: 0, acknowledged: 0, undecodable: 2 });
    expect(await committed(mock)).toEqual({ 2: "2" });
  });

  test("openKafkaSink, openKafkaSource: credentials that are refused are reported without the password", async () => {
    await using mock = await KafkaMock.start();
    const sasl = { mechanism: "plain", username: "u", password: "wr0ng-pass" };
    const server = { brokers: mock.brokers, topic: TOPIC, sasl, timeoutMs: 2000 };
    const source = openKafkaSource({ ...server, groupId: "g" });
    for (const opening of [
      () => openKafkaSink(server),
      () => source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]().next(),
    ]) {
      const error = await (opening() as Promise<unknown>).catch((reason: Error) => reason);
      expect(error).toMatchObject({ code: expect.stringMatching(/^(sink|source)_failed$/) });
      expect(`${(error as Error).message}${(error as Error).stack}`).not.toContain("wr0ng");
    }
  });
});
