import { expect, test, vi } from "vitest";
import type { EncodedEvent } from "../../src/observer/index.js";
import { bodies, sinkEvents } from "../observer/events/flow-sink-contract.js";
import { KafkaMock } from "../support/kafka-mock.js";
import { PATIENCE } from "../support/patience.js";
import { describeWithPrograms } from "../support/shared.js";
import { committed, NEVER, open, publish, uuids } from "./topics.js";

// The mock cluster waits three seconds before it assigns partitions to a new group.
describeWithPrograms("groups of the mock cluster of kcat", ["kcat"], () => {
  test("openKafkaSource: resumes behind what was acknowledged, and yields the bytes unchanged", async () => {
    await using mock = await KafkaMock.start();
    const events = sinkEvents(300);
    await publish(mock, events);
    const read: EncodedEvent[] = [];
    {
      await using source = open(mock, { maxBatch: 50 });
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        expect(batch.length).toBeLessThanOrEqual(50);
        read.push(...batch);
        await source.acknowledge(batch);
        if (read.length >= 100) break;
      }
      expect(source.stats).toEqual({ events: 100, acknowledged: 100, undecodable: 0 });
    }
    {
      await using source = open(mock);
      for await (const batch of source.read({ position: undefined, signal: NEVER })) {
        read.push(...batch);
        // Not acknowledged: read again by the next source.
        break;
      }
    }
    expect(uuids(read)).toEqual(uuids(events));
    expect(bodies(read)).toEqual(bodies(events));
    await using source = open(mock);
    const again: EncodedEvent[] = [];
    for await (const batch of source.read({ position: undefined, signal: NEVER })) {
      again.push(...batch);
      break;
    }
    expect(uuids(again)).toEqual(uuids(events.slice(100)));
  });

  test("openKafkaSource: a reader that joins gets partitions, whose batches the first one does not commit", async () => {
    await using mock = await KafkaMock.start();
    const events = sinkEvents(400).map((event, index) => ({ ...event, node: `node-${index % 40}` }));
    await publish(mock, events);
    await using first = open(mock);
    await using second = open(mock);
    const held: (readonly EncodedEvent[])[] = [];
    const seen = new Set<string>();
    const controller = new AbortController();
    const reading = (async () => {
      for await (const batch of first.read({ position: undefined, signal: controller.signal })) {
        held.push(batch);
      }
    })().catch(() => {});
    await vi.waitFor(() => expect(held.flat()).toHaveLength(400), PATIENCE);
    const joining = (async () => {
      for await (const batch of second.read({ position: undefined, signal: controller.signal })) {
        for (const { uuid } of batch) seen.add(uuid);
        await second.acknowledge(batch);
      }
    })().catch(() => {});
    // The second reader gets some of the partitions, from their beginning: nothing was committed.
    await vi.waitFor(() => expect(seen.size).toBeGreaterThan(0), PATIENCE);
    for (const batch of held) await first.acknowledge(batch);
    await vi.waitFor(
      () => expect(seen.size + first.stats.acknowledged).toBeGreaterThanOrEqual(400),
      PATIENCE,
    );
    expect(first.stats.acknowledged).toBeLessThan(held.flat().length);
    const offsets = Object.values(await committed(mock)).map(Number);
    expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(400);
    controller.abort();
    await Promise.all([reading, joining]);
  });

  test("openKafkaSource: reads ahead no more than a bound while batches are not taken", async () => {
    await using mock = await KafkaMock.start();
    await publish(mock, sinkEvents(500));
    await using source = open(mock, { maxBatch: 10 });
    const iterator = source.read({ position: undefined, signal: NEVER })[Symbol.asyncIterator]();
    const read: string[] = [];
    const { value } = await iterator.next();
    read.push(...uuids(value as EncodedEvent[]));
    await source.acknowledge(value as EncodedEvent[]);
    // Published while the consumer is paused: they come when it is resumed.
    await publish(mock, sinkEvents(500));
    while (read.length < 1000) {
      const { value: batch } = await iterator.next();
      read.push(...uuids(batch as EncodedEvent[]));
      await source.acknowledge(batch as EncodedEvent[]);
    }
    expect(new Set(read).size).toBe(1000);
    await iterator.return?.();
  });

  test("openKafkaSource: ends at the signal while it waits, and commits batches afterwards", async () => {
    await using mock = await KafkaMock.start();
    await publish(mock, sinkEvents(3));
    await using source = open(mock);
    const controller = new AbortController();
    const iterator = source.read({ position: undefined, signal: controller.signal })[Symbol.asyncIterator]();
    const { value } = await iterator.next();
    const pending = iterator.next();
    controller.abort(new Error("enough"));
    await expect(pending).rejects.toThrow("enough");
    await source.acknowledge(value as EncodedEvent[]);
    expect(Object.values(await committed(mock))).toEqual(["3"]);
    await source[Symbol.asyncDispose]();
    await expect(source.acknowledge(value as EncodedEvent[])).rejects.toMatchObject({
      code: "source_failed",
    });
  });
});
