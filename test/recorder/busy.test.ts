import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import { fromBatches } from "../../src/packet/index.js";
import { createSource } from "../../src/packet/source/create-source.js";
import { type RecordingStats, record } from "../../src/recorder/index.js";
import { runs } from "../support/amount.js";
import { batchOf, idsOf, MIN_PACKET_LENGTH, numbered, type PacketSpec, range, WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";
import { controlledSource, type SourceTraits, settle } from "./sources.js";

const RECORD_LENGTH = numbered(1).records.length;

/** The counts at this moment. */
async function statsNow(updates: AsyncIterable<RecordingStats>): Promise<RecordingStats> {
  for await (const stats of updates) return stats;
  throw new Error("there is always a first update");
}

describe("record: while the sink is busy", () => {
  test('"wait" reads no more than one batch ahead, and loses nothing', async () => {
    const source = controlledSource();
    const sink = memorySink({ hold: ["write"] });
    const recording = record(source, WANTED, { sink: sink.open, queueBytes: 1 });
    for (const id of range(5)) source.push(numbered(1, id));
    source.end();
    for (const id of range(5)) {
      await settle();
      expect(source.unread).toBe(4 - id);
      expect(sink.ids).toEqual(range(id));
      sink.release();
    }
    await expect(recording.stopped).resolves.toMatchObject({
      stats: { packetsCaptured: 5, packetsLostInQueue: 0, bytesLostInQueue: 0 },
    });
    expect(sink.ids).toEqual(range(5));
  });

  test('"wait" is the default; a reused batch stays unchanged until its write has ended', async () => {
    const source = controlledSource({ reusesBatches: true });
    const sink = memorySink({ hold: ["write"] });
    const recording = record(source, WANTED, { sink: sink.open });
    source.push(numbered(3), numbered(3, 3));
    source.end();
    await settle();
    sink.release();
    await settle();
    sink.release();
    await recording.stopped;
    expect(sink.ids).toEqual(range(6));
  });

  test('"drop" loses nothing of a source that never waits to a sink that never waits', async () => {
    const sink = memorySink();
    const batches = range(200).map((id) => numbered(1, id));
    const source = createSource({
      interfaces: [numbered(1).format],
      pull: () => batches.shift(),
      dropped: () => 0,
    });
    const { stopped } = record(source, WANTED, {
      sink: sink.open,
      whenBusy: "drop",
      queueBytes: 2 * RECORD_LENGTH,
    });
    await expect(stopped).resolves.toMatchObject({ stats: { packetsCaptured: 200, packetsLostInQueue: 0 } });
    expect(sink.ids).toEqual(range(200));
  });

  test('"drop" continues to read, queues up to queueBytes, and counts packets that do not fit', async () => {
    const source = controlledSource({ reusesBatches: true });
    const sink = memorySink({ hold: ["write"] });
    const recording = record(source, WANTED, {
      sink: sink.open,
      whenBusy: "drop",
      queueBytes: 4 * RECORD_LENGTH + RECORD_LENGTH - 1,
    });
    // The batch being written is in the queue until it is through.
    source.push(numbered(3), numbered(3, 3), numbered(2, 6));
    await settle();
    expect(source.waiting).toBe(true);
    expect(await statsNow(recording.updates)).toMatchObject({
      packetsCaptured: 0,
      packetsLostInQueue: 4,
      bytesLostInQueue: 4 * MIN_PACKET_LENGTH,
    });
    sink.release();
    await settle();
    source.push(numbered(2, 8));
    source.end();
    await settle();
    sink.release();
    await settle();
    sink.release();
    await expect(recording.stopped).resolves.toMatchObject({
      stats: { packetsCaptured: 6, packetsLostInQueue: 4 },
    });
    expect(sink.ids).toEqual([0, 1, 2, 3, 8, 9]);
  });

  test("a packet larger than the queue is lost", async () => {
    const source = controlledSource();
    const sink = memorySink();
    const recording = record(source, WANTED, {
      sink: sink.open,
      whenBusy: "drop",
      queueBytes: RECORD_LENGTH,
    });
    source.push(batchOf([{ id: 0, length: 1000 }]), batchOf([{ id: 1 }]));
    source.end();
    await expect(recording.stopped).resolves.toMatchObject({
      stats: { packetsCaptured: 1, packetsLostInQueue: 1, bytesLostInQueue: 1000 },
    });
    expect(sink.ids).toEqual([1]);
  });

  test("packets after a limit are not counted as lost", async () => {
    const source = controlledSource();
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 2n } };
    const recording = record(source, start, {
      sink: sink.open,
      whenBusy: "drop",
      queueBytes: 3 * RECORD_LENGTH,
    });
    source.push(numbered(9));
    await expect(recording.stopped).resolves.toMatchObject({
      reason: "packets",
      stats: { packetsCaptured: 2, packetsLostInQueue: 0 },
    });
  });

  test("lost packets do not count towards a limit", async () => {
    const source = controlledSource();
    const sink = memorySink({ hold: ["write"] });
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 3n } };
    const recording = record(source, start, {
      sink: sink.open,
      whenBusy: "drop",
      queueBytes: 2 * RECORD_LENGTH,
    });
    source.push(numbered(9));
    await settle();
    expect(sink.calls).toEqual(["open", "write"]);
    sink.release();
    await settle();
    source.push(numbered(9, 9));
    await settle();
    sink.release();
    await expect(recording.stopped).resolves.toMatchObject({
      reason: "packets",
      stats: { packetsCaptured: 3, packetsLostInQueue: 7 },
    });
    expect(sink.ids).toEqual([0, 1, 9]);
  });
});

type Step =
  | { readonly do: "push"; readonly packets: readonly Omit<PacketSpec, "id">[] }
  | { readonly do: "release" };
type Ending = "end" | "stop" | "abort" | "write fails" | "source fails";

/** What the recorder should do, packet by packet. */
class Model {
  readonly queue: { id: number; length: number }[][] = [];
  readonly captured: { id: number; length: number }[] = [];
  readonly lost: { id: number; length: number }[] = [];
  matched = 0;
  #recorded = 0;
  #recordedBytes = 0;
  readonly #queueBytes: number;
  readonly #limits: { readonly packets: number; readonly bytes: number };

  constructor(queueBytes: number, limits: { packets: number; bytes: number }) {
    this.#queueBytes = queueBytes;
    this.#limits = limits;
  }

  get queuedBytes(): number {
    return this.queue.flat().reduce((sum, { length }) => sum + 16 + length, 0);
  }

  get full(): boolean {
    const { packets, bytes } = this.#limits;
    return (packets > 0 && this.#recorded >= packets) || (bytes > 0 && this.#recordedBytes >= bytes);
  }

  push(packets: readonly { id: number; length: number }[]): void {
    let free = this.#queueBytes - this.queuedBytes;
    const accepted: { id: number; length: number }[] = [];
    for (const packet of packets) {
      if (this.full) break;
      this.matched++;
      free -= 16 + packet.length;
      if (free < 0) {
        this.lost.push(packet);
        continue;
      }
      accepted.push(packet);
      this.#recorded++;
      this.#recordedBytes += packet.length;
    }
    if (accepted.length > 0) this.queue.push(accepted);
  }

  release(): void {
    this.captured.push(...(this.queue.shift() ?? []));
  }

  /** What is in the queue when the recording fails. */
  abandon(): void {
    this.lost.push(...this.queue.splice(0).flat());
  }

  stats(): RecordingStats {
    const bytes = (packets: readonly { length: number }[]) =>
      packets.reduce((sum, { length }) => sum + length, 0);
    return {
      packetsCaptured: this.captured.length,
      bytesCaptured: bytes(this.captured),
      packetsLostInQueue: this.lost.length,
      bytesLostInQueue: bytes(this.lost),
      packetsLostInKernel: 0,
    };
  }
}

describe("record: matched = captured + lost", () => {
  const packet = fc.record({
    length: fc.integer({ min: MIN_PACKET_LENGTH, max: 3 * MIN_PACKET_LENGTH }),
    matches: fc.boolean(),
  });
  const step = fc.oneof(
    fc.record({ do: fc.constant("push" as const), packets: fc.array(packet, { maxLength: 8 }) }),
    fc.record({ do: fc.constant("release" as const) }),
  );
  const traits: fc.Arbitrary<SourceTraits> = fc.record({
    stoppable: fc.boolean(),
    reusesBatches: fc.boolean(),
    filtered: fc.constant(false),
  });
  const ending = fc.constantFrom<Ending>("end", "stop", "abort", "write fails", "source fails");
  const limits = fc.record({
    packets: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 })),
    bytes: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2000 })),
  });
  const queueBytes = fc.integer({ min: 0, max: 1500 });

  test("for random packets, sink delays and ends", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array<Step>(step, { maxLength: 25 }),
        ending,
        traits,
        limits,
        queueBytes,
        async (steps, how, ofSource, most, bound) => {
          const failure = new Error("the end");
          const source = controlledSource(ofSource);
          const sink = memorySink({ hold: ["write"] });
          const controller = new AbortController();
          const model = new Model(bound, most);
          const stopCondition = {
            packetsCapturedCount: BigInt(most.packets),
            bytesCapturedCount: BigInt(most.bytes),
          };
          const recording = record(
            source,
            { ...WANTED, stopCondition },
            { sink: sink.open, whenBusy: "drop", queueBytes: bound, signal: controller.signal },
          );
          const outcome = Promise.allSettled([recording.stopped]).then(([only]) => only);
          let nextId = 0;

          async function expectAsModelled(): Promise<void> {
            await settle();
            expect(await statsNow(recording.updates)).toEqual(model.stats());
            expect(sink.ids).toEqual(model.captured.map(({ id }) => id));
            expect(model.queuedBytes).toBeLessThanOrEqual(bound);
            expect(model.matched).toBe(model.captured.length + model.lost.length + model.queue.flat().length);
            expect(sink.pending).toBe(model.queue.length > 0 ? "write" : undefined);
          }

          async function drain(): Promise<void> {
            while (model.queue.length > 0) {
              sink.release();
              model.release();
              await expectAsModelled();
            }
          }

          await settle();
          for (const one of steps) {
            if (one.do === "push") {
              const specs = one.packets.map((spec) => ({ ...spec, id: nextId++ }));
              source.push(batchOf(specs));
              if (!model.full) {
                model.push(specs.flatMap(({ id, length = 0, matches }) => (matches ? [{ id, length }] : [])));
              }
            } else if (model.queue.length > 0) {
              sink.release();
              model.release();
            }
            await expectAsModelled();
          }

          if (model.full) {
            await drain();
            expect(await outcome).toMatchObject({ status: "fulfilled", value: { stats: model.stats() } });
          } else if (how === "abort" || (how === "write fails" && sink.pending === "write")) {
            if (how === "abort") controller.abort(failure);
            else sink.release({ error: failure });
            model.abandon();
            expect(await outcome).toEqual({ status: "rejected", reason: failure });
          } else {
            if (how === "source fails") source.fail(failure);
            else if (how === "stop") recording.stop();
            else source.end();
            await drain();
            const settled = await outcome;
            if (how === "source fails") expect(settled).toEqual({ status: "rejected", reason: failure });
            else {
              const reason = how === "stop" ? "requested" : "source_end";
              expect(settled).toMatchObject({ status: "fulfilled", value: { reason, stats: model.stats() } });
            }
          }

          // The last update is final, and accounts for every packet that matched.
          const final = await statsNow(recording.updates);
          expect(final).toEqual(model.stats());
          expect(final.packetsCaptured + final.packetsLostInQueue).toBe(model.matched);
          const last = sink.calls.at(-1);
          expect(last).toBe((await outcome).status === "fulfilled" ? "close" : "abort");
          if (sink.pending !== undefined) sink.release();
          await settle();
          expect(await statsNow(recording.updates)).toEqual(final);
          expect(sink.calls.at(-1)).toBe(last);
        },
      ),
      { numRuns: runs(150) },
    );
  });

  test("for every order in which promises settle", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 12 * RECORD_LENGTH }),
        async (scheduler, sizes, bound) => {
          let nextId = 0;
          const batches = sizes.map((size) => {
            nextId += size;
            return numbered(size, nextId - size);
          });
          const written: number[] = [];
          let unreleased = 0;
          let mostUnreleased = 0;
          const { stop: _, ...rest } = controlledSource({ stoppable: false });
          const source = {
            ...rest,
            [Symbol.asyncIterator]: async function* () {
              for (const batch of batches) yield await scheduler.schedule(Promise.resolve(batch), "batch");
            },
          };
          const recording = record(source, WANTED, {
            whenBusy: "drop",
            queueBytes: bound,
            sink: async () => ({
              write: (batch) => {
                unreleased += batch.records.length;
                mostUnreleased = Math.max(mostUnreleased, unreleased);
                const ids = idsOf(batch);
                return scheduler.schedule(Promise.resolve(), "write").then(() => {
                  expect(idsOf(batch)).toEqual(ids);
                  unreleased -= batch.records.length;
                  written.push(...ids);
                });
              },
              close: async () => ({}),
              abort: async () => {},
            }),
          });
          const { stats } = await scheduler.waitFor(recording.stopped);
          expect(stats.packetsCaptured + stats.packetsLostInQueue).toBe(nextId);
          expect(stats.packetsCaptured).toBe(written.length);
          expect(written).toEqual([...written].sort((a, b) => a - b));
          expect(mostUnreleased).toBeLessThanOrEqual(bound);
          // The first batch finds the queue empty.
          const first = Math.min(sizes[0] ?? 0, Math.floor(bound / RECORD_LENGTH));
          expect(written.slice(0, first)).toEqual(range(first));
        },
      ),
      { numRuns: 100 },
    );
  });
});

test.each([Number.NaN, -1])("record: rejects queueBytes %d before anything is opened", (queueBytes) => {
  const source = fromBatches([], { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 });
  const start = { include: [{ sourceCidr: "::/0", destinationCidr: "::/0" }] };
  expect(() => record(source, start, { queueBytes })).toThrow(OptionsError);
});
