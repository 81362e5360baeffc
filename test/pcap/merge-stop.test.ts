import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBatch, fromBatches, type PacketBatch, type PacketSource } from "../../src/packet/index.js";
import { mergeSources } from "../../src/pcap/index.js";
import { ETHERNET } from "../recorder/packets.js";
import { type ControlledSource, controlledSource, SOURCE_KINDS, settle } from "../recorder/sources.js";
import { readBatch } from "./read.js";

/** A batch of packets whose one byte is their second. */
function at(...seconds: readonly number[]): PacketBatch {
  return createBatch(
    ETHERNET,
    seconds.map((second) => ({ bytes: Uint8Array.of(second), seconds: second })),
  );
}

/** Reads to the end, and tells what has come so far. */
function reading(source: PacketSource): { seconds: number[]; ended: Promise<void> } {
  const seconds: number[] = [];
  async function read(): Promise<void> {
    for await (const batch of source) {
      seconds.push(...readBatch(batch).map(({ data }) => Number.parseInt(data, 16)));
    }
  }
  return { seconds, ended: read() };
}

describe("mergeSources: stop", () => {
  describe.each(SOURCE_KINDS.filter(({ filtered }) => !filtered))("of sources $kind", (kind) => {
    test("yields the packets of a busy source that arrived while waiting for a quiet one", async () => {
      const quiet = controlledSource(kind);
      const busy = controlledSource({ ...kind, stoppable: true });
      busy.push(at(1, 3), at(4), at(7, 8));
      const merged = mergeSources([quiet, busy]);
      const { seconds, ended } = reading(merged);
      await settle();
      expect(quiet.waiting).toBe(true);
      expect(seconds).toEqual([]);
      merged.stop?.();
      await ended;
      expect(seconds).toEqual([1, 3, 4, 7, 8]);
      expect(merged.stats().received).toBe(5);
      expect(quiet.stops).toBe(kind.stoppable ? 1 : 0);
      expect(busy.stops).toBe(1);
    });

    test("yields the current batches", async () => {
      const one = controlledSource(kind);
      const other = controlledSource(kind);
      one.push(at(1, 4, 6));
      other.push(at(2), at(3, 5));
      const merged = mergeSources([one, other]);
      const seconds: number[] = [];
      for await (const batch of merged) {
        seconds.push(...readBatch(batch).map(({ data }) => Number.parseInt(data, 16)));
        merged.stop?.();
      }
      // Packet 2 was handed out, as the wait for more should not hold it back; 3 and 5 had not been asked for.
      expect(seconds).toEqual(kind.stoppable ? [1, 2, 3, 4, 5, 6] : [1, 2, 4, 6]);
    });

    test("before the first pull ends the iteration", async () => {
      const sources = [controlledSource(kind), controlledSource(kind)];
      sources[0]?.push(at(2));
      sources[1]?.push(at(1));
      const merged = mergeSources(sources);
      merged.stop?.();
      const { seconds, ended } = reading(merged);
      await ended;
      expect(seconds).toEqual(kind.stoppable ? [1, 2] : []);
    });

    test("does not wait for a batch that may never arrive", async () => {
      const quiet = controlledSource(kind);
      const other = controlledSource(kind);
      other.push(at(1));
      const merged = mergeSources([quiet, other]);
      const { seconds, ended } = reading(merged);
      await settle();
      await merged[Symbol.asyncDispose]();
      await ended;
      expect(seconds).toEqual([]);
    });
  });

  test("stops each source once", async () => {
    const sources = [controlledSource(), controlledSource(), controlledSource()];
    const merged = mergeSources(sources);
    const { ended } = reading(merged);
    merged.stop?.();
    merged.stop?.();
    await ended;
    merged.stop?.();
    expect(sources.map(({ stops }) => stops)).toEqual([1, 1, 1]);
  });

  test("ignores a later failure of an abandoned source", async () => {
    const failing = controlledSource({ stoppable: false });
    const busy = controlledSource();
    busy.push(at(1));
    const merged = mergeSources([failing, busy]);
    const { seconds, ended } = reading(merged);
    await settle();
    merged.stop?.();
    failing.fail(new Error("too late"));
    await ended;
    expect(seconds).toEqual([1]);
  });

  test("reports a failure before the end", async () => {
    const failing = controlledSource();
    const busy = controlledSource();
    busy.push(at(1));
    const merged = mergeSources([failing, busy]);
    const { ended } = reading(merged);
    failing.fail(new Error("the interface is gone"));
    merged.stop?.();
    await expect(ended).rejects.toThrow("the interface is gone");
  });

  test("ends finished captures after their current batches", async () => {
    async function* forever(first: number): AsyncGenerator<PacketBatch> {
      for (let second = first; ; second += 2) yield at(second & 0xff);
    }
    const merged = mergeSources([fromBatches(forever(0), ETHERNET), fromBatches(forever(1), ETHERNET)]);
    let batches = 0;
    for await (const _ of merged) if (++batches === 3) merged.stop?.();
    expect(batches).toBeLessThan(6);
  });

  test("yields all arrived packets in order, in any sequence of arrivals", async () => {
    const arrivals = fc.array(fc.record({ source: fc.nat(2), seconds: fc.array(fc.nat(9)) }), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(arrivals, fc.nat(20), fc.boolean(), async (list, before, reusesBatches) => {
        const sources: ControlledSource[] = [0, 1, 2].map(() => controlledSource({ reusesBatches }));
        const merged = mergeSources(sources);
        const { seconds: seen, ended } = reading(merged);
        const clocks = [0, 0, 0];
        const all: number[] = [];
        for (const [index, { source, seconds }] of list.entries()) {
          if (index === before) await settle();
          // Each source is in order.
          const times = seconds.map((second) => {
            clocks[source] = clocks[source]! + second;
            return clocks[source]!;
          });
          const kept = times.filter((time) => time < 256);
          all.push(...kept);
          sources[source]!.push(at(...kept));
        }
        await settle();
        merged.stop?.();
        await ended;
        expect(seen).toEqual(all.sort((one, other) => one - other));
      }),
      { numRuns: 50 },
    );
  });
});
