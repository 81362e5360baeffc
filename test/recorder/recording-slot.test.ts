import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type RecordRequest,
  RecordRequestSchema,
  StartRecordingSchema,
} from "../../src/gen/recorder/recorder_pb.js";
import type { PacketSource } from "../../src/packet/index.js";
import { createRecorderService, type OpenSink } from "../../src/recorder/index.js";
import { RecordingSlot } from "../../src/recorder/service/recording-slot.js";
import { fakeClock } from "../support/fake-clock.js";
import { WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";
import { controlledSource, settle } from "./sources.js";

/** A promise that the test settles. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** A source whose closing the test settles. */
function slowSource() {
  const closing = deferred<void>();
  const source: PacketSource = Object.assign(controlledSource(), {
    [Symbol.asyncDispose]: () => closing.promise,
  });
  return { source, closed: closing.resolve };
}

describe("RecordingSlot", () => {
  test("is opening, open, closing, then free", async () => {
    const opening = deferred<PacketSource>();
    const { source, closed } = slowSource();
    let released = 0;
    const slot = new RecordingSlot(opening.promise, () => released++);
    expect(slot.state).toBe("opening");
    opening.resolve(source);
    await settle();
    expect(slot.state).toBe("open");
    const ended = slot.close();
    await settle();
    expect([slot.state, released]).toEqual(["closing", 0]);
    closed();
    await ended;
    await slot.close();
    expect([slot.state, released]).toEqual(["free", 1]);
  });

  test("closed while opening, is released when the source has opened and closed", async () => {
    const opening = deferred<PacketSource>();
    const { source, closed } = slowSource();
    let released = 0;
    const slot = new RecordingSlot(opening.promise, () => released++);
    const ended = slot.close();
    await settle();
    expect([slot.state, released]).toEqual(["opening", 0]);
    opening.resolve(source);
    await settle();
    expect([slot.state, released]).toEqual(["closing", 0]);
    closed();
    await ended;
    expect([slot.state, released]).toEqual(["free", 1]);
  });

  test.each<{ name: string; fail: (opening: ReturnType<typeof deferred<PacketSource>>) => void }>([
    { name: "opening", fail: ({ reject }) => reject(new Error("no such device")) },
    {
      name: "closing",
      fail: ({ resolve }) =>
        resolve(
          Object.assign(controlledSource(), {
            [Symbol.asyncDispose]: () => Promise.reject(new Error("cannot be closed")),
          }),
        ),
    },
  ])("is free after $name has failed", async ({ fail }) => {
    const opening = deferred<PacketSource>();
    const slot = new RecordingSlot(opening.promise, () => {});
    fail(opening);
    await slot.close();
    expect(slot.state).toBe("free");
  });
});

async function* starting(): AsyncGenerator<RecordRequest, void, undefined> {
  const value = create(StartRecordingSchema, WANTED as never);
  yield create(RecordRequestSchema, { requestType: { case: "start", value } });
  await new Promise(() => {});
}

/** A service whose sources and sinks the test opens. */
function setUp({ openSink = memorySink().open }: { openSink?: OpenSink } = {}) {
  const opening: ReturnType<typeof deferred<PacketSource>>[] = [];
  const service = createRecorderService({
    nodeName: "n",
    clock: fakeClock(),
    limits: { maxRecordings: 2 },
    openSource: () => {
      const next = deferred<PacketSource>();
      opening.push(next);
      return next.promise;
    },
    openSink,
  });
  /** Starts a recording, and cancels it at once. */
  async function startAndCancel() {
    const controller = new AbortController();
    const responses = service.record(starting(), { signal: controller.signal });
    const status = responses.next().catch((error: { status: string }) => error.status);
    await settle();
    controller.abort();
    return status;
  }
  return { opening, service, startAndCancel };
}

describe("createRecorderService: maxRecordings", () => {
  test("counts sources that are still opening for calls that have ended", async () => {
    const { opening, service, startAndCancel } = setUp();
    const outcomes: unknown[] = [];
    for (let call = 0; call < 10; call++) outcomes.push(await startAndCancel());
    expect(outcomes).toEqual(["CANCELLED", "CANCELLED", ...Array(8).fill("RESOURCE_EXHAUSTED")]);
    expect(opening).toHaveLength(2);
    expect(service.counters).toMatchObject({ running: 2, calls: 0 });

    const late = slowSource();
    opening[0]?.resolve(late.source);
    await settle();
    expect(service.counters.running).toBe(2);
    late.closed();
    opening[1]?.reject(new Error("no such device"));
    await settle();
    expect(service.counters.running).toBe(0);
    expect(await startAndCancel()).toBe("CANCELLED");
  });

  test("counts a sink that is still opening", async () => {
    const sink = deferred<Awaited<ReturnType<OpenSink>>>();
    const memory = memorySink();
    const { opening, service, startAndCancel } = setUp({ openSink: () => sink.promise });
    const controller = new AbortController();
    const first = service.record(starting(), { signal: controller.signal });
    const cancelled = first.next().catch((error: { status: string }) => error.status);
    await settle();
    opening[0]?.resolve(controlledSource());
    await settle();
    controller.abort();
    expect(await cancelled).toBe("CANCELLED");
    await settle();
    expect(service.counters).toMatchObject({ running: 1, calls: 0 });
    const second = service.record(starting());
    const running = second.next();
    await settle();
    opening.at(-1)?.resolve(controlledSource());
    await settle();
    expect(service.counters.running).toBe(2);
    expect(await startAndCancel()).toBe("RESOURCE_EXHAUSTED");
    sink.resolve(await memory.open({ filePrefix: "x", interfaces: [], snapLength: 0, clock: fakeClock() }));
    await running;
    await second.return();
    await settle();
    expect(service.counters.running).toBe(0);
  });
});
