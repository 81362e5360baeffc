import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import {
  type RecordRequest,
  RecordRequestSchema,
  StartRecordingSchema,
} from "../../src/gen/recorder/recorder_pb.js";
import { createRecorderService, type RecorderServiceOptions, RpcError } from "../../src/recorder/index.js";
import { statusOfFailure } from "../../src/recorder/service/error.js";
import { requestText } from "../../src/recorder/service/request-text.js";
import { fakeClock } from "../support/fake-clock.js";
import { numbered, WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";
import { controlledSource, settle } from "./sources.js";

function startRequest(): RecordRequest {
  const value = create(StartRecordingSchema, WANTED as never);
  return create(RecordRequestSchema, { requestType: { case: "start", value } });
}

/** A start, and then silence. */
async function* starting(): AsyncGenerator<RecordRequest, void, undefined> {
  yield startRequest();
  await new Promise(() => {});
}

function setUp(options: Partial<RecorderServiceOptions> = {}) {
  const clock = fakeClock();
  const source = controlledSource();
  const sink = memorySink();
  const service = createRecorderService({
    nodeName: "n",
    clock,
    openSource: async () => source,
    openSink: sink.open,
    ...options,
  });
  return { clock, source, sink, service };
}

describe("createRecorderService: statistics", () => {
  test("are sent at most every changeIntervalMs, and at least every runningIntervalMs", async () => {
    const { clock, source, service } = setUp({ changeIntervalMs: 100, runningIntervalMs: 1000 });
    const responses = service.record(starting());
    await responses.next();
    let reported: unknown;
    const next = () => {
      reported = undefined;
      return responses.next().then(({ value }) => {
        reported = value?.responseType.value?.stats?.packetsCaptured;
      });
    };
    let pending = next();
    source.push(numbered(1));
    await settle();
    expect(reported).toBe(undefined); // Too soon after the confirmation.
    source.push(numbered(1));
    await settle();
    clock.advance(100);
    await pending;
    expect(reported).toBe(2n);
    pending = next();
    await settle();
    clock.advance(999);
    await settle();
    expect(reported).toBe(undefined); // Nothing has changed.
    clock.advance(1);
    await pending;
    expect(reported).toBe(2n);
    await responses.return();
    expect(clock.pending).toBe(0);
  });

  test("the counters include running recordings", async () => {
    const { source, service } = setUp();
    const responses = service.record(starting());
    await responses.next();
    source.push(numbered(4));
    source.drop(2);
    await settle();
    expect(service.counters).toMatchObject({
      running: 1,
      calls: 1,
      packetsCaptured: 4,
      packetsLostInKernel: 2,
    });
    await responses.return();
    await settle();
    expect(service.counters).toMatchObject({ running: 0, calls: 0, failed: 1, packetsCaptured: 4 });
  });
});

describe("createRecorderService: a client that has disconnected", () => {
  test.each(["source", "sink", "decision"])(
    "while the %s is waited for, leaves nothing behind",
    async (what) => {
      const controller = new AbortController();
      let closed = 0;
      let give = () => {};
      const late = <T>(value: T) =>
        new Promise<T>((resolve) => {
          give = () => resolve(value);
        });
      const source = Object.assign(controlledSource(), {
        [Symbol.asyncDispose]: async () => {
          closed++;
        },
      });
      const sink = memorySink(what === "sink" ? { hold: ["open"] } : {});
      const { service } = setUp({
        openSource: () => (what === "source" ? late(source) : Promise.resolve(source)),
        openSink: sink.open,
        authorize: () => (what === "decision" ? late(true) : true),
      });
      const responses = service.record(starting(), { signal: controller.signal });
      const first = responses.next();
      await settle();
      controller.abort();
      await expect(first).rejects.toMatchObject({ status: "CANCELLED" });
      if (what === "sink") sink.release();
      else give();
      await settle();
      expect(service.counters).toMatchObject({ calls: 0, running: 0, refused: 1 });
      expect(closed).toBe(what === "decision" ? 0 : 1);
      if (what === "sink") expect(sink.calls).toEqual(["open", "abort"]);
    },
  );

  test("releases its slot although it never reads on", async () => {
    const { service } = setUp({ limits: { maxRecordings: 1 } });
    const controller = new AbortController();
    const responses = service.record(starting(), { signal: controller.signal });
    await responses.next();
    controller.abort();
    await settle();
    expect(service.counters.running).toBe(0);
  });
});

describe("createRecorderService: limits", () => {
  test.each([
    { limits: { maxRecordings: 0 } },
    { limits: { maxStoredBytes: Number.NaN } },
    { queueBytes: -1 },
    { runningIntervalMs: -1 },
    { changeIntervalMs: Number.NaN },
    { whenBusy: "dorp" as "drop" },
    { limits: { maxRecording: 1 } as RecorderServiceOptions["limits"] & object },
    { nodeNames: "x" } as Partial<RecorderServiceOptions>,
  ])("createRecorderService: rejects %j", (options) => {
    expect(() => setUp(options)).toThrow(OptionsError);
  });

  test("maxCalls: refuses and counts another call", async () => {
    const { service } = setUp({ limits: { maxCalls: 1 } });
    const first = service.record(starting());
    await first.next();
    await expect(service.record(starting()).next()).rejects.toMatchObject({
      status: "RESOURCE_EXHAUSTED",
      message: "at most 1 calls at once",
    });
    await first.return();
    expect(service.counters).toMatchObject({ refused: 1, failed: 1 });
  });

  test("maxStoredBytes: removed files free their bytes", async () => {
    let stored = 100;
    const { service } = setUp({ limits: { maxStoredBytes: 120 }, storedBytes: () => stored });
    await expect(service.record(starting()).next()).rejects.toMatchObject({ status: "RESOURCE_EXHAUSTED" });
    stored = 0;
    const responses = service.record(starting());
    expect((await responses.next()).value?.responseType.case).toBe("running");
    expect(service.counters.storedBytes).toBe(24);
    await responses.return();
  });

  test("refuses calls after a shutdown", async () => {
    const { service } = setUp();
    await service.shutdown();
    await expect(service.record(starting()).next()).rejects.toMatchObject({ status: "UNAVAILABLE" });
    expect(service.counters).toMatchObject({ calls: 0, refused: 1 });
  });

  test("shutdown: resolves when the last call has ended, as often as it is called", async () => {
    const { service } = setUp();
    const calls = [service.record(starting()), service.record(starting())] as const;
    for (const call of calls) await call.next();
    let closed = 0;
    const closing = [service.shutdown(), service.shutdown()].map((each) => each.then(() => closed++));
    await settle();
    await calls[0].return();
    await settle();
    expect(closed).toBe(0);
    await calls[1].return();
    await Promise.all(closing);
    expect(service.counters).toMatchObject({ calls: 0, running: 0 });
  });
});

describe("requestText", () => {
  test("formats as Go does, quoted and shortened", () => {
    expect(requestText(create(RecordRequestSchema, { requestType: { case: "stop", value: {} } }))).toBe(
      '"stop:{}"',
    );
    const include = Array.from({ length: 10_000 }, () => ({ sourceCidr: 'a"\n', protocol: 999 as never }));
    const value = create(StartRecordingSchema, {
      include,
      stopCondition: { bytesCapturedCount: 2n ** 64n - 1n },
    });
    const text = requestText(create(RecordRequestSchema, { requestType: { case: "start", value } }));
    expect(text).toContain('start:{include:{source_cidr:\\"a\\\\\\"\\\\n\\" protocol:999}');
    expect(text).toContain("bytes_captured_count:18446744073709551615");
    expect(text.length).toBeLessThan(2500);
  });
});

test.each([
  { error: new RpcError("ABORTED", ""), status: "ABORTED" },
  {
    error: new Error("x", { cause: Object.assign(new Error(), { code: "ENOSPC" }) }),
    status: "RESOURCE_EXHAUSTED",
  },
  { error: Object.assign(new Error(), { code: "device_down" }), status: "UNAVAILABLE" },
  { error: new Error("x"), status: "INTERNAL" },
  { error: "x", status: "INTERNAL" },
])("the status of $error is $status", ({ error, status }) => {
  expect(statusOfFailure(error)).toBe(status);
});
