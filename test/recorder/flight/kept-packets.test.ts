// A flight recorder whose ring is the memory of its source.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFlightRecorder, type FlightStats } from "../../../src/recorder/index.js";
import {
  type KeepingOptions,
  type KeepingSource,
  keepingSource,
  type MadePacket,
} from "../../source/packet-socket/made-blocks.js";
import { runs } from "../../support/amount.js";
import { fakeClock } from "../../support/fake-clock.js";
import { memorySink } from "../sinks.js";
import { settle } from "../sources.js";
import { isBalanced, type OpenSteps, play } from "./play.js";
import { aScenario, expectedOf, packetInit, type ScenarioPacket } from "./scenario.js";

const AT_MS = 1_700_000_000_000;
/** Holds all packets of a step of a scenario: the plain recorder applies triggers between steps only. */
const BLOCK_BYTES = 4096;
/** 128 blocks may be kept. */
const MEMORY: KeepingOptions = { blockBytes: BLOCK_BYTES, blocks: 132, reserve: 3 };
/** The smallest ring that the options allow. */
const RING_BYTES = 512 * 1024;

function keeping(memory: KeepingOptions, sources: KeepingSource[] = []): OpenSteps {
  return (steps) => {
    async function* packets(): AsyncGenerator<readonly MadePacket[]> {
      for await (const step of steps) yield step.map(packetInit);
    }
    const source = keepingSource(packets(), memory);
    sources.push(source);
    return source;
  };
}

/** Packets of conversation 1 → 2, one each second from `AT_MS` on. */
function packets(count: number, first = 0, length = 60): ScenarioPacket[] {
  return Array.from({ length: count }, (_, index) => ({
    id: first + index,
    timeUs: (AT_MS + 1000 * (first + index)) * 1000,
    from: 1,
    to: 2,
    fromPort: 53,
    toPort: 99,
    length,
  }));
}

/** Yields the lists; calls `between` before each and at the end. */
async function* listsOf(lists: readonly (readonly ScenarioPacket[])[], between: (index: number) => void) {
  for (const [index, list] of lists.entries()) {
    await settle();
    between(index);
    await settle();
    yield list;
  }
  await settle();
  between(lists.length);
  await settle();
}

describe("createFlightRecorder of a source that keeps packets", () => {
  test("writes the packets that a recorder with unlimited memory would", async () => {
    await fc.assert(
      fc.asyncProperty(aScenario, async ({ steps, ...rest }) => {
        // A block without packets is not an arrival.
        const scenario = {
          ...rest,
          steps: steps.filter((step) => !("packets" in step) || step.packets.length > 0),
        };
        const sources: KeepingSource[] = [];
        const clock = fakeClock(AT_MS);
        const more = { ringBytes: RING_BYTES };
        const { written, stats } = await play(scenario, clock, more, keeping(MEMORY, sources));
        const expected = expectedOf(scenario, fakeClock(AT_MS));
        expect(written.map((ids) => [...ids].sort((one, other) => one - other))).toEqual(expected.captures);
        expect(stats.triggersLimited).toBe(expected.limited);
        expect(stats.packetsWritten).toBe(new Set(expected.captures.flat()).size);
        expect(stats.packetsExpired + stats.packetsLost + stats.packetsLostInKernel).toBe(0);
        expect(sources[0]?.isClosed).toBe(true);
      }),
      { numRuns: runs(1000), endOnFailure: true },
    );
  });

  test("copies packets if the memory of the source is too small", async () => {
    const sources: KeepingSource[] = [];
    const recorder = createFlightRecorder(keeping(MEMORY, sources)(listsOf([packets(2)], () => {})), {
      ringBytes: RING_BYTES + 1,
      sink: memorySink().open,
    });
    await expect(recorder.stopped).rejects.toThrow("the packets are kept");
    expect(sources[0]?.isClosed).toBe(false);
  });

  /** 300 blocks of 30 packets: more than the ring holds. */
  const MANY = Array.from({ length: 300 }, (_, block) => packets(30, 30 * block, 46));

  test("counts every packet while they expire", async () => {
    const unbalanced: FlightStats[] = [];
    const source = keeping(MEMORY)(
      listsOf(MANY, () => {
        if (!isBalanced(recorder.stats)) unbalanced.push(recorder.stats);
      }),
    );
    const recorder = createFlightRecorder(source, { ringBytes: RING_BYTES, sink: memorySink().open });
    const { stats } = await recorder.stopped;
    expect(unbalanced).toEqual([]);
    expect(isBalanced(stats)).toBe(true);
    expect(stats).toMatchObject({ packetsSeen: 9000, packetsLostInKernel: 0 });
    expect(stats.packetsExpired).toBeGreaterThan(0);
    expect(stats.ring.bytes).toBeLessThanOrEqual(RING_BYTES);
  });

  test("writes what a capture wants before it expires, however slow the sink is", async () => {
    const sink = memorySink({ hold: ["write"] });
    const source = keeping(MEMORY)(
      listsOf(MANY, (index) => {
        if (index === 1) recorder.trigger({ timeMs: AT_MS + 10_000_000 });
      }),
    );
    const recorder = createFlightRecorder(source, {
      ringBytes: RING_BYTES,
      beforeMs: 10_000_000,
      sink: sink.open,
      clock: fakeClock(AT_MS),
    });
    let isDone = false;
    const done = recorder.stopped.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      if (sink.pending !== undefined) sink.release();
      await settle();
    }
    const { stats } = await done;
    expect(stats).toMatchObject({ packetsWritten: 9000, packetsExpired: 0, packetsLostInKernel: 0 });
    expect(sink.ids).toEqual(Array.from({ length: 9000 }, (_, id) => id));
  });

  test("reads no packet after it was aborted, though a sink still writes", async () => {
    const sources: KeepingSource[] = [];
    const sink = memorySink({ hold: ["write"] });
    const abort = new AbortController();
    const source = keeping(
      MEMORY,
      sources,
    )(
      listsOf(MANY.slice(0, 40), (index) => {
        if (index === 30) recorder.trigger({ timeMs: AT_MS + 100_000 });
      }),
    );
    const recorder = createFlightRecorder(source, {
      ringBytes: RING_BYTES,
      beforeMs: 1_000_000,
      sink: sink.open,
      clock: fakeClock(AT_MS),
      signal: abort.signal,
    });
    while (sink.pending === undefined) await settle();
    abort.abort(new Error("enough"));
    await expect(recorder.stopped).rejects.toThrow("enough");
    expect(sources[0]?.isClosed).toBe(true);
    // The write that was pending has a copy of its packets, and no other follows.
    expect(sink.pending).toBe("write");
    sink.release();
    for (let turn = 0; turn < 10; turn++) await settle();
    expect(sink.calls.filter((call) => call === "write")).toHaveLength(1);
    expect(sink.ids.length).toBeGreaterThan(0);
    expect(sink.ids.every((id, index) => id === index)).toBe(true);
  });

  test("lets packets expire by their age", async () => {
    const source = keeping(MEMORY)(listsOf(MANY.slice(0, 100), () => {}));
    const recorder = createFlightRecorder(source, {
      ringBytes: RING_BYTES,
      ringDurationMs: 100_000,
      sink: memorySink().open,
    });
    const { stats } = await recorder.stopped;
    // At most those that share a block with younger ones are older.
    expect(stats.packetsInRing).toBeGreaterThanOrEqual(101);
    expect(stats.packetsInRing).toBeLessThan(101 + 30);
  });
});
