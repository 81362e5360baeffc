import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { FilterError, OptionsError } from "../../../src/errors/errors.js";
import { RecordRequestSchema, StartRecordingSchema } from "../../../src/gen/recorder/recorder_pb.js";
import { filterPackets, type PacketBatch, packetsOf } from "../../../src/packet/index.js";
import {
  createRecorderService,
  createTriggeredSource,
  record,
  type TriggeredSourceOptions,
} from "../../../src/recorder/index.js";
import { flow } from "../../../src/testing/index.js";
import { fakeClock } from "../../support/fake-clock.js";
import { batchOf, idsOf, numbered, WANTED } from "../packets.js";
import { memorySink } from "../sinks.js";
import { type ControlledSource, controlledSource, settle } from "../sources.js";

/** The second of the packet with this number; packets are a little more than a second apart. */
const timeMs = (id: number) => 1000 * (1_700_000_000 + id);

function setUp(options: TriggeredSourceOptions = {}, source: ControlledSource = controlledSource()) {
  const clock = fakeClock();
  const triggered = createTriggeredSource(source, { beforeMs: 2000, clock, ...options });
  return { clock, source, triggered };
}

/** Reads a source to its end; the numbers of packets that it has yielded are there at any time. */
function reading(batches: AsyncIterable<PacketBatch>) {
  const ids: number[] = [];
  const ended = (async () => {
    for await (const batch of batches) ids.push(...idsOf(batch));
  })();
  ended.catch(() => {});
  return { ids, ended };
}

const OF_53 = { allow: [{ destinationPort: ["53"] }] };

describe("createTriggeredSource", () => {
  test("yields nothing until the trigger, then the packets from before and all later ones", async () => {
    const { source, triggered } = setUp();
    const { ids, ended } = reading(triggered);
    source.push(numbered(3), numbered(3, 3));
    await settle();
    expect(ids).toEqual([]);
    triggered.trigger({ timeMs: timeMs(5) });
    await settle();
    expect(ids).toEqual([3, 4, 5]);
    triggered.trigger({ timeMs: timeMs(0) });
    source.push(numbered(2, 6));
    source.end();
    await ended;
    expect(ids).toEqual([3, 4, 5, 6, 7]);
    expect(triggered.stats().received).toBe(5);
  });

  test("is triggered by a packet that passes the filters, and keeps the packets after it", async () => {
    const { source, triggered } = setUp({ trigger: OF_53 });
    const { ids } = reading(triggered);
    source.push(batchOf([0, 1, 2, 3, 4, 5].map((id) => ({ id, matches: id === 4 }))));
    await settle();
    expect(ids).toEqual([3, 4, 5]);
    await expect(triggered.triggered).resolves.toBe(undefined);
  });

  test("yields every packet from the trigger on, whatever its time and the size of the ring", async () => {
    const { source, triggered } = setUp({ trigger: OF_53, beforeMs: 0, ringBytes: 512 * 1024 });
    const { ids, ended } = reading(triggered);
    const large = Array.from({ length: 600 }, (_, id) => ({ id, length: 1500, matches: id === 5 }));
    source.push(batchOf([...large.slice(0, 6), { id: 3000, timeMs: 1 }, ...large.slice(6)]));
    source.end();
    await ended;
    expect(ids).toEqual([5, 3000, ...large.slice(6).map(({ id }) => id)]);
  });

  test("leaves the events if the source fails before the trigger", async () => {
    let returned = 0;
    const events: AsyncIterable<undefined> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    const { source, triggered } = setUp({ trigger: OF_53, events });
    const { ended } = reading(triggered);
    source.fail(new Error("no device"));
    await expect(ended).rejects.toThrow("no device");
    await triggered[Symbol.asyncDispose]();
    expect(returned).toBe(1);
  });

  test("is triggered by an event; the clocks may differ by skewMs", async () => {
    async function* events() {
      await settle();
      yield flow({ verdict: "FORWARDED", time: new Date(timeMs(0)) });
      yield flow({ verdict: "DROPPED", time: new Date(timeMs(5)) });
    }
    const { source, triggered } = setUp({
      trigger: { allow: [{ verdict: ["DROPPED"] }] },
      events: events(),
      skewMs: 1500,
    });
    const { ids } = reading(triggered);
    source.push(numbered(7));
    await settle();
    await settle();
    expect(ids).toEqual([2, 3, 4, 5, 6]);
  });

  test("yields the packets that the ring still holds", async () => {
    const { source, triggered } = setUp({ ringBytes: 512 * 1024, beforeMs: 1e9 });
    const { ids } = reading(triggered);
    for (let id = 0; id < 40; id++) source.push(batchOf([{ id, length: 30_000 }]));
    await settle();
    triggered.trigger({ timeMs: timeMs(39) });
    await settle();
    expect(ids.at(-1)).toBe(39);
    expect(ids.length).toBe(17);
  });

  test.each([{ reusesBatches: true }, { reusesBatches: false }])(
    "copies what its reader keeps: %o",
    async (traits) => {
      const source = controlledSource(traits);
      const { triggered } = setUp({}, source);
      const kept: PacketBatch[] = [];
      const ended = (async () => {
        for await (const batch of triggered) kept.push(batch);
      })();
      source.push(numbered(3), numbered(3, 3));
      await settle();
      triggered.trigger({ timeMs: timeMs(5) });
      source.push(numbered(1, 6), numbered(1, 7));
      source.end();
      await ended;
      expect(kept.flatMap((batch) => idsOf(batch))).toEqual([3, 4, 5, 6, 7]);
      for (const batch of kept) expect([...packetsOf(batch)].length).toBe(batch.length);
    },
  );

  test("ends without packets if the other source ends or is stopped before the trigger", async () => {
    for (const end of [
      ({ source }: ReturnType<typeof setUp>) => source.end(),
      ({ triggered }: ReturnType<typeof setUp>) => triggered.stop?.(),
    ]) {
      const all = setUp();
      const { ids, ended } = reading(all.triggered);
      all.source.push(numbered(3));
      await settle();
      end(all);
      await ended;
      expect(ids).toEqual([]);
    }
  });

  test("fails with the error of the source or of the events", async () => {
    const { source, triggered } = setUp();
    const { ended } = reading(triggered);
    source.fail(new Error("no device"));
    await expect(ended).rejects.toThrow("no device");
    async function* events() {
      yield flow({ verdict: "FORWARDED" });
      throw new Error("no relay");
    }
    const other = setUp({ trigger: OF_53, events: events() });
    await expect(reading(other.triggered).ended).rejects.toThrow("no relay");
  });

  test("rejects invalid options", () => {
    const source = controlledSource();
    expect(() => createTriggeredSource(source, { ringBytes: 1 })).toThrow(OptionsError);
    expect(() => createTriggeredSource(source, { rings: 1 } as never)).toThrow(OptionsError);
    const events = (async function* () {
      yield undefined;
    })();
    expect(() => createTriggeredSource(source, { events })).toThrow("events: requires `trigger`");
    expect(() => createTriggeredSource(source, { trigger: { allow: [{ sourceIp: ["x"] }] } })).toThrow(
      FilterError,
    );
    expect(() => createTriggeredSource({} as never)).toThrow(TypeError);
  });
});

describe("record: of a source that waits for a trigger", () => {
  test("counts the packets of the stop condition from the trigger on", async () => {
    const { source, triggered } = setUp();
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { packetsCapturedCount: 4n } };
    const recording = record(triggered, start, { sink: sink.open });
    source.push(numbered(6));
    await settle();
    expect(recording.stats.packetsCaptured).toBe(0);
    triggered.trigger({ timeMs: timeMs(5) });
    source.push(numbered(6, 6));
    expect((await recording.stopped).reason).toBe("packets");
    expect(sink.ids).toEqual([3, 4, 5, 6]);
  });

  test("counts the time of the stop condition from the trigger on, also through a derived source", async () => {
    const { clock, source, triggered } = setUp();
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: 5n } } };
    const recording = record(
      filterPackets(triggered, () => true),
      start,
      {
        sink: sink.open,
        clock,
      },
    );
    source.push(numbered(6));
    await settle();
    clock.advance(60_000);
    await settle();
    triggered.trigger({ timeMs: timeMs(5) });
    await settle();
    clock.advance(4999);
    source.push(numbered(1, 6));
    await settle();
    clock.advance(1);
    expect((await recording.stopped).reason).toBe("time");
    expect(sink.ids).toEqual([3, 4, 5, 6]);
    expect(clock.pending).toBe(0);
  });

  test("leaves no timer if it is stopped before the trigger", async () => {
    const { clock, source, triggered } = setUp();
    const sink = memorySink();
    const start = { ...WANTED, stopCondition: { timeElapsed: { seconds: 5n } } };
    const recording = record(triggered, start, { sink: sink.open, clock });
    source.push(numbered(6));
    await settle();
    recording.stop();
    expect((await recording.stopped).reason).toBe("requested");
    triggered.trigger();
    await settle();
    expect(clock.pending).toBe(0);
    expect(sink.ids).toEqual([]);
  });
});

describe("createRecorderService: with a source that waits for a trigger", () => {
  test("reports no packets until the trigger, and stops when the condition is reached after it", async () => {
    const { clock, source, triggered } = setUp();
    const sink = memorySink();
    const service = createRecorderService({
      nodeName: "n",
      clock,
      openSource: async () => triggered,
      openSink: sink.open,
    });
    const value = create(StartRecordingSchema, {
      ...WANTED,
      stopCondition: { packetsCapturedCount: 4n },
    } as never);
    const responses = service.record(
      (async function* () {
        yield create(RecordRequestSchema, { requestType: { case: "start", value } });
        await new Promise(() => {});
      })(),
    );
    const seen: unknown[] = [];
    const ended = (async () => {
      for await (const { responseType } of responses) {
        seen.push([responseType.case, responseType.value?.stats?.packetsCaptured]);
      }
    })();
    source.push(numbered(6));
    await settle();
    expect(seen).toEqual([["running", 0n]]);
    triggered.trigger({ timeMs: timeMs(5) });
    source.push(numbered(6, 6));
    await ended;
    expect(seen.at(-1)).toEqual(["stopped", 4n]);
    expect(sink.ids).toEqual([3, 4, 5, 6]);
  });
});
