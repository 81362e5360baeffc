import { describe, expect, test, vi } from "vitest";
import { type KafkaSourceOptions, openKafkaSource } from "../../src/kafka/index.js";
import type { EncodedEvent } from "../../src/observer/index.js";
import { fakeClock } from "../../src/testing/index.js";
import { sinkEvents } from "../observer/events/flow-sink-contract.js";
import { PATIENCE } from "../support/patience.js";
import { FakeConsumer } from "./fake-consumer.js";

const NEVER = new AbortController().signal;

const messages = (events: readonly EncodedEvent[], first = 0) =>
  events.map(({ bytes }, index) => ({ offset: String(first + index), value: bytes }));

const uuids = (list: readonly EncodedEvent[] | undefined) => list?.map(({ uuid }) => uuid);

/** Starts to read; the consumer has the partitions 0 and 1. */
async function read(options: Partial<KafkaSourceOptions> = {}, signal = NEVER) {
  const client = new FakeConsumer();
  const source = openKafkaSource({ client, topic: "flows", groupId: "g", ...options });
  const iterator = source.read({ position: undefined, signal })[Symbol.asyncIterator]();
  const first = iterator.next();
  first.catch(() => {});
  await vi.waitFor(() => expect(client.calls).toHaveLength(3), PATIENCE);
  client.assign(0, 1);
  const take = async (next = iterator.next()) => {
    const { value } = await next;
    return value as readonly EncodedEvent[];
  };
  return {
    ...{ client, source, iterator, first, take },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await iterator.return?.();
      expect([client.isConnected, client.listeners]).toEqual([false, 0]);
    },
  };
}

describe("openKafkaSource", () => {
  test("subscribes without automatic commits, from the beginning or from the next message", async () => {
    await using opened = await read();
    expect(opened.client.calls).toEqual(["consumer g", "subscribe flows true", "run false false"]);
    await using later = await read({ start: "new" });
    expect(later.client.calls[1]).toBe("subscribe flows false");
  });

  test("yields the messages of a fetch in batches, and commits the offset behind each", async () => {
    await using opened = await read({ maxBatch: 2 });
    const { client, source, first, take } = opened;
    const events = sinkEvents(5);
    await client.deliver(1, messages(events, 10));
    const batches = [await take(first), await take(), await take()];
    expect(batches.map(uuids)).toEqual([events.slice(0, 2), events.slice(2, 4), events.slice(4)].map(uuids));
    expect(client.resolved).toEqual(["1:14"]);
    for (const batch of batches) await source.acknowledge(batch);
    expect(client.commits).toEqual(["12", "14", "15"].map((offset) => ({ partition: 1, offset })));
    expect(source.stats).toEqual({ events: 5, acknowledged: 5, undecodable: 0 });
  });

  test("pauses at the bound, and resumes when the batches are taken", async () => {
    await using opened = await read({ maxBatch: 4 });
    const { client, first, take } = opened;
    // Taken at once, as the reader waits.
    await client.deliver(0, messages(sinkEvents(1)));
    await take(first);
    await client.deliver(0, messages(sinkEvents(3), 1));
    expect(client.isPaused).toBe(false);
    await client.deliver(1, messages(sinkEvents(3)));
    expect(client.isPaused).toBe(true);
    await take();
    expect(client.isPaused).toBe(false);
    await take();
  });

  test("does not commit the batches of a partition that was revoked, and drops those read ahead", async () => {
    await using opened = await read({ maxBatch: 2 });
    const { client, source, first, take } = opened;
    await client.deliver(0, messages(sinkEvents(4)));
    const lost = await take(first);
    client.assign(1);
    const kept = sinkEvents(1);
    await client.deliver(1, messages(kept, 5));
    // Of a fetch from before the assignment.
    await client.deliver(0, messages(sinkEvents(1), 4));
    const next = await take();
    expect(uuids(next)).toEqual(uuids(kept));
    await source.acknowledge(lost);
    await source.acknowledge(next);
    expect(client.commits).toEqual([{ partition: 1, offset: "6" }]);
    expect(source.stats).toMatchObject({ events: 3, acknowledged: 1 });
  });

  test("does not commit a batch from before a partition was revoked and assigned again", async () => {
    await using opened = await read();
    const { client, source, first, take } = opened;
    await client.deliver(0, messages(sinkEvents(2)));
    const old = await take(first);
    client.assign();
    client.assign(0);
    await source.acknowledge(old);
    expect(client.commits).toEqual([]);
  });

  test("commits a batch of a partition that stays assigned, and never goes back", async () => {
    await using opened = await read();
    const { client, source, first, take } = opened;
    const events = sinkEvents(3);
    await client.deliver(0, messages(events));
    const batch = await take(first);
    client.assign(0);
    // Read again, because nothing was committed.
    await client.deliver(0, messages(events.slice(0, 1)));
    const again = await take();
    await source.acknowledge(batch);
    await source.acknowledge(again);
    expect(client.commits).toEqual([{ partition: 0, offset: "3" }]);
  });

  test.each([
    ["fails", new Error("REBALANCE_IN_PROGRESS")],
    ["is silently skipped", "silent" as const],
  ])("repeats a commit that %s", async (_, failure) => {
    const clock = fakeClock();
    await using opened = await read({ clock });
    const { client, source, first, take } = opened;
    await client.deliver(0, messages(sinkEvents(1)));
    const batch = await take(first);
    client.commitFailures.push(failure);
    const acknowledged = source.acknowledge(batch);
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
    expect(source.stats.acknowledged).toBe(0);
    clock.advance(250);
    await acknowledged;
    expect(client.commits).toEqual([{ partition: 0, offset: "1" }]);
  });

  test("gives up a commit after the session timeout", async () => {
    const clock = fakeClock();
    await using opened = await read({ clock, sessionTimeoutMs: 6000 });
    const { client, source, first, take } = opened;
    await client.deliver(0, messages(sinkEvents(1)));
    const batch = await take(first);
    client.commitFailures = Array.from({ length: 100 }, () => new Error("no coordinator"));
    const rejected = expect(source.acknowledge(batch)).rejects.toMatchObject({
      code: "source_failed",
      message: "Kafka: committing an offset of flows: no coordinator",
    });
    for (let waits = 0; waits < 24; waits++) {
      await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
      clock.advance(250);
    }
    await rejected;
  });

  test("ends with source_failed after a crash that is not repeated, and continues after one that is", async () => {
    await using opened = await read();
    const { client, first, take } = opened;
    client.emit("consumer.crash", { error: new Error("broker down"), restart: true });
    await client.deliver(0, messages(sinkEvents(2)));
    client.emit("consumer.crash", { error: new Error("not authorized"), restart: false });
    expect(await take(first)).toHaveLength(2);
    await expect(opened.iterator.next()).rejects.toMatchObject({
      code: "source_failed",
      message: "Kafka: reading flows: not authorized",
    });
  });

  test("reports a consumer that cannot connect, and disconnects it", async () => {
    const client = new FakeConsumer();
    client.connectError = new Error("no brokers");
    const source = openKafkaSource({ client, topic: "flows", groupId: "g" });
    const reading = source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]().next();
    await expect(reading).rejects.toMatchObject({
      code: "source_failed",
      message: "Kafka: cannot read flows: no brokers",
    });
    expect([client.isConnected, client.listeners]).toEqual([false, 0]);
  });

  test("keeps the connection for batches that are not acknowledged, at most for the session timeout", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const { client, source, first, take, iterator } = await read(
      { clock, sessionTimeoutMs: 6000 },
      controller.signal,
    );
    await client.deliver(0, messages(sinkEvents(2)));
    const batch = await take(first);
    const next = iterator.next();
    controller.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    expect([client.isConnected, client.isPaused]).toEqual([true, true]);
    clock.advance(6000);
    await vi.waitFor(() => expect(client.isConnected).toBe(false), PATIENCE);
    await expect(source.acknowledge(batch)).rejects.toMatchObject({ code: "source_failed" });
  });

  test("acknowledge rejects batches that are not of this source, and those that are acknowledged", async () => {
    await using opened = await read();
    const { client, source, first, take } = opened;
    await expect(source.acknowledge([])).rejects.toThrow(TypeError);
    await client.deliver(0, messages(sinkEvents(1)));
    const batch = await take(first);
    await source.acknowledge(batch);
    await expect(source.acknowledge(batch)).rejects.toThrow(TypeError);
  });

  test("is read once, and not after it was disposed of", async () => {
    await using opened = await read();
    const again = opened.source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]().next();
    await expect(again).rejects.toMatchObject({ code: "source_consumed" });
    const unread = openKafkaSource({ client: new FakeConsumer(), topic: "flows", groupId: "g" });
    await unread[Symbol.asyncDispose]();
    const late = unread.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]().next();
    await expect(late).rejects.toMatchObject({ code: "source_consumed" });
  });

  test.each<[object, string]>([
    [{ brokers: ["x:1"], groupId: "g" }, "topic: is required"],
    [{ brokers: ["x:1"], topic: "x" }, "groupId: is required"],
    [{ topic: "x", groupId: "g" }, "brokers: is required, or client"],
    [{ brokers: ["x:1"], topic: "x", groupId: "" }, "groupId: must be a name of 1 to 255 characters"],
    [{ brokers: ["x:1"], topic: "x", groupId: "g", start: "last" }, "start: must be one of first, new"],
    [
      { brokers: ["x:1"], topic: "x", groupId: "g", sessionTimeoutMs: 10 },
      "sessionTimeoutMs: must be an integer",
    ],
  ])("%j: throws", (options, message) => {
    expect(() => openKafkaSource(options as never)).toThrow(message);
  });
});
