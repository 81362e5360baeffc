import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FlowEnvelope } from "../../../src/filter/index.js";
import { GetFlowsResponseSchema } from "../../../src/gen/observer/observer_pb.js";
import { fromBatches, type PacketBatch, type PacketSource } from "../../../src/packet/index.js";
import type { FlightOptions } from "../../../src/recorder/index.js";
import { createFlightRecorder, type FlightCapture, type FlightTrigger } from "../../../src/recorder/index.js";
import { runs } from "../../support/amount.js";
import { fakeClock } from "../../support/fake-clock.js";
import { ETHERNET } from "../packets.js";
import { memorySink } from "../sinks.js";
import { controlledSource, settle } from "../sources.js";
import { idsIn, isBalanced, play } from "./play.js";
import { aScenario, batchOf, expectedOf } from "./scenario.js";

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await settle();
}

describe("createFlightRecorder", () => {
  test("writes the packets that a recorder with unlimited memory would", async () => {
    await fc.assert(
      fc.asyncProperty(aScenario, async (scenario) => {
        const { written, ended, stats } = await play(scenario, fakeClock(1_700_000_000_000));
        const expected = expectedOf(scenario, fakeClock(1_700_000_000_000));
        expect(written.map((ids) => [...ids].sort((one, other) => one - other))).toEqual(expected.captures);
        expect(stats.triggersLimited).toBe(expected.limited);
        expect(stats.packetsWritten).toBe(new Set(expected.captures.flat()).size);
        expect(ended.map(({ packets }) => packets)).toEqual(expected.captures.map(({ length }) => length));
        expect(stats.packetsExpired + stats.packetsLost).toBe(0);
      }),
      { numRuns: runs(1000), endOnFailure: true },
    );
  });

  const AT_MS = 1_700_000_000_000;

  /** Packets of conversation 1 → 2, one each second from `AT_MS` on. */
  function packets(count: number, first = 0): PacketBatch {
    return batchOf(
      Array.from({ length: count }, (_, index) => ({
        id: first + index,
        timeUs: (AT_MS + 1000 * (first + index)) * 1000,
        from: 1,
        to: 2,
        fromPort: 53,
        toPort: 99,
        length: 60,
      })),
    );
  }

  /** Yields the batches; calls `between` before each and at the end. */
  function sourceOf(batches: readonly PacketBatch[], between: (index: number) => void): PacketSource {
    async function* yieldAll(): AsyncGenerator<PacketBatch> {
      for (const [index, batch] of batches.entries()) {
        await settle();
        between(index);
        await settle();
        yield batch;
      }
      await settle();
      between(batches.length);
      await settle();
    }
    return fromBatches(yieldAll(), ETHERNET);
  }

  test("writes packets of the window in order, and ends at the first later packet", async () => {
    const sink = memorySink();
    const ended: FlightCapture[] = [];
    const recorder = createFlightRecorder(
      sourceOf([packets(10), packets(10, 10)], (index) => {
        if (index === 1) recorder.trigger({ timeMs: AT_MS + 8000 });
      }),
      { beforeMs: 3000, afterMs: 2000, sink: sink.open, onCapture: (capture) => ended.push(capture) },
    );
    await expect(recorder.stopped).resolves.toMatchObject({
      reason: "source_end",
      stats: { packetsSeen: 20, packetsInRing: 14, packetsWritten: 6, captures: 1, triggers: 1 },
    });
    expect(sink.ids).toEqual([5, 6, 7, 8, 9, 10]);
    expect(sink.calls.at(-1)).toBe("close");
    expect(ended).toEqual([
      {
        number: 1,
        filePath: "/recorded",
        packets: 6,
        bytes: 6 * 76,
        triggers: 1,
        reason: "complete",
        error: undefined,
      },
    ]);
  });

  test("widens the window of an event by the skew, and takes the time of its envelope", async () => {
    const sink = memorySink();
    let report: (event: FlowEnvelope) => void = () => {};
    const events: AsyncIterable<FlowEnvelope> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            report = (value) => resolve({ done: false, value });
          }),
      }),
    };
    const recorder = createFlightRecorder(
      sourceOf([packets(10), packets(10, 10)], (index) => {
        const lost = create(GetFlowsResponseSchema, {
          time: timestampFromMs(AT_MS + 8000),
          responseTypes: { case: "lostEvents", value: { numEventsLost: 1n } },
        });
        if (index === 1) report(lost);
      }),
      { beforeMs: 1000, afterMs: 0, skewMs: 2000, events, trigger: {}, sink: sink.open },
    );
    await recorder.stopped;
    expect(sink.ids).toEqual([5, 6, 7, 8, 9, 10]);
  });

  test("writes what arrived before the events failed, and rejects with their error", async () => {
    const sink = memorySink();
    const failure = new Error("stream reset");
    async function* events(): AsyncGenerator<FlowEnvelope> {
      await turns(5);
      yield create(GetFlowsResponseSchema, { time: timestampFromMs(AT_MS + 2000) });
      throw failure;
    }
    const recorder = createFlightRecorder(
      sourceOf([packets(3), packets(3, 3)], () => {}),
      {
        events: events(),
        trigger: {},
        sink: sink.open,
      },
    );
    await expect(recorder.stopped).rejects.toBe(failure);
    expect(sink.calls.at(-1)).toBe("close");
    expect(sink.ids.slice(0, 3)).toEqual([0, 1, 2]);
  });

  test("counts the packets of a failed sink as lost, and continues if failures are reported", async () => {
    const ended: FlightCapture[] = [];
    const full = new Error("no space left on device");
    const recorder = createFlightRecorder(
      sourceOf([packets(10), packets(10, 10)], (index) => {
        if (index === 1) recorder.trigger({ timeMs: AT_MS + 8000 });
      }),
      {
        beforeMs: 3000,
        afterMs: 2000,
        sink: memorySink({ throws: { write: full } }).open,
        onCapture: (capture) => ended.push(capture),
      },
    );
    const { stats } = await recorder.stopped;
    expect(stats).toMatchObject({ packetsLost: 6, packetsWritten: 0, packetsInRing: 14, capturesFailed: 1 });
    expect(ended.map(({ error, packets: written }) => ({ error, written }))).toEqual([
      { error: full, written: 0 },
    ]);
  });

  test.each(["open", "write", "close"] as const)(
    "rejects if %s of a sink fails, without onCapture",
    async (call) => {
      const failure = new Error("denied");
      const recorder = createFlightRecorder(
        sourceOf([packets(10)], (index) => {
          if (index === 1) recorder.trigger({ timeMs: AT_MS });
        }),
        { sink: memorySink({ rejects: { [call]: failure } }).open },
      );
      await expect(recorder.stopped).rejects.toBe(failure);
      expect(isBalanced(recorder.stats)).toBe(true);
    },
  );

  test("writes packets before newer ones take their space", async () => {
    const sink = memorySink();
    const size = 1500;
    const batch = (first: number) =>
      batchOf(
        Array.from({ length: 100 }, (_, index) => ({
          id: first + index,
          timeUs: AT_MS * 1000 + first + index,
          from: 1,
          to: 2,
          fromPort: 1,
          toPort: 1,
          length: size,
        })),
      );
    const batches = Array.from({ length: 20 }, (_, index) => batch(100 * index));
    const recorder = createFlightRecorder(
      sourceOf(batches, (index) => {
        if (index === 3) recorder.trigger({ timeMs: AT_MS });
      }),
      { ringBytes: 512 * 1024, sink: sink.open },
    );
    const { stats } = await recorder.stopped;
    expect(sink.ids).toEqual(Array.from({ length: 2000 }, (_, index) => index));
    expect(stats).toMatchObject({ packetsWritten: 2000, packetsExpired: 0, packetsInRing: 0 });
  });

  test("does not take a sink that is slow for a source without packets", async () => {
    const clock = fakeClock(AT_MS);
    const sink = memorySink({ hold: ["write"] });
    const ended: FlightCapture[] = [];
    const source = controlledSource();
    const recorder = createFlightRecorder(source, {
      beforeMs: 3000,
      afterMs: 2000,
      clock,
      sink: sink.open,
      onCapture: (capture) => ended.push(capture),
    });
    source.push(packets(3));
    await settle();
    recorder.trigger({ timeMs: AT_MS + 2000 });
    await turns(3);
    source.push(packets(2, 3));
    clock.advance(10_000);
    await turns(3);
    expect(sink.pending).toBe("write");
    sink.release();
    await turns(3);
    sink.release();
    source.push(packets(3, 5));
    await turns(3);
    while (sink.pending !== undefined) {
      sink.release();
      await settle();
    }
    source.end();
    await recorder.stopped;
    expect(ended.map(({ packets: written }) => written)).toEqual([5]);
  });

  test("keeps what is written if it is aborted, without waiting for a stuck sink", async () => {
    const abort = new AbortController();
    const sink = memorySink({ hold: ["write"] });
    const recorder = createFlightRecorder(
      sourceOf([packets(3), packets(3, 3)], (index) => {
        if (index === 1) recorder.trigger({ timeMs: AT_MS });
      }),
      { sink: sink.open, signal: abort.signal },
    );
    await turns(10);
    abort.abort(new Error("enough"));
    await expect(recorder.stopped).rejects.toThrow("enough");
    expect(sink.calls.at(-1)).toBe("abort");
  });

  test("stops gracefully: a running capture gets the packets that arrived before", async () => {
    const sink = memorySink();
    const ended: FlightCapture[] = [];
    const recorder = createFlightRecorder(
      sourceOf([packets(3), packets(3, 3), packets(3, 6)], (index) => {
        if (index === 1) recorder.trigger({ timeMs: AT_MS });
        if (index === 2) recorder.stop();
      }),
      { sink: sink.open, onCapture: (capture) => ended.push(capture) },
    );
    await expect(recorder.stopped).resolves.toMatchObject({ reason: "requested" });
    expect(sink.ids).toEqual([0, 1, 2, 3, 4, 5]);
    expect(ended[0]?.reason).toBe("requested");
    expect(() => recorder.trigger()).not.toThrow();
  });

  test.each([
    { options: {}, issue: "sink" },
    { options: { events: [] }, issue: "events" },
    { options: { ringBytes: 2 ** 32 }, issue: "ringBytes" },
    { options: { ringBytes: 1 }, issue: "ringBytes" },
    { options: { scope: "pod" }, issue: "scope" },
    { options: { ringDurationMs: 5000 }, issue: "ringDurationMs" },
    { options: { bufore: 1 }, issue: "bufore" },
  ])("reports invalid options: $issue", ({ options, issue }) => {
    const sink = issue === "sink" ? {} : { sink: memorySink().open };
    expect(() =>
      createFlightRecorder(fromBatches([], ETHERNET), { ...sink, ...options } as FlightOptions),
    ).toThrow(
      expect.objectContaining({
        code: "invalid_options",
        issues: [expect.objectContaining({ path: issue })],
      }),
    );
  });

  test.each([{ timeMs: Number.NaN }, { timeMs: "1" }, { flow: {} }, { time: 1 }])(
    "rejects the trigger %j",
    (cause) => {
      const recorder = createFlightRecorder(fromBatches([], ETHERNET), { sink: memorySink().open });
      expect(() => recorder.trigger(cause as FlightTrigger)).toThrow(TypeError);
    },
  );

  test("finishes a running capture before a window that begins after it", async () => {
    const captures: number[][] = [];
    const recorder = createFlightRecorder(
      sourceOf([packets(3), packets(3, 3), packets(20, 6)], (index) => {
        if (index !== 1) return;
        recorder.trigger({ timeMs: AT_MS + 2000 });
        recorder.trigger({ timeMs: AT_MS + 20_000 });
      }),
      {
        beforeMs: 1000,
        afterMs: 3000,
        sink: (request) => {
          const sink = memorySink();
          captures.push(sink.ids as number[]);
          return sink.open(request).then((opened) => ({
            ...opened,
            write: (batch) => {
              captures[captures.length - 1] = [...captures[captures.length - 1]!, ...idsIn(batch)];
              return opened.write(batch);
            },
          }));
        },
      },
    );
    await recorder.stopped;
    expect(captures).toEqual([
      [1, 2, 3, 4, 5],
      [19, 20, 21, 22, 23],
    ]);
  });

  test("aborts a sink that opens after the recorder was aborted", async () => {
    const abort = new AbortController();
    const sink = memorySink({ hold: ["open"] });
    const recorder = createFlightRecorder(
      sourceOf([packets(3), packets(3, 3)], (index) => {
        if (index === 1) recorder.trigger({ timeMs: AT_MS });
      }),
      { sink: sink.open, signal: abort.signal },
    );
    await turns(10);
    abort.abort(new Error("enough"));
    await expect(recorder.stopped).rejects.toThrow("enough");
    expect(sink.request?.signal?.aborted).toBe(true);
    sink.release();
    await turns(2);
    expect(sink.calls).toEqual(["open", "abort"]);
  });

  test("reports every fault of the filters", () => {
    const trigger = { allow: [{ sourcePort: ["x"] }], deny: [{ destinationIp: ["y"] }] };
    expect(() =>
      createFlightRecorder(fromBatches([], ETHERNET), { trigger, sink: memorySink().open }),
    ).toThrow(
      expect.objectContaining({
        code: "invalid_filter",
        issues: [
          expect.objectContaining({ path: "trigger.allow[0].source_port[0]" }),
          expect.objectContaining({ path: "trigger.deny[0].destination_ip[0]" }),
        ],
      }),
    );
  });
});
