import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { PacketBatch } from "../../src/packet/index.js";
import { type RecordOptions, record } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";
import { MIN_PACKET_LENGTH, numbered, range, WANTED } from "./packets.js";
import { MODES, statsAtEnd } from "./recordings.js";
import { memorySink } from "./sinks.js";
import { controlledSource, SOURCE_KINDS, settle } from "./sources.js";

describe("record: an abort", () => {
  const reason = new Error("cancelled");

  function recordAbortable(sink: ReturnType<typeof memorySink>, options: Partial<RecordOptions> = {}) {
    const controller = new AbortController();
    const clock = fakeClock();
    const source = controlledSource();
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: 1n } } };
    const recording = record(source, start, {
      sink: sink.open,
      clock,
      signal: controller.signal,
      ...options,
    });
    return { controller, clock, source, recording };
  }

  async function expectAborted({ controller, clock, recording }: ReturnType<typeof recordAbortable>) {
    await expect(recording.stopped).rejects.toBe(reason);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    // The updates end as well.
    expect(await statsAtEnd(recording)).toBeDefined();
  }

  test("before the recording begins, opens nothing", async () => {
    const sink = memorySink();
    const source = controlledSource();
    const signal = AbortSignal.abort(reason);
    const recording = record(source, WANTED, { sink: sink.open, signal });
    await expect(recording.stopped).rejects.toBe(reason);
    expect(sink.calls).toEqual([]);
    expect(source.waiting).toBe(false);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(await statsAtEnd(recording)).toMatchObject({ packetsCaptured: 0 });
  });

  test("between the arrival of a batch and its write, prevents the write", async () => {
    const controller = new AbortController();
    const sink = memorySink();
    let arrive: (result: IteratorResult<PacketBatch>) => void = () => {};
    const source = {
      ...controlledSource(),
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise<IteratorResult<PacketBatch>>((resolve) => {
            arrive = resolve;
          }),
      }),
    };
    const recording = record(source, WANTED, { sink: sink.open, signal: controller.signal });
    await settle();
    arrive({ done: false, value: numbered(1) });
    queueMicrotask(() => controller.abort(reason));
    await expect(recording.stopped).rejects.toBe(reason);
    expect(sink.calls).toEqual(["open", "abort"]);
  });

  test("while the sink opens, does not wait for it; a sink that opens later is aborted", async () => {
    const sink = memorySink({ hold: ["open"] });
    const aborted = recordAbortable(sink);
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    sink.release();
    await settle();
    expect(sink.calls).toEqual(["open", "abort"]);
    expect(aborted.source.waiting).toBe(false);
  });

  test("while the sink opens, aborts the signal of its request with the reason", async () => {
    const sink = memorySink({ hold: ["open"] });
    const aborted = recordAbortable(sink);
    expect(sink.request?.signal?.aborted).toBe(false);
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    expect(sink.request?.signal?.reason).toBe(reason);
  });

  test("when the sink is open, only calls its abort", async () => {
    const sink = memorySink();
    const aborted = recordAbortable(sink);
    await settle();
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    expect(sink.calls.at(-1)).toBe("abort");
    expect(sink.request?.signal?.aborted).toBe(false);
  });

  test("while the sink opens, takes precedence over a later failure of the sink", async () => {
    const sink = memorySink({ hold: ["open"] });
    const aborted = recordAbortable(sink);
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    sink.release({ error: new Error("too late") });
    await settle();
    expect(sink.calls).toEqual(["open"]);
  });

  test.each(SOURCE_KINDS)("during a wait for a source $kind, ends the wait", async (traits) => {
    const sink = memorySink();
    const controller = new AbortController();
    const source = controlledSource(traits);
    const recording = record(source, WANTED, { sink: sink.open, signal: controller.signal });
    source.push(numbered(2));
    await settle();
    expect(source.waiting).toBe(true);
    controller.abort(reason);
    await expect(recording.stopped).rejects.toBe(reason);
    expect(sink.calls).toEqual(["open", "write", "abort"]);
    expect(sink.ids).toEqual(range(2));
    // Later packets are discarded, and the iteration of the source is ended.
    source.push(numbered(2, 2));
    await settle();
    expect(source.left).toBe(true);
    expect(sink.ids).toEqual(range(2));
  });

  test.each(MODES)("during a write, does not wait for the sink ($whenBusy)", async ({ whenBusy }) => {
    const sink = memorySink({ hold: ["write"] });
    const aborted = recordAbortable(sink, { whenBusy });
    aborted.source.push(numbered(3), numbered(2, 3));
    await settle();
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    expect(sink.calls).toEqual(["open", "write", "abort"]);
    const atEnd = await statsAtEnd(aborted.recording);
    const matched = whenBusy === "wait" ? 3 : 5;
    expect(atEnd).toMatchObject({ packetsCaptured: 0, packetsLostInQueue: matched });
    expect(atEnd?.bytesLostInQueue).toBe(matched * MIN_PACKET_LENGTH);
    // The write comes to its end too late to count, and no other follows.
    sink.release();
    await settle();
    expect(sink.calls).toEqual(["open", "write", "abort"]);
    expect(await statsAtEnd(aborted.recording)).toEqual(atEnd);
    aborted.source.end();
    await settle();
    expect(aborted.source.left).toBe(true);
  });

  test.each(MODES)("ignores the failure of a pending write ($whenBusy)", async ({ whenBusy }) => {
    const sink = memorySink({ hold: ["write"] });
    const aborted = recordAbortable(sink, { whenBusy });
    aborted.source.push(numbered(3));
    await settle();
    aborted.controller.abort(reason);
    sink.release({ error: new Error("too late") });
    await expectAborted(aborted);
    await settle();
  });

  test.each(MODES)(
    "a sink that lets its write come to an end first is not counted twice ($whenBusy)",
    async ({ whenBusy }) => {
      let finishWrite = () => {};
      const writes: number[] = [];
      const source = controlledSource();
      const controller = new AbortController();
      const recording = record(source, WANTED, {
        whenBusy,
        signal: controller.signal,
        sink: async () => ({
          write: (batch) => {
            writes.push(batch.length);
            return new Promise((resolve) => {
              finishWrite = resolve;
            });
          },
          close: async () => ({}),
          abort: async () => {
            finishWrite();
            await settle();
          },
        }),
      });
      source.push(numbered(3), numbered(2, 3));
      await settle();
      controller.abort(reason);
      await expect(recording.stopped).rejects.toBe(reason);
      expect(writes).toEqual([3]);
      expect(await statsAtEnd(recording)).toMatchObject({
        packetsCaptured: 0,
        packetsLostInQueue: whenBusy === "wait" ? 3 : 5,
      });
    },
  );

  test("while the queue drains, does not wait for it", async () => {
    const sink = memorySink({ hold: ["write"] });
    const aborted = recordAbortable(sink, { whenBusy: "drop" });
    aborted.source.push(numbered(3), numbered(2, 3));
    aborted.source.end();
    await settle();
    sink.release();
    await settle();
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    expect(await statsAtEnd(aborted.recording)).toMatchObject({ packetsCaptured: 3, packetsLostInQueue: 2 });
  });

  test("while the sink closes, does not wait for it", async () => {
    const sink = memorySink({ hold: ["close"] });
    const aborted = recordAbortable(sink);
    aborted.source.end();
    await settle();
    aborted.controller.abort(reason);
    await expectAborted(aborted);
    expect(sink.calls).toEqual(["open", "close", "abort"]);
  });

  test("after stop(), while received packets are read", async () => {
    const sink = memorySink({ hold: ["write"] });
    const aborted = recordAbortable(sink);
    aborted.source.push(numbered(3));
    await settle();
    aborted.recording.stop();
    aborted.controller.abort(reason);
    await expectAborted(aborted);
  });

  test("after the end, has no effect", async () => {
    const sink = memorySink();
    const { controller, source, recording } = recordAbortable(sink);
    source.end();
    const result = await recording.stopped;
    controller.abort(reason);
    await settle();
    await expect(recording.stopped).resolves.toBe(result);
    expect(sink.calls).toEqual(["open", "close"]);
  });

  test("without a reason, rejects with the signal's default reason", async () => {
    const sink = memorySink();
    const { controller, recording } = recordAbortable(sink);
    controller.abort();
    await expect(recording.stopped).rejects.toBe(controller.signal.reason);
    await expect(recording.stopped).rejects.toMatchObject({ name: "AbortError" });
  });

  test("with null as the reason, rejects with null", async () => {
    const sink = memorySink();
    const { controller, recording } = recordAbortable(sink);
    await settle();
    controller.abort(null);
    await expect(recording.stopped).rejects.toBe(null);
  });
});
