import { describe, expect, test } from "vitest";
import { type KafkaSinkOptions, openKafkaSink } from "../../src/kafka/index.js";
import {
  bodies,
  controlledSinkContract,
  flowSinkContract,
  sinkEvent,
  sinkEvents,
} from "../observer/events/flow-sink-contract.js";
import { FakeKafka, protocolError } from "./fake-client.js";

const MAX_PENDING = 16;

async function createPeer() {
  const client = new FakeKafka();
  client.maxBytes = 64 * 1024;
  return {
    maxPending: MAX_PENDING,
    tooLargeBytes: 64 * 1024,
    open: () => openKafkaSink({ client, topic: "flows", maxPending: MAX_PENDING }),
    stored: async () => client.stored.map(({ value }) => value),
    hold: () => {
      client.isHolding = true;
    },
    release: () => client.release(),
    received: (count: number) => client.untilReceived(count),
    get mostPending() {
      return client.mostPending;
    },
    failNext: () => {
      client.errors.push(protocolError("NOT_ENOUGH_REPLICAS"));
    },
    [Symbol.asyncDispose]: async () => {
      expect(client.isConnected).toBe(false);
    },
  };
}

flowSinkContract("openKafkaSink on a fake client", createPeer);
controlledSinkContract("openKafkaSink on a fake client", createPeer);

async function open(options: Partial<KafkaSinkOptions> = {}) {
  const client = new FakeKafka();
  const sink = await openKafkaSink({ client, topic: "flows", ...options });
  return { client, sink, [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose]() };
}

describe("openKafkaSink: messages", () => {
  test("have the key, the timestamp and the headers of the event", async () => {
    await using opened = await open();
    const event = { ...sinkEvent("u-1"), node: "kind/node-1", time: 1_700_000_000_123_456_789n };
    await opened.sink.write([
      event,
      { ...event, uuid: "", node: "", time: undefined },
      { ...event, time: -1n },
    ]);
    const value = Buffer.from(event.bytes);
    const headers = { "flowscribe-version": "1", "flowscribe-kind": "flow" };
    const all = { ...headers, "flowscribe-node": "kind/node-1", "flowscribe-uuid": "u-1" };
    expect(opened.client.stored).toEqual([
      { key: "kind/node-1", value, headers: all, timestamp: "1700000000123" },
      { key: null, value, headers },
      { key: "kind/node-1", value, headers: all },
    ]);
    expect(opened.client.requests).toEqual([{ topic: "flows", acks: -1, timeout: 10_000, count: 3 }]);
  });

  test("are sent in requests of bounded size; a larger event has one of its own", async () => {
    await using opened = await open({ maxRequestBytes: 3000, maxPending: 4 });
    const small = sinkEvents(6);
    const events = [...small, sinkEvent("x", 5000), sinkEvent("y", 1800), sinkEvent("z", 1800)];
    await opened.sink.write(events);
    expect(opened.client.requests.map(({ count }) => count)).toEqual([4, 2, 1, 1, 1]);
    expect(opened.client.stored.map(({ value }) => new Uint8Array(value))).toEqual(bodies(events));
  });

  test("the client repeats failed requests and creates no topic, unless that is asked for", async () => {
    await using first = await open();
    await using second = await open({ retries: 2, createTopic: true });
    expect(first.client.producerConfigs).toMatchObject([
      { allowAutoTopicCreation: false, retry: { retries: 5 } },
    ]);
    expect(second.client.producerConfigs).toMatchObject([
      { allowAutoTopicCreation: true, retry: { retries: 2 } },
    ]);
  });
});

describe("openKafkaSink: failures", () => {
  test("a large event among 1,000 is found with few requests", async () => {
    await using opened = await open();
    opened.client.maxBytes = 10_000;
    const events = sinkEvents(1000);
    events[700] = sinkEvent("large", 10_000);
    await expect(opened.sink.write(events)).rejects.toMatchObject({
      code: "events_refused",
      refused: [{ event: { uuid: "large" }, reason: expect.stringMatching(/MESSAGE_TOO_LARGE/) }],
    });
    expect(opened.client.requests.length).toBeLessThan(25);
    expect(opened.client.stored).toHaveLength(999);
  });

  test("a request after one that was given up waits for its end", async () => {
    await using opened = await open();
    opened.client.isHolding = true;
    const controller = new AbortController();
    const [a, b] = [sinkEvents(1), sinkEvents(1)];
    const first = opened.sink.write(a, controller.signal);
    await opened.client.untilReceived(1);
    controller.abort();
    await expect(first).rejects.toThrow(/aborted/);
    const second = opened.sink.write(b);
    await new Promise(setImmediate);
    expect(opened.client.received).toBe(1);
    opened.client.release();
    await second;
    expect(opened.client.stored.map(({ value }) => new Uint8Array(value))).toEqual(bodies([...a, ...b]));
  });

  test("the error names the topic, and has the error of the client as its cause", async () => {
    await using opened = await open();
    const cause = protocolError("NOT_LEADER_FOR_PARTITION");
    opened.client.errors.push(cause);
    await expect(opened.sink.write(sinkEvents(1))).rejects.toMatchObject({
      code: "sink_failed",
      message: "Kafka: publishing to flows failed: broker: NOT_LEADER_FOR_PARTITION",
      cause,
    });
  });

  test("a client that cannot connect is reported, and disconnected", async () => {
    const client = new FakeKafka();
    client.connectError = new Error("no brokers");
    await expect(openKafkaSink({ client, topic: "flows" })).rejects.toMatchObject({
      code: "sink_failed",
      message: "Kafka: cannot connect: no brokers",
    });
    expect(client.isConnected).toBe(false);
  });
});

describe("openKafkaSink: options", () => {
  test.each<[object, string]>([
    [{ topic: "x" }, "brokers: is required, or client"],
    [{ topic: "x", brokers: [] }, "brokers: is required, or client"],
    [{ brokers: ["x:1"] }, "topic: is required"],
    [{ brokers: ["x:1"], topic: "a/b" }, "topic: must be a topic of 1 to 249 letters"],
    [{ brokers: ["x:1"], topic: ".." }, "topic: must be a topic"],
    [{ brokers: ["x:1"], topic: "x", key: "pod" }, 'key: must be one of node, five-tuple, not "pod"'],
    [{ brokers: ["x:1"], topic: "x", acks: 1 }, "acks: not an option of openKafkaSink"],
    [{ client: {}, topic: "x" }, "client: must be a client of kafkajs"],
    [{ client: new FakeKafka(), topic: "x", ssl: true }, "ssl: is not allowed together with client"],
  ])("%j: rejects", async (options, message) => {
    await expect(openKafkaSink(options as never)).rejects.toMatchObject({
      code: "invalid_options",
      message: expect.stringContaining(message),
    });
  });
});
