import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { record } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";
import { MIN_PACKET_LENGTH, numbered, range, WANTED } from "./packets.js";
import { MODES, statsAtEnd } from "./recordings.js";
import { memorySink } from "./sinks.js";
import { controlledSource, settle } from "./sources.js";

describe("record: failures", () => {
  const failure = new Error("broken");

  test.each([
    { name: "throwing", options: { throws: { open: failure } } },
    { name: "rejecting", options: { rejects: { open: failure } } },
  ])("of opening the sink, $name, fail before the source is read", async ({ options }) => {
    const source = controlledSource();
    const sink = memorySink(options);
    const clock = fakeClock();
    const { signal } = new AbortController();
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: 1n } } };
    const recording = record(source, start, { sink: sink.open, clock, signal });
    source.push(numbered(1));
    await expect(recording.stopped).rejects.toBe(failure);
    await settle();
    expect(source.unread).toBe(1);
    expect(sink.calls).toEqual(["open"]);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(await statsAtEnd(recording)).toMatchObject({ packetsCaptured: 0, packetsLostInQueue: 0 });
  });

  describe.each(MODES)("$whenBusy", ({ whenBusy }) => {
    test.each([
      { name: "throwing", options: { throws: { write: failure } } },
      { name: "rejecting", options: { rejects: { write: failure } } },
      {
        name: "throwing, and of abort",
        options: { throws: { write: failure, abort: new Error("second") } },
      },
      {
        name: "rejecting, and of abort",
        options: { rejects: { write: failure, abort: new Error("second") } },
      },
    ])("of a write, $name, lose what was not taken", async ({ options }) => {
      const source = controlledSource();
      const sink = memorySink(options);
      const recording = record(source, WANTED, { sink: sink.open, whenBusy });
      source.push(numbered(3));
      await expect(recording.stopped).rejects.toBe(failure);
      await settle();
      expect(sink.calls).toEqual(["open", "write", "abort"]);
      source.end();
      await settle();
      expect(source.left).toBe(true);
      expect(await statsAtEnd(recording)).toEqual({
        packetsCaptured: 0,
        bytesCaptured: 0,
        packetsLostInQueue: 3,
        bytesLostInQueue: 3 * MIN_PACKET_LENGTH,
        packetsLostInKernel: 0,
      });
    });

    test("of a later write keep the packets written before", async () => {
      const source = controlledSource();
      const sink = memorySink({ hold: ["write"] });
      const recording = record(source, WANTED, { sink: sink.open, whenBusy });
      source.push(numbered(3), numbered(2, 3));
      await settle();
      sink.release();
      await settle();
      sink.release({ error: failure });
      await expect(recording.stopped).rejects.toBe(failure);
      expect(sink.ids).toEqual(range(3));
      expect(await statsAtEnd(recording)).toMatchObject({ packetsCaptured: 3, packetsLostInQueue: 2 });
      await settle();
      source.end();
      await settle();
      expect(source.left).toBe(true);
    });

    test.each([
      { name: "throwing", options: { throws: { close: failure } } },
      { name: "rejecting", options: { rejects: { close: failure } } },
    ])("of closing, $name, fail the recording", async ({ options }) => {
      const source = controlledSource();
      const sink = memorySink(options);
      const recording = record(source, WANTED, { sink: sink.open, whenBusy });
      source.push(numbered(3));
      source.end();
      await expect(recording.stopped).rejects.toBe(failure);
      expect(sink.calls).toEqual(["open", "write", "close", "abort"]);
      expect(await statsAtEnd(recording)).toMatchObject({ packetsCaptured: 3, packetsLostInQueue: 0 });
    });
  });

  test("of a queued write end the wait for a silent source", async () => {
    const source = controlledSource({ stoppable: false });
    const sink = memorySink({ hold: ["write"] });
    const recording = record(source, WANTED, { sink: sink.open, whenBusy: "drop" });
    source.push(numbered(1));
    await settle();
    expect(source.waiting).toBe(true);
    sink.release({ error: failure });
    await expect(recording.stopped).rejects.toBe(failure);
  });

  test("of a source that was read before", async () => {
    const source = controlledSource();
    const sink = memorySink();
    const consumed = {
      ...source,
      [Symbol.asyncIterator]: () => {
        throw failure;
      },
    };
    const recording = record(consumed, WANTED, { sink: sink.open });
    await expect(recording.stopped).rejects.toBe(failure);
    expect(sink.calls).toEqual(["open", "abort"]);
  });

  /** A source whose leaving the test has in its hands. */
  function leavable(returned: () => Promise<IteratorResult<never, undefined>>) {
    const { stop: _, ...source } = controlledSource({ stoppable: false });
    return {
      ...source,
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: numbered(1) }),
        return: returned,
      }),
    };
  }

  test("of ending the iteration of the source after a limit fail the recording", async () => {
    const source = leavable(() => Promise.reject(failure));
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 1n } };
    await expect(record(source, start, { sink: sink.open }).stopped).rejects.toBe(failure);
    expect(sink.calls).toEqual(["open", "write", "abort"]);
  });

  test.each([
    { name: "rejecting", returned: () => Promise.reject(new Error("second")) },
    {
      name: "throwing",
      returned: () => {
        throw new Error("second");
      },
    },
    { name: "never answering", returned: () => new Promise<never>(() => {}) },
  ])("of leaving the source do not hide those of the sink: $name", async ({ returned }) => {
    const sink = memorySink({ throws: { write: failure } });
    await expect(record(leavable(returned), WANTED, { sink: sink.open }).stopped).rejects.toBe(failure);
    await settle();
  });

  test("record: an abort does not wait for a source whose iteration does not end", async () => {
    const sink = memorySink();
    const controller = new AbortController();
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 1n } };
    const source = leavable(() => new Promise<never>(() => {}));
    const recording = record(source, start, { sink: sink.open, signal: controller.signal });
    await settle();
    controller.abort(failure);
    await expect(recording.stopped).rejects.toBe(failure);
    expect(sink.calls).toEqual(["open", "write", "abort"]);
  });

  test("record: does not end an iteration that has ended by itself", async () => {
    const { stop: _, ...rest } = controlledSource({ stoppable: false });
    const source = {
      ...rest,
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false as const, value: numbered(1) }) }),
    };
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 2n } };
    await expect(record(source, start, { sink: memorySink().open }).stopped).resolves.toMatchObject({
      reason: "packets",
    });
  });
});
