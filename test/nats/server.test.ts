import { jetstreamManager } from "@nats-io/jetstream";
import { expect, test, vi } from "vitest";
import { openJetStreamSink, openJetStreamSource } from "../../src/nats/index.js";
import { type EncodedEvent, encodedEvent, RefusedEventsError } from "../../src/observer/index.js";
import { bodies, flowSinkContract, sinkEvent, sinkEvents } from "../observer/events/flow-sink-contract.js";
import { NatsServer } from "../support/nats-server.js";
import { PATIENCE } from "../support/patience.js";
import { describeWithPrograms } from "../support/shared.js";
import { consumerState, createStream, STREAM, storedMessages, withConnection } from "./streams.js";

const SUBJECT = "flows.node-1";
const NEVER = new AbortController().signal;

async function startWithStream(config = {}): Promise<NatsServer> {
  const server = await NatsServer.start();
  await createStream(server.url, config);
  return server;
}

const uuids = (list: readonly EncodedEvent[]) => list.map(({ uuid }) => uuid);

async function publish(url: string, events: readonly EncodedEvent[]): Promise<void> {
  await using sink = await openJetStreamSink({ servers: url, subject: SUBJECT });
  await sink.write(events);
}

describeWithPrograms("nats-server", ["nats-server"], () => {
  flowSinkContract("openJetStreamSink on nats-server", async () => {
    const server = await startWithStream();
    return {
      tooLargeBytes: 1024 * 1024,
      open: () => openJetStreamSink({ servers: server.url, subject: SUBJECT, stream: STREAM }),
      stored: () => storedMessages(server.url),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });

  test("openJetStreamSink: repeated events are stored once", async () => {
    await using server = await startWithStream();
    const events = sinkEvents(50);
    await publish(server.url, events);
    await publish(server.url, events);
    expect(await storedMessages(server.url)).toEqual(bodies(events));
  });

  test("openJetStreamSink: rejects without a stream, then with a full stream", async () => {
    await using server = await NatsServer.start();
    await using sink = await openJetStreamSink({ servers: server.url, subject: SUBJECT });
    await expect(sink.write(sinkEvents(2))).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(/"flows\.node-1": no stream stores this subject/),
    });
    await createStream(server.url, { max_msgs: 3, discard: "new" as never, max_msg_size: 2000 });
    await sink.write(sinkEvents(3));
    await expect(sink.write(sinkEvents(1))).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(/maximum messages exceeded/),
    });
    expect(sink.stats).toEqual({ written: 3, refused: 0, failures: 2 });
  });

  test("openJetStreamSink: refuses messages above the limit of the stream", async () => {
    await using server = await startWithStream({ max_msg_size: 2000 });
    await using sink = await openJetStreamSink({ servers: server.url, subject: SUBJECT });
    const large = sinkEvent("large", 2000);
    await expect(sink.write([...sinkEvents(2), large, ...sinkEvents(2)])).rejects.toThrow(RefusedEventsError);
    expect(sink.stats).toEqual({ written: 4, refused: 1, failures: 0 });
  });

  test("openJetStreamSink, openJetStreamSource: wrong credentials are reported without the password", async () => {
    await using server = await NatsServer.start({ user: "u", pass: "right" });
    const wrong = { servers: server.url, user: "u", pass: "wr0ng-pass" };
    const source = openJetStreamSource({ ...wrong, stream: STREAM, consumer: "c" });
    for (const open of [
      () => openJetStreamSink({ ...wrong, subject: SUBJECT }),
      () => source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]().next(),
    ]) {
      const error = await (open() as Promise<unknown>).catch((reason: Error) => reason);
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(sink|source)_failed$/),
        message: expect.stringMatching(/cannot connect to nats:\/\/127\.0\.0\.1:\d+: .*authorization/i),
      });
      expect(`${(error as Error).message}${(error as Error).stack}`).not.toContain("wr0ng");
    }
    await using sink = await openJetStreamSink({ ...wrong, pass: "right", subject: SUBJECT });
    expect(sink.stats.written).toBe(0);
  });

  test("openJetStreamSink: a server that is killed while 2,000 events are published loses none", async () => {
    await using server = await startWithStream();
    await using sink = await openJetStreamSink({ servers: server.url, subject: SUBJECT, maxPending: 64 });
    const events = sinkEvents(2000);
    let restarting: Promise<void> | undefined;
    for (let start = 0; start < events.length; start += 100) {
      const batch = events.slice(start, start + 100);
      if (start === 1000) restarting = server.kill().then(() => server.start());
      // Until the server is back, each attempt fails after the time limit, or at once.
      await vi.waitFor(() => sink.write(batch), PATIENCE);
    }
    await restarting;
    const stored = (await storedMessages(server.url)).map((body) => encodedEvent(body).uuid);
    expect([...new Set(stored)].sort()).toEqual(uuids(events).sort());
    expect(sink.stats.written).toBe(2000);
    expect(sink.stats.failures).toBeGreaterThan(0);
  });

  test("openJetStreamSource: yields the events in order, and resumes behind what was acknowledged", async () => {
    await using server = await startWithStream();
    const events = sinkEvents(700);
    await publish(server.url, events);
    const options = { servers: server.url, stream: STREAM, consumer: "c", create: {}, maxBatch: 100 };
    const read: EncodedEvent[] = [];
    {
      await using source = openJetStreamSource(options);
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        expect(batch.length).toBeLessThanOrEqual(100);
        read.push(...batch);
        await source.acknowledge(batch);
        if (read.length >= 300) break;
      }
      expect(source.stats).toEqual({ events: read.length, acknowledged: read.length, undecodable: 0 });
    }
    const first = read.length;
    {
      await using source = openJetStreamSource(options);
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        read.push(...batch);
        await source.acknowledge(batch);
        if (read.length >= 700) break;
      }
      expect(source.stats.acknowledged).toBe(700 - first);
    }
    // What was read ahead was given back, and then comes behind what had not been delivered.
    expect(uuids(read).sort()).toEqual(uuids(events).sort());
    expect(uuids(read.slice(0, first))).toEqual(uuids(events.slice(0, first)));
    expect(bodies(read).map(String).sort()).toEqual(bodies(events).map(String).sort());
    expect(await consumerState(server.url, "c")).toEqual({ pending: 0, unacknowledged: 0, redelivered: 0 });
  });

  test("openJetStreamSource: waits for events that come later, and ends at the signal", async () => {
    await using server = await startWithStream();
    await using source = openJetStreamSource({
      servers: server.url,
      stream: STREAM,
      consumer: "c",
      create: {},
    });
    const controller = new AbortController();
    const iterator = source.read({ position: undefined, signal: controller.signal })[Symbol.asyncIterator]();
    const pending = iterator.next();
    const events = sinkEvents(1);
    await publish(server.url, events);
    const { value } = await pending;
    expect(uuids(value as EncodedEvent[])).toEqual(uuids(events));
    const next = iterator.next();
    controller.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    // Batches can be acknowledged after the end of the iteration.
    await source.acknowledge(value as EncodedEvent[]);
    expect(await consumerState(server.url, "c")).toMatchObject({ pending: 0, unacknowledged: 0 });
    await source[Symbol.asyncDispose]();
    await expect(source.acknowledge(value as EncodedEvent[])).rejects.toMatchObject({
      code: "source_failed",
    });
  });

  test("openJetStreamSource: events that were not acknowledged are delivered again", async () => {
    await using server = await startWithStream();
    const events = sinkEvents(20);
    await publish(server.url, events);
    const options = { servers: server.url, stream: STREAM, consumer: "c", create: { ackWaitMs: 1000 } };
    {
      await using source = openJetStreamSource(options);
      for await (const _ of source.read({ position: undefined, signal: NEVER })) break;
    }
    await using source = openJetStreamSource(options);
    const seen = new Set<string>();
    for await (const batch of source.read({ position: undefined, signal: NEVER })) {
      for (const { uuid } of batch) seen.add(uuid);
      await source.acknowledge(batch);
      if (seen.size === 20) break;
    }
    expect([...seen].sort()).toEqual(uuids(events).sort());
  });

  test("openJetStreamSource: messages that cannot be read are terminated, counted and reported", async () => {
    await using server = await startWithStream();
    const [first, last] = sinkEvents(2) as [EncodedEvent, EncodedEvent];
    await withConnection(server.url, async (connection) => {
      const js = (await jetstreamManager(connection)).jetstream();
      await publish(server.url, [first]);
      await js.publish(SUBJECT, Uint8Array.of(0x0a, 5));
      await publish(server.url, [last]);
    });
    const reported: string[] = [];
    await using source = openJetStreamSource({
      ...{ servers: server.url, stream: STREAM, consumer: "c", create: {} },
      onUndecodable: ({ position, reason }) => reported.push(`${position}: ${reason}`),
    });
    const read: EncodedEvent[] = [];
    for await (const batch of source.read({ position: undefined, signal: NEVER })) {
      read.push(...batch);
      await source.acknowledge(batch);
      if (read.length === 2) break;
    }
    expect(uuids(read)).toEqual([first.uuid, last.uuid]);
    expect(reported).toEqual([expect.stringMatching(/^stream FLOWS, message 2: /)]);
    expect(source.stats).toEqual({ events: 2, acknowledged: 2, undecodable: 1 });
    await source[Symbol.asyncDispose]();
    expect(await consumerState(server.url, "c")).toEqual({ pending: 0, unacknowledged: 0, redelivered: 0 });
  });

  test("openJetStreamSource: a restart of the server does not end the iteration", async () => {
    await using server = await startWithStream();
    await publish(server.url, sinkEvents(10));
    await using source = openJetStreamSource({
      servers: server.url,
      stream: STREAM,
      consumer: "c",
      create: {},
    });
    const iterator = source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]();
    const seen = new Set<string>();
    const { value: before } = await iterator.next();
    for (const { uuid } of before as EncodedEvent[]) seen.add(uuid);
    const pending = iterator.next();
    await server.kill();
    // Rejected by the lost connection at first, then confirmed.
    const acknowledged = source.acknowledge(before as EncodedEvent[]);
    await server.start();
    await acknowledged;
    const later = sinkEvents(10);
    await publish(server.url, later);
    const { value: after } = await pending;
    const batch = after as EncodedEvent[];
    for (const { uuid } of batch) seen.add(uuid);
    await source.acknowledge(batch);
    while (seen.size < 20) {
      const { value } = await iterator.next();
      for (const { uuid } of value as EncodedEvent[]) seen.add(uuid);
      await source.acknowledge(value as EncodedEvent[]);
    }
    await iterator.return?.();
    expect(await consumerState(server.url, "c")).toMatchObject({ pending: 0, unacknowledged: 0 });
  });

  test("openJetStreamSource: ends with source_failed when the stream is deleted, after what was read", async () => {
    await using server = await startWithStream();
    await publish(server.url, sinkEvents(3));
    await using source = openJetStreamSource({
      servers: server.url,
      stream: STREAM,
      consumer: "c",
      create: {},
    });
    const read: EncodedEvent[] = [];
    const reading = (async () => {
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        read.push(...batch);
        if (read.length === 3) {
          await withConnection(server.url, async (connection) => {
            await (await jetstreamManager(connection)).streams.delete(STREAM);
          });
        }
      }
    })();
    await expect(reading).rejects.toMatchObject({
      code: "source_failed",
      message: expect.stringMatching(/^NATS: consumer c of stream FLOWS: /),
    });
    expect(read).toHaveLength(3);
  });

  test("openJetStreamSource: rejects a missing stream, a missing consumer, and a consumer of another kind", async () => {
    await using server = await NatsServer.start();
    const options = { servers: server.url, stream: STREAM, consumer: "c" };
    const read = (more = {}) =>
      openJetStreamSource({ ...options, ...more })
        .read({ position: undefined, signal: NEVER })
        [Symbol.asyncIterator]()
        .next();
    await expect(read({ create: {} })).rejects.toMatchObject({
      message: expect.stringMatching(/stream not found/),
    });
    await createStream(server.url);
    await expect(read()).rejects.toMatchObject({
      code: "source_failed",
      message: expect.stringMatching(/set the option create .*consumer not found/),
    });
    await withConnection(server.url, async (connection) => {
      const manager = await jetstreamManager(connection);
      await manager.consumers.add(STREAM, { durable_name: "all", ack_policy: "all" as never });
    });
    await expect(read({ consumer: "all" })).rejects.toMatchObject({
      code: "source_failed",
      message: expect.stringMatching(/must be a pull consumer with explicit acknowledgements/),
    });
  });

  test("openJetStreamSource: two readers of one consumer share the events", async () => {
    await using server = await startWithStream();
    const events = sinkEvents(200);
    await publish(server.url, events);
    const seen: string[] = [];
    const controller = new AbortController();
    async function read(): Promise<void> {
      await using source = openJetStreamSource({
        ...{ servers: server.url, stream: STREAM, consumer: "c", create: {}, maxBatch: 10 },
      });
      for await (const batch of source.read({ position: undefined, signal: controller.signal })) {
        await source.acknowledge(batch);
        seen.push(...uuids(batch));
        if (seen.length >= 200) controller.abort();
      }
    }
    await Promise.allSettled([read(), read()]);
    expect(seen.sort()).toEqual(uuids(events).sort());
  });
});
