import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import {
  compilePacketFilter,
  type PacketBatch,
  packetsOf,
  RECORD_HEADER_LENGTH,
} from "../../src/packet/index.js";
import { type Recording, type RecordingStats, type RecordOptions, record } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";
import { batchOf, ETHERNET, idsOf, MIN_PACKET_LENGTH, numbered, range, WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";
import { bytesOf, controlledSource, interfaceOf, SOURCE_KINDS, settle } from "./sources.js";

const MODES = [{ whenBusy: "wait" }, { whenBusy: "drop" }] as const;

/** The settled outcome of a recording that must not be left pending. */
async function outcomeOf(recording: Recording): Promise<PromiseSettledResult<unknown> | "pending"> {
  await settle();
  const settled = Promise.allSettled([recording.stopped]).then(([outcome]) => outcome);
  return Promise.race([settled, settle().then(() => "pending" as const)]);
}

async function statsAtEnd({ updates }: Recording): Promise<RecordingStats | undefined> {
  let last: RecordingStats | undefined;
  for await (const stats of updates) last = stats;
  return last;
}

describe.each(SOURCE_KINDS)("record: a source $kind", (traits) => {
  test("is recorded to its end", async () => {
    const source = controlledSource(traits);
    const sink = memorySink();
    const clock = fakeClock();
    const { signal } = new AbortController();
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: 60n } } };
    const recording = record(source, start, { sink: sink.open, clock, signal });
    const batches = [numbered(3), numbered(1, 3), numbered(0), numbered(2, 4)];
    source.push(...batches.slice(0, 2));
    await settle();
    expect(sink.ids).toEqual(range(4));
    source.push(...batches.slice(2));
    source.end();
    await expect(recording.stopped).resolves.toEqual({
      reason: "source_end",
      filePath: "/recorded",
      stats: {
        packetsCaptured: 6,
        bytesCaptured: bytesOf(...batches),
        packetsLostInQueue: 0,
        bytesLostInQueue: 0,
        packetsLostInKernel: 0,
      },
    });
    expect(sink.ids).toEqual(range(6));
    expect(sink.calls).toEqual(["open", "write", "write", "write", "close"]);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("is filtered, unless it is already filtered", async () => {
    const source = controlledSource(traits);
    const sink = memorySink();
    const recording = record(source, WANTED, { sink: sink.open });
    source.push(
      batchOf([{ id: 0, matches: false }, { id: 1 }, { id: 2, matches: false }, { id: 3 }]),
      batchOf([{ id: 4, matches: false }]),
    );
    source.end();
    const { stats } = await recording.stopped;
    const expected = traits.filtered ? range(5) : [1, 3];
    expect(sink.ids).toEqual(expected);
    expect(stats).toMatchObject({ packetsCaptured: expected.length, packetsLostInQueue: 0 });
  });

  test("ends at the last packet of a limit", async () => {
    const source = controlledSource(traits);
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 4n } };
    const recording = record(source, start, { sink: sink.open });
    source.push(numbered(3), numbered(3, 3), numbered(3, 6));
    await expect(recording.stopped).resolves.toMatchObject({
      reason: "packets",
      stats: { packetsCaptured: 4, bytesCaptured: 4 * MIN_PACKET_LENGTH, packetsLostInQueue: 0 },
    });
    expect(sink.ids).toEqual(range(4));
    expect(source.left).toBe(true);
    expect(source.unread).toBe(1);
  });

  test("is recorded until its bytes, without headers, reach a limit", async () => {
    const source = controlledSource(traits);
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { bytesCapturedCount: BigInt(2 * MIN_PACKET_LENGTH + 1) } };
    const recording = record(source, start, { sink: sink.open });
    source.push(numbered(10));
    await expect(recording.stopped).resolves.toMatchObject({
      reason: "bytes",
      stats: { packetsCaptured: 3, bytesCaptured: 3 * MIN_PACKET_LENGTH, bytesLostInQueue: 0 },
    });
    expect(sink.ids).toEqual(range(3));
  });

  test("is recorded until the time limit, even while it is silent", async () => {
    const source = controlledSource(traits);
    const sink = memorySink();
    const clock = fakeClock(1_000_000);
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: 5n } } };
    const recording = record(source, start, { sink: sink.open, clock });
    source.push(numbered(2));
    await settle();
    clock.advance(4999);
    expect(await outcomeOf(recording)).toBe("pending");
    clock.advance(1);
    await expect(recording.stopped).resolves.toMatchObject({ reason: "time", stats: { packetsCaptured: 2 } });
    expect(sink.calls).toEqual(["open", "write", "close"]);
    expect(clock.pending).toBe(0);
  });

  test("records nothing with a negative time limit", async () => {
    const source = controlledSource({ ...traits, stoppable: false });
    const sink = memorySink();
    const clock = fakeClock();
    source.push(numbered(2));
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: -1n } } };
    const recording = record(source, start, { sink: sink.open, clock });
    await expect(recording.stopped).resolves.toMatchObject({ reason: "time", stats: { packetsCaptured: 0 } });
    expect(sink.calls).toEqual(["open", "close"]);
    expect(clock.pending).toBe(0);
  });

  test.each([
    { name: "at once", wait: async () => {} },
    { name: "while the source is silent", wait: settle },
  ])("can be stopped before the first packet: $name", async ({ wait }) => {
    const source = controlledSource(traits);
    const sink = memorySink();
    const recording = record(source, WANTED, { sink: sink.open });
    await wait();
    recording.stop();
    await expect(recording.stopped).resolves.toMatchObject({
      reason: "requested",
      stats: { packetsCaptured: 0 },
    });
    expect(sink.calls).toEqual(["open", "close"]);
    // Later packets are discarded, and the iteration of the source is ended.
    source.push(numbered(1));
    await settle();
    const neverBegun = source.unread === 1;
    expect(neverBegun || source.left).toBe(true);
    expect(sink.calls).toEqual(["open", "close"]);
  });

  test("is stopped only once, and not after the end", async () => {
    const source = controlledSource(traits);
    const recording = record(source, WANTED, { sink: memorySink().open });
    await settle();
    recording.stop();
    recording.stop();
    await expect(recording.stopped).resolves.toMatchObject({ reason: "requested" });
    recording.stop();
    expect(source.stops).toBe(traits.stoppable ? 1 : 0);
  });

  test("is not stopped when it has ended by itself", async () => {
    const source = controlledSource(traits);
    const recording = record(source, WANTED, { sink: memorySink().open });
    source.end();
    await expect(recording.stopped).resolves.toMatchObject({ reason: "source_end" });
    recording.stop();
    expect(source.stops).toBe(0);
  });

  test("packets that arrived before stop() are recorded", async () => {
    const source = controlledSource(traits);
    const sink = memorySink({ hold: ["write"] });
    const recording = record(source, WANTED, { sink: sink.open });
    source.push(numbered(2), numbered(2, 2));
    await settle();
    expect(sink.pending).toBe("write");
    recording.stop();
    recording.stop();
    expect(await outcomeOf(recording)).toBe("pending");
    sink.release();
    await settle();
    if (traits.stoppable) sink.release();
    const { reason, stats } = await recording.stopped;
    expect(reason).toBe("requested");
    // Without stop() it is left at the next batch.
    expect(sink.ids).toEqual(range(traits.stoppable ? 4 : 2));
    expect(stats.packetsCaptured).toBe(sink.ids.length);
    expect(source.left).toBe(true);
  });

  test.each(MODES)("keeps its batches unchanged ($whenBusy)", async ({ whenBusy }) => {
    const source = controlledSource(traits);
    const batches = [
      batchOf([{ id: 0, length: 90 }, { id: 1, length: 200, matches: false }, { id: 2 }]),
      batchOf([{ id: 3, length: 500 }]),
    ];
    const before = structuredClone(batches);
    const sink = memorySink();
    const start = { ...WANTED, maxCaptureLength: 60, stopCondition: { packetsCapturedCount: 10n } };
    const recording = record(source, start, { sink: sink.open, whenBusy });
    source.push(...batches);
    source.end();
    await recording.stopped;
    expect(batches).toEqual(before);
    expect(sink.ids).toEqual(traits.filtered ? range(4) : [0, 2, 3]);
  });

  test("is cut to the capture length, after it has been matched", async () => {
    const source = controlledSource(traits);
    const sink = memorySink();
    // Ports lie behind the 20th byte.
    const recording = record(source, { ...WANTED, maxCaptureLength: 20 }, { sink: sink.open });
    source.push(
      batchOf([
        { id: 1, length: 100 },
        { id: 2, length: 200 },
      ]),
    );
    source.end();
    const { stats } = await recording.stopped;
    expect(stats).toMatchObject({ packetsCaptured: 2, bytesCaptured: 40 });
    expect(sink.request?.snapLength).toBe(20);
    const packets = [...packetsOf(sink.batches[0]!)];
    expect(packets.map(({ bytes }) => bytes.length)).toEqual([20, 20]);
    expect(packets.map(({ originalLength }) => originalLength)).toEqual([100, 200]);
  });

  test.each(MODES)(
    "what came before its failure is written and counted ($whenBusy)",
    async ({ whenBusy }) => {
      const source = controlledSource(traits);
      const sink = memorySink();
      const failure = new Error("the cable was cut");
      const { signal } = new AbortController();
      const recording = record(source, WANTED, { sink: sink.open, whenBusy, signal });
      source.push(numbered(3), numbered(3, 3));
      await settle();
      source.fail(failure);
      await expect(recording.stopped).rejects.toBe(failure);
      expect(sink.ids).toEqual(range(6));
      expect(sink.calls).toEqual(["open", "write", "write", "abort"]);
      expect(await statsAtEnd(recording)).toMatchObject({ packetsCaptured: 6, packetsLostInQueue: 0 });
      expect(getEventListeners(signal, "abort")).toEqual([]);
      recording.stop();
      expect(source.stops).toBe(0);
    },
  );
});

describe("record: the request to the sink", () => {
  test.each([
    { name: "defaults", start: WANTED, filePrefix: "hubble", snapLength: 262_144 },
    {
      name: "as requested",
      start: { ...WANTED, filesink: { filePrefix: "mine" }, maxCaptureLength: 96 },
      filePrefix: "mine",
      snapLength: 96,
    },
  ])("$name", async ({ start, filePrefix, snapLength }) => {
    const source = controlledSource();
    const sink = memorySink();
    const clock = fakeClock();
    source.end();
    await record(source, start, { sink: sink.open, clock }).stopped;
    const signal = expect.any(AbortSignal);
    expect(sink.request).toEqual({ filePrefix, snapLength, clock, interfaces: source.interfaces, signal });
    expect(sink.request?.signal?.aborted).toBe(false);
    expect(sink.request?.interfaces).toBe(source.interfaces);
  });
});

describe("record: the first reason to stop counts", () => {
  const timed = { ...WANTED, stopCondition: { timeElapsed: { seconds: 1n } } };

  test.each([
    { name: "stop, then time", first: "stop", later: "time", reason: "requested" },
    { name: "time, then stop", first: "time", later: "stop", reason: "time" },
    { name: "end, then stop", first: "end", later: "stop", reason: "source_end" },
    { name: "end, then time", first: "end", later: "time", reason: "source_end" },
    { name: "stop, then end", first: "stop", later: "end", reason: "requested" },
  ] as const)("$name", async ({ first, later, reason }) => {
    const source = controlledSource();
    const sink = memorySink({ hold: ["close"] });
    const clock = fakeClock();
    const recording = record(source, timed, { sink: sink.open, clock });
    const happen = {
      stop: recording.stop,
      time: () => clock.advance(1000),
      end: source.end,
    };
    await settle();
    happen[first]();
    await settle();
    expect(sink.pending).toBe("close");
    happen[later]();
    sink.release();
    await expect(recording.stopped).resolves.toMatchObject({ reason });
    expect(clock.pending).toBe(0);
  });

  test("a limit that is reached after stop() ends the recording", async () => {
    const source = controlledSource();
    const sink = memorySink({ hold: ["write"] });
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 3n } };
    const recording = record(source, start, { sink: sink.open });
    source.push(numbered(2), numbered(2, 2), numbered(2, 4));
    await settle();
    recording.stop();
    sink.release();
    await settle();
    sink.release();
    await expect(recording.stopped).resolves.toMatchObject({ reason: "requested" });
    expect(sink.ids).toEqual(range(3));
  });

  test("record: the time limit starts when the sink is open", async () => {
    const source = controlledSource();
    const sink = memorySink({ hold: ["open"] });
    const clock = fakeClock();
    const recording = record(source, timed, { sink: sink.open, clock });
    clock.advance(60_000);
    sink.release();
    await settle();
    expect(await outcomeOf(recording)).toBe("pending");
    clock.advance(1000);
    await expect(recording.stopped).resolves.toMatchObject({ reason: "time" });
  });

  test("record: stop() while the sink opens takes effect when it is open", async () => {
    const source = controlledSource({ stoppable: false });
    const sink = memorySink({ hold: ["open"] });
    const recording = record(source, WANTED, { sink: sink.open });
    recording.stop();
    sink.release();
    await expect(recording.stopped).resolves.toMatchObject({ reason: "requested" });
    expect(sink.calls).toEqual(["open", "close"]);
  });

  test("record: a second stop() during a write loses no packet", async () => {
    const source = controlledSource({ stoppable: false });
    const sink = memorySink({ hold: ["write"] });
    const recording = record(source, WANTED, { sink: sink.open, whenBusy: "drop" });
    source.push(numbered(2));
    await settle();
    source.push(numbered(2, 2));
    await settle();
    recording.stop();
    await settle();
    recording.stop();
    await settle();
    expect(sink.calls).toEqual(["open", "write"]);
    sink.release();
    await settle();
    sink.release();
    await expect(recording.stopped).resolves.toMatchObject({
      reason: "requested",
      stats: { packetsCaptured: 4 },
    });
    expect(sink.ids).toEqual(range(4));
  });
});

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

describe("record: packets lost in the kernel", () => {
  test("are counted from the beginning of the recording to its end", async () => {
    const source = controlledSource();
    source.drop(1000);
    const recording = record(source, WANTED, { sink: memorySink().open });
    source.push(numbered(1));
    await settle();
    source.drop(7);
    source.end();
    await expect(recording.stopped).resolves.toMatchObject({ stats: { packetsLostInKernel: 7 } });
    source.drop(100);
    expect(await statsAtEnd(recording)).toMatchObject({ packetsLostInKernel: 7 });
  });

  test("of a failed recording remain unchanged", async () => {
    const source = controlledSource();
    const recording = record(source, WANTED, { sink: memorySink().open });
    source.drop(7);
    source.fail(new Error("broken"));
    await expect(recording.stopped).rejects.toThrow("broken");
    source.drop(100);
    expect(await statsAtEnd(recording)).toMatchObject({ packetsLostInKernel: 7 });
  });
});

test("record: random filters, lengths and limits select the same packets as a loop over packets", async () => {
  const specs = range(200).map((id) => ({
    id,
    length: MIN_PACKET_LENGTH + ((id * 37) % 400),
    matches: id % 3 > 0,
  }));
  const all = batchOf(specs);
  const wanted = compilePacketFilter(WANTED.include ?? []);
  const expected: number[] = [];
  let bytes = 0;
  idsOf(all).forEach((id, index) => {
    const start = all.offsets[index]! + RECORD_HEADER_LENGTH;
    const end = index + 1 < all.length ? all.offsets[index + 1]! : all.records.length;
    if (bytes >= 5000 || !wanted(all.records, start, end, ETHERNET.linkType)) return;
    expected.push(id);
    bytes += Math.min(end - start, 100);
  });
  const source = controlledSource({ reusesBatches: true }, [interfaceOf(ETHERNET)]);
  const sink = memorySink();
  const start = { ...WANTED, maxCaptureLength: 100, stopCondition: { bytesCapturedCount: 5000n } };
  const recording = record(source, start, { sink: sink.open });
  for (let at = 0; at < specs.length; at += 7) source.push(batchOf(specs.slice(at, at + 7)));
  await expect(recording.stopped).resolves.toMatchObject({
    reason: "bytes",
    stats: { packetsCaptured: expected.length, bytesCaptured: bytes },
  });
  expect(sink.ids).toEqual(expected);
});
