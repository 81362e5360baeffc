import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { collect, fromEvents } from "../../src/collect/index.js";
import { decodeExport, type EncodedEvent, encodeExportLine } from "../../src/observer/index.js";
import { decodeFlows } from "../../src/packet/index.js";
import { openCaptureFile } from "../../src/source/file.js";
import { fakeSink, flow } from "../../src/testing/index.js";

const SAMPLE = join(import.meta.dirname, "../../examples/captures/sample.pcapng");

function numbered(count: number) {
  return Array.from({ length: count }, (_, index) => flow({ uuid: String(index + 1) }));
}

async function lengthsOf(batches: AsyncIterable<readonly EncodedEvent[]>): Promise<number[]> {
  const lengths: number[] = [];
  for await (const batch of batches) lengths.push(batch.length);
  return lengths;
}

function read(source: ReturnType<typeof fromEvents>, signal = new AbortController().signal) {
  return source.read({ position: undefined, signal });
}

describe("fromEvents", () => {
  test("has batches of at most maxBatchEvents, 1,000 by default", async () => {
    expect(await lengthsOf(read(fromEvents(numbered(2500))))).toEqual([1000, 1000, 500]);
    expect(await lengthsOf(read(fromEvents(numbered(5), { maxBatchEvents: 2 })))).toEqual([2, 2, 1]);
    expect(await lengthsOf(read(fromEvents([])))).toEqual([]);
  });

  test("an async iterable that has its events at once is read in as large batches", async () => {
    async function* generate() {
      yield* numbered(5);
    }
    expect(await lengthsOf(read(fromEvents(generate())))).toEqual([5]);
  });

  test("lines that arrive together are one batch, which is not held back while the input is silent", async () => {
    const input = new PassThrough();
    const batches = read(fromEvents(decodeExport(input)))[Symbol.asyncIterator]();
    const lines = numbered(5).map((event) => `${encodeExportLine(event)}\n`);
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 5],
    ] as const) {
      input.write(lines.slice(from, to).join(""));
      const { value } = await batches.next();
      expect((value as EncodedEvent[]).map(({ uuid }) => uuid)).toEqual(
        numbered(5)
          .slice(from, to)
          .map(({ uuid }) => uuid),
      );
    }
    input.end();
    expect(await batches.next()).toEqual({ done: true, value: undefined });
  });

  test("reads the flows of a capture, which the collector writes", async () => {
    async function* flows() {
      await using capture = await openCaptureFile(SAMPLE);
      for await (const batch of capture) yield* decodeFlows(batch);
    }
    const sink = fakeSink();
    const { read } = await collect(fromEvents(flows()), { outputs: [{ name: "a", sink }] }).stopped;
    expect(read).toBeGreaterThan(0);
    expect(sink.events.length).toBe(read);
    expect(sink.events.every(({ kind }) => kind === "flow")).toBe(true);
  });

  test("yields what came before a value that is not an event, and fails with its type", async () => {
    // @ts-expect-error Wrong on purpose.
    const source = fromEvents([...numbered(2), { uuid: "3" }]);
    const batches = read(source)[Symbol.asyncIterator]();
    expect((await batches.next()).value).toHaveLength(2);
    await expect(batches.next()).rejects.toThrow(TypeError);
  });

  test("yields what came before an error of a synchronous iterable", async () => {
    const source = fromEvents(
      (function* () {
        yield* numbered(2);
        throw new Error("the generator failed");
      })(),
    );
    const batches = read(source)[Symbol.asyncIterator]();
    expect((await batches.next()).value).toHaveLength(2);
    await expect(batches.next()).rejects.toThrow("the generator failed");
  });

  test("closes the iterable if the reading ends early, and not if it has ended", async () => {
    let closed = 0;
    function* generate() {
      try {
        yield* numbered(3);
      } finally {
        closed++;
      }
    }
    for await (const _ of read(fromEvents(generate(), { maxBatchEvents: 1 }))) break;
    expect(closed).toBe(1);
    await lengthsOf(read(fromEvents(generate())));
    expect(closed).toBe(2);
  });

  test("a signal ends the reading of an iterable that never ends", async () => {
    const [event] = numbered(1);
    function* forever() {
      for (;;) yield event!;
    }
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 1);
    await expect(lengthsOf(read(fromEvents(forever()), controller.signal))).rejects.toThrow("enough");
  });

  test("a collector that is stopped ends while the iterable is silent", async () => {
    const collection = collect(fromEvents(decodeExport(new PassThrough())), {
      outputs: [{ name: "a", sink: fakeSink() }],
    });
    collection.stop();
    expect(await collection.stopped).toMatchObject({ read: 0 });
  });
});
