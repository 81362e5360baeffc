import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { compilePacketFilter, packetsOf, RECORD_HEADER_LENGTH } from "../../src/packet/index.js";
import { record } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";
import { batchOf, ETHERNET, idsOf, MIN_PACKET_LENGTH, numbered, range, WANTED } from "./packets.js";
import { MODES, outcomeOf, statsAtEnd } from "./recordings.js";
import { memorySink } from "./sinks.js";
import { bytesOf, controlledSource, interfaceOf, SOURCE_KINDS, settle } from "./sources.js";

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
