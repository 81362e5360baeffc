import { create, equals, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type CollectReport, collect } from "../../src/collect/index.js";
import { LostEventSchema } from "../../src/gen/flow/flow_pb.js";
import { type GetFlowsResponse, GetFlowsResponseSchema } from "../../src/gen/observer/observer_pb.js";
import {
  decodeEvent,
  type EncodedEvent,
  encodedEvent,
  encodeEvent,
  type JsonValue,
} from "../../src/observer/index.js";
import { fakeClock, fakeEventSource, fakeSink, flow } from "../../src/testing/index.js";

function event(uuid: string, init: Parameters<typeof flow>[0] = {}): EncodedEvent {
  return encodeEvent(flow({ uuid, ...init }));
}

function lostEvents(count: bigint): EncodedEvent {
  const lost = create(LostEventSchema, { numEventsLost: count });
  return encodeEvent(create(GetFlowsResponseSchema, { responseTypes: { case: "lostEvents", value: lost } }));
}

function uuids({ events }: { readonly events: readonly EncodedEvent[] }): string[] {
  return events.map(({ uuid }) => uuid);
}

function memoryCheckpoint(initial?: JsonValue) {
  let saved = initial;
  return {
    load: async () => saved,
    save: vi.fn(async (position: JsonValue) => {
      saved = position;
    }),
  };
}

/** Lets everything run that waits for nothing but promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

describe("collect", () => {
  test("writes every event to each output, in order, and acknowledges every batch", async () => {
    const source = fakeEventSource([[event("1"), event("2")], [], [event("3")]]);
    const [one, two] = [fakeSink(), fakeSink()];
    const stats = await collect(source, {
      outputs: [
        { name: "one", sink: one },
        { name: "two", sink: two },
      ],
    }).stopped;
    expect(uuids(one)).toEqual(["1", "2", "3"]);
    expect(uuids(two)).toEqual(["1", "2", "3"]);
    expect(source.acknowledged).toBe(3);
    expect(stats).toMatchObject({ read: 3, filtered: 0, acknowledged: 3, dropped: 0 });
    expect(stats.outputs.one).toEqual({
      offered: 3,
      written: 3,
      aggregated: 0,
      filtered: 0,
      refused: 0,
      retries: 0,
      isRetrying: false,
    });
  });

  test("passes the bytes on untouched, with fields that this package does not know", async () => {
    const known = toBinary(GetFlowsResponseSchema, decodeEvent(event("1")) as GetFlowsResponse);
    // Field 5000 of the response, a varint.
    const bytes = Uint8Array.of(...known, 0xc0, 0xb8, 0x02, 7);
    const sink = fakeSink();
    await collect(fakeEventSource([[encodedEvent(bytes)]]), { outputs: [{ name: "a", sink }] }).stopped;
    expect(sink.events[0]?.bytes).toBe(bytes);
  });

  test("filters for all outputs, and for each of them", async () => {
    const source = fakeEventSource([
      [event("1", { verdict: "DROPPED" }), event("2"), event("3", { verdict: "DROPPED", to: "10.0.0.1:53" })],
    ]);
    const [all, dns] = [fakeSink(), fakeSink()];
    const stats = await collect(source, {
      allow: [{ verdict: ["DROPPED"] }],
      outputs: [
        { name: "all", sink: all },
        { name: "dns", sink: dns, allow: [{ destinationPort: ["53"] }] },
      ],
    }).stopped;
    expect(uuids(all)).toEqual(["1", "3"]);
    expect(uuids(dns)).toEqual(["3"]);
    expect(stats).toMatchObject({ read: 3, filtered: 1, acknowledged: 2 });
    expect(stats.outputs.dns).toMatchObject({ offered: 2, filtered: 1, written: 1 });
  });

  test("writes lost events whatever the filters are, and counts what they report", async () => {
    const sink = fakeSink();
    const stats = await collect(fakeEventSource([[lostEvents(5n), event("1"), lostEvents(2n)]]), {
      deny: [{}],
      outputs: [{ name: "a", sink, deny: [{}] }],
    }).stopped;
    expect(sink.events.map(({ kind }) => kind)).toEqual(["lost_events", "lost_events"]);
    expect(stats).toMatchObject({ lost: 7, filtered: 1, acknowledged: 2 });
  });

  test("masks fields and redacts requests of an output, without changing the events of another", async () => {
    const http = { http: { url: "http://user:secret@shop/cart?token=1", headers: { Cookie: "a" } } };
    const source = fakeEventSource([[event("1", http)]]);
    const [plain, masked] = [fakeSink(), fakeSink()];
    await collect(source, {
      outputs: [
        { name: "plain", sink: plain },
        { name: "masked", sink: masked, fieldMask: ["l7"], redact: { urlQuery: true } },
      ],
    }).stopped;
    expect(JSON.stringify(decodeEvent(plain.events[0]!), bigints)).toContain("secret");
    const text = JSON.stringify(decodeEvent(masked.events[0]!), bigints);
    expect(text).toContain("http://user:HUBBLE_REDACTED@shop/cart");
    expect(text).not.toMatch(/secret|token|"verdict":[^0]/);
    // The mask removes the UUID from the bytes, but a sink still needs it.
    expect(masked.events[0]?.uuid).toBe("1");
  });

  test("passes the same events again to a sink that fails, and acknowledges nothing before", async () => {
    const clock = fakeClock();
    const source = fakeEventSource([[event("1"), event("2")], [event("3")]]);
    const reports: CollectReport[] = [];
    const sink = fakeSink({
      beforeWrite: (_, call) => {
        if (call <= 3) throw new Error("not now");
      },
    });
    const collection = collect(source, {
      outputs: [{ name: "a", sink }],
      retry: { initialDelayMs: 100, maxDelayMs: 250 },
      onReport: (report) => reports.push(report),
      clock,
    });
    for (const delayMs of [100, 200, 250]) {
      await settle();
      expect(source.acknowledged).toBe(0);
      expect(reports.at(-1)).toMatchObject({ kind: "retry", output: "a", delayMs });
      clock.advance(delayMs);
    }
    const stats = await collection.stopped;
    expect(uuids(sink)).toEqual(["1", "2", "3"]);
    expect(stats.outputs.a).toMatchObject({ written: 3, retries: 3 });
    expect(clock.pending).toBe(0);
  });

  test("fails after the last attempt with the error of the sink, and saves what was acknowledged", async () => {
    const checkpoint = memoryCheckpoint();
    const sink = fakeSink({
      beforeWrite: ([first]) => {
        if (first?.uuid === "2") throw new Error("never");
      },
    });
    const collection = collect(fakeEventSource([[event("1")], [event("2")]]), {
      outputs: [{ name: "a", sink }],
      maxBatchEvents: 1,
      retry: { initialDelayMs: 0, maxAttempts: 2 },
      checkpoint,
    });
    await expect(collection.stopped).rejects.toThrow("never");
    expect(uuids(sink)).toEqual(["1"]);
    expect(await checkpoint.load()).toBe(1);
  });

  test("writes refused events to the dead-letter sink, and the others to the output", async () => {
    const refuses = ({ uuid }: EncodedEvent) => (uuid === "2" ? "too large" : undefined);
    const [sink, deadLetter] = [fakeSink({ refuses }), fakeSink()];
    const reports: CollectReport[] = [];
    const stats = await collect(fakeEventSource([[event("1"), event("2"), event("3")]]), {
      outputs: [{ name: "a", sink }],
      deadLetter,
      onReport: (report) => reports.push(report),
    }).stopped;
    expect(uuids(sink)).toEqual(["1", "3"]);
    expect(uuids(deadLetter)).toEqual(["2"]);
    expect(stats).toMatchObject({ deadLetters: 1, dropped: 0, acknowledged: 3 });
    expect(stats.outputs.a).toMatchObject({ offered: 3, written: 2, refused: 1 });
    expect(reports).toEqual([{ kind: "refused", output: "a", reason: "too large", isLost: false }]);
  });

  test("counts refused events as dropped if there is no dead-letter sink", async () => {
    const sink = fakeSink({ refuses: () => "never" });
    const stats = await collect(fakeEventSource([[event("1")]]), { outputs: [{ name: "a", sink }] }).stopped;
    expect(stats).toMatchObject({ deadLetters: 0, dropped: 1, acknowledged: 1 });
  });

  test("writes events that no filter can decode to the dead-letter sink", async () => {
    const good = event("1");
    // A flow whose verdict is cut off: the UUID is read, the verdict is not.
    const damaged: EncodedEvent = { ...good, uuid: "2", bytes: Uint8Array.of(0x0a, 1, 0x10) };
    const [sink, deadLetter] = [fakeSink(), fakeSink()];
    const stats = await collect(fakeEventSource([[damaged, good]]), {
      deny: [{ verdict: ["DROPPED"] }],
      outputs: [{ name: "a", sink }],
      deadLetter,
    }).stopped;
    expect(uuids(sink)).toEqual(["1"]);
    expect(uuids(deadLetter)).toEqual(["2"]);
    expect(stats).toMatchObject({ read: 2, undecodable: 1, deadLetters: 1, acknowledged: 1 });
  });

  test("resumes from the checkpoint", async () => {
    const batches = [[event("1")], [event("2")], [event("3")]];
    const checkpoint = memoryCheckpoint(2);
    const sink = fakeSink();
    await collect(fakeEventSource(batches), { outputs: [{ name: "a", sink }], checkpoint }).stopped;
    expect(uuids(sink)).toEqual(["3"]);
    expect(await checkpoint.load()).toBe(3);
  });

  test("saves at most one checkpoint in an interval, and only what is acknowledged", async () => {
    const clock = fakeClock();
    const checkpoint = memoryCheckpoint();
    let release = () => {};
    async function* batches() {
      yield [event("1")];
      yield [event("2")];
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      yield [event("3")];
    }
    const collection = collect(fakeEventSource(batches()), {
      outputs: [{ name: "a", sink: fakeSink() }],
      checkpoint,
      checkpointIntervalMs: 1000,
      clock,
    });
    await settle();
    expect(checkpoint.save).not.toHaveBeenCalled();
    clock.advance(1000);
    await settle();
    expect(checkpoint.save.mock.calls).toEqual([[2]]);
    release();
    const stats = await collection.stopped;
    expect(checkpoint.save.mock.calls).toEqual([[2], [3]]);
    expect(stats.checkpoints).toBe(2);
  });

  test("goes on if a checkpoint cannot be saved, and fails if the last one cannot", async () => {
    const clock = fakeClock();
    const reports: CollectReport[] = [];
    const checkpoint = { load: async () => undefined, save: () => Promise.reject(new Error("disk full")) };
    async function* batches() {
      yield [event("1")];
      await settle();
      clock.advance(1000);
      await settle();
      yield [event("2")];
    }
    const sink = fakeSink();
    const collection = collect(fakeEventSource(batches()), {
      outputs: [{ name: "a", sink }],
      checkpoint,
      onReport: (report) => reports.push(report),
      clock,
    });
    await expect(collection.stopped).rejects.toThrow("disk full");
    expect(uuids(sink)).toEqual(["1", "2"]);
    expect(reports).toEqual([{ kind: "checkpoint", error: new Error("disk full") }]);
  });

  test("writes what came before a failure of the source, and rejects with it", async () => {
    async function* batches() {
      yield [event("1")];
      throw new Error("the source failed");
    }
    const sink = fakeSink();
    const collection = collect(fakeEventSource(batches()), { outputs: [{ name: "a", sink }] });
    await expect(collection.stopped).rejects.toThrow("the source failed");
    expect(uuids(sink)).toEqual(["1"]);
    expect(collection.stats).toMatchObject({ read: 1, acknowledged: 1 });
  });

  test("stop: reads no further, and writes what was read", async () => {
    async function* batches() {
      yield [event("1")];
      await new Promise(() => {});
    }
    const sink = fakeSink();
    const collection = collect(fakeEventSource(batches()), { outputs: [{ name: "a", sink }] });
    await vi.waitFor(() => expect(uuids(sink)).toEqual(["1"]));
    collection.stop();
    collection.stop();
    expect(await collection.stopped).toMatchObject({ read: 1, acknowledged: 1 });
  });

  test("stop: gives up on a sink that hangs after the timeout, and says how many events are not written", async () => {
    const clock = fakeClock();
    const sink = fakeSink({ beforeWrite: () => new Promise(() => {}) });
    const collection = collect(fakeEventSource([[event("1"), event("2")]]), {
      outputs: [{ name: "a", sink }],
      stopTimeoutMs: 5000,
      clock,
    });
    await settle();
    collection.stop();
    clock.advance(5000);
    await expect(collection.stopped).rejects.toMatchObject({
      code: "sink_failed",
      message: "stop: 2 events were not written within 5000 ms; they are read again next time",
    });
    expect(clock.pending).toBe(0);
  });

  test("signal: rejects with its reason at once, also while a sink waits to be tried again", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const sink = fakeSink({ beforeWrite: () => Promise.reject(new Error("no")) });
    const source = fakeEventSource([[event("1")]]);
    const collection = collect(source, { outputs: [{ name: "a", sink }], signal: controller.signal, clock });
    await settle();
    controller.abort(new Error("enough"));
    await expect(collection.stopped).rejects.toThrow("enough");
    expect(source.acknowledged).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("signal: an aborted one reads nothing", async () => {
    const sink = fakeSink();
    const collection = collect(fakeEventSource([[event("1")]]), {
      outputs: [{ name: "a", sink }],
      signal: AbortSignal.abort(new Error("enough")),
    });
    await expect(collection.stopped).rejects.toThrow("enough");
    expect(sink.calls).toEqual([]);
  });

  test("makes the source wait while a sink is busy", async () => {
    let yielded = 0;
    let release = () => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* batches() {
      for (; yielded < 100; yielded++) yield [event(String(yielded))];
    }
    const sink = fakeSink({ beforeWrite: (_, call) => (call === 1 ? busy : undefined) });
    const collection = collect(fakeEventSource(batches()), {
      outputs: [{ name: "a", sink }],
      maxBatchEvents: 3,
      maxWaitingEvents: 10,
    });
    await settle();
    expect(yielded).toBeLessThanOrEqual(14);
    release();
    await collection.stopped;
    expect(uuids(sink)).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
    expect(Math.max(...sink.calls)).toBe(3);
  });

  describe("outputs that aggregate", () => {
    const aggregate = { fields: ["verdict"], intervalMs: 1000 };

    test("write one event for equal flows at every interval, and acknowledge their batches then", async () => {
      const clock = fakeClock();
      let release = () => {};
      async function* batches() {
        yield [event("1"), event("2", { verdict: "DROPPED" })];
        yield [event("3"), lostEvents(1n)];
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        yield [event("4")];
      }
      const [sink, plain] = [fakeSink(), fakeSink()];
      const source = fakeEventSource(batches());
      const collection = collect(source, {
        outputs: [
          { name: "groups", sink, aggregate, fieldMask: ["uuid"] },
          { name: "plain", sink: plain },
        ],
        clock,
      });
      await settle();
      // Events that are not flows do not wait.
      expect(sink.events.map(({ kind }) => kind)).toEqual(["lost_events"]);
      expect(uuids(plain)).toEqual(["1", "2", "3", ""]);
      expect(source.acknowledged).toBe(0);
      clock.advance(1000);
      await settle();
      expect(uuids(sink)).toEqual(["", "1", "2"]);
      expect(source.acknowledged).toBe(2);
      const first = decodeEvent(sink.events[1]!).responseTypes.value;
      expect(first).toMatchObject({
        uuid: "1",
        aggregate: { ingressFlowCount: 2 },
      });
      release();
      const stats = await collection.stopped;
      expect(uuids(sink)).toEqual(["", "1", "2", "4"]);
      expect(source.acknowledged).toBe(3);
      expect(stats.outputs.groups).toMatchObject({ offered: 5, written: 4, aggregated: 1 });
      expect(stats.acknowledged).toBe(5);
      expect(clock.pending).toBe(0);
    });

    test("write their groups early when too many events wait for them", async () => {
      const clock = fakeClock();
      const batches = Array.from({ length: 10 }, (_, index) => [event(`${index}a`), event(`${index}b`)]);
      const sink = fakeSink();
      await collect(fakeEventSource(batches), {
        outputs: [{ name: "groups", sink, aggregate }],
        maxBatchEvents: 2,
        maxUnacknowledgedEvents: 5,
        clock,
      }).stopped;
      expect(uuids(sink)).toEqual(["0a", "3a", "6a", "9a"]);
    });

    test("write what came before a failure of the source", async () => {
      async function* batches() {
        yield [event("1"), event("2")];
        throw new Error("the source failed");
      }
      const sink = fakeSink();
      const source = fakeEventSource(batches());
      const clock = fakeClock();
      const collection = collect(source, { outputs: [{ name: "groups", sink, aggregate }], clock });
      await expect(collection.stopped).rejects.toThrow("the source failed");
      expect(uuids(sink)).toEqual(["1"]);
      expect(source.acknowledged).toBe(1);
      expect(clock.pending).toBe(0);
    });
  });

  test("every event is in each sink at least once after crashes at any moment, in order", async () => {
    const all = Array.from({ length: 12 }, (_, index) => [event(`${index}a`), event(`${index}b`)]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 30 }), { maxLength: 6 }), async (crashes) => {
        const checkpoint = memoryCheckpoint();
        const stored: EncodedEvent[] = [];
        for (const crash of [...crashes, Number.POSITIVE_INFINITY]) {
          const controller = new AbortController();
          let writes = 0;
          const sink = fakeSink({
            beforeWrite: (events) => {
              if (writes++ === crash) controller.abort(new Error("crash"));
              // A crash may come before or after the events are stored.
              if (writes % 2 === 0 || !controller.signal.aborted) stored.push(...events);
            },
          });
          const { stopped } = collect(fakeEventSource(all), {
            outputs: [{ name: "a", sink }],
            maxBatchEvents: 2,
            checkpoint,
            checkpointIntervalMs: 0,
            signal: controller.signal,
          });
          await stopped.catch(() => {});
        }
        expect([...new Set(uuids({ events: stored }))]).toEqual(all.flat().map(({ uuid }) => uuid));
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    [{ outputs: [] }, "outputs: must have at least one output"],
    [{ outputs: [{ name: "", sink: fakeSink() }] }, "outputs[0].name: must not be empty"],
    [
      {
        outputs: [
          { name: "a", sink: fakeSink() },
          { name: "a", sink: fakeSink() },
        ],
      },
      "outputs[1].name: is used twice: a",
    ],
    [
      {
        outputs: [{ name: "a", sink: fakeSink(), redact: { headers: { allow: ["a"], deny: ["b"] } } }],
      },
      "outputs[0].redact.headers: has both allow and deny; as in Hubble, only one can be used",
    ],
  ])("rejects options %#", (options, message) => {
    expect(() => collect(fakeEventSource([]), options)).toThrow(
      expect.objectContaining({ code: "invalid_options", message }),
    );
  });

  test("rejects filters and field masks that do not compile", () => {
    const outputs = [{ name: "a", sink: fakeSink() }];
    expect(() => collect(fakeEventSource([]), { allow: [{ sourceIp: ["x"] }], outputs })).toThrow(
      expect.objectContaining({ code: "invalid_filter" }),
    );
    expect(() =>
      collect(fakeEventSource([]), { outputs: [{ ...outputs[0]!, fieldMask: ["no_such"] }] }),
    ).toThrow(expect.objectContaining({ code: "invalid_field_mask" }));
  });

  test("equal events before and after: a transform of an event that is no flow changes nothing", async () => {
    const sink = fakeSink();
    const lost = lostEvents(1n);
    await collect(fakeEventSource([[lost]]), {
      outputs: [{ name: "a", sink, fieldMask: ["verdict"], redact: {} }],
    }).stopped;
    expect(sink.events[0]?.bytes).toBe(lost.bytes);
    expect(
      equals(
        GetFlowsResponseSchema,
        decodeEvent(lost) as GetFlowsResponse,
        decodeEvent(sink.events[0]!) as GetFlowsResponse,
      ),
    ).toBe(true);
  });
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
