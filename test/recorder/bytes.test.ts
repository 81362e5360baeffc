import { Readable } from "node:stream";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type CaptureInterface,
  createBatch,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  type PacketBatch,
  packetsOf,
  type Resolution,
} from "../../src/packet/index.js";
import { decodeCapture } from "../../src/pcap/index.js";
import { type Recording, type RecordOptions, record } from "../../src/recorder/index.js";
import { batchOf, ETHERNET, idsOf, numbered, range, WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";
import { type ControlledSource, controlledSource, interfaceOf, SOURCE_KINDS, settle } from "./sources.js";

const HEADER_LENGTH = 24;

const unhandled: unknown[] = [];
function onUnhandled(reason: unknown): void {
  unhandled.push(reason);
}

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  await settle();
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
});

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function decode(bytes: Uint8Array) {
  await using source = await decodeCapture(bytes);
  const batches: PacketBatch[] = [];
  for await (const batch of source) batches.push(batch);
  return { source, batches, ids: batches.flatMap(idsOf) };
}

describe("Recording.bytes: a pcap of the recorded packets", () => {
  test.each(SOURCE_KINDS)("from a source $kind", async (traits) => {
    const source = controlledSource(traits);
    const recording = record(source, WANTED);
    source.push(
      batchOf([
        { id: 0, length: 70 },
        { id: 1, length: 300 },
      ]),
      numbered(2, 2),
    );
    source.end();
    const { source: capture, batches, ids } = await decode(await readAll(recording.bytes));
    expect(ids).toEqual(range(4));
    expect(capture.fileFormat).toBe("pcap");
    expect(capture.interfaces[0]).toMatchObject({ linkType: 1, resolution: "us", snapLength: 262_144 });
    expect(batches.flatMap((batch) => [...packetsOf(batch)].map(({ seconds }) => seconds))).toEqual(
      range(4, 1_700_000_000),
    );
    await expect(recording.stopped).resolves.toEqual({
      reason: "source_end",
      stats: expect.objectContaining({ packetsCaptured: 4 }),
    });
  });

  test.each<{ resolution: Resolution | undefined; fraction: number }>([
    { resolution: undefined, fraction: 123_456_000 },
    { resolution: "us", fraction: 123_456_000 },
    { resolution: "ns", fraction: 123_456_789 },
  ])("in the requested resolution: $resolution", async ({ resolution, fraction }) => {
    const format = { ...ETHERNET, resolution: "ns" as const };
    const source = controlledSource({ filtered: true }, [interfaceOf(format)]);
    const recording = record(source, WANTED, resolution === undefined ? {} : { resolution });
    source.push(createBatch(format, [{ bytes: new Uint8Array(60), nanoseconds: 123_456_789 }]));
    source.end();
    const { source: capture, batches } = await decode(await readAll(recording.bytes));
    expect(capture.interfaces[0]?.resolution).toBe(resolution ?? "us");
    expect([...packetsOf(batches[0]!)][0]?.nanoseconds).toBe(fraction);
  });

  test("with the requested snap length", async () => {
    const source = controlledSource();
    const recording = record(source, { ...WANTED, maxCaptureLength: 96 });
    source.end();
    const bytes = await readAll(recording.bytes);
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(16, true)).toBe(96);
    expect(bytes.length).toBe(HEADER_LENGTH);
  });

  const unsettled: readonly { name: string; interfaces: CaptureInterface[] }[] = [
    { name: "no interface", interfaces: [] },
    {
      name: "interfaces of several link types",
      interfaces: [interfaceOf({ ...ETHERNET, linkType: LINKTYPE_RAW }), interfaceOf(ETHERNET)],
    },
  ];

  test.each(unsettled)(
    "whose header waits for the first packet when there is $name",
    async ({ interfaces }) => {
      const source = controlledSource({}, interfaces);
      const recording = record(source, WANTED);
      const reader = recording.bytes[Symbol.asyncIterator]();
      let begun = false;
      const first = reader.next().then((result) => {
        begun = true;
        return result;
      });
      await settle();
      expect(begun).toBe(false);
      source.push(
        batchOf([{ id: 5 }], {
          ...ETHERNET,
          interfaceId: interfaces.length - 1 + Number(interfaces.length === 0),
        }),
      );
      source.end();
      const { value } = await first;
      const rest = await readAll({ [Symbol.asyncIterator]: () => reader });
      const { source: capture, ids } = await decode(Buffer.concat([value as Uint8Array, rest]));
      expect(ids).toEqual([5]);
      expect(capture.interfaces[0]?.linkType).toBe(LINKTYPE_ETHERNET);
    },
  );

  test.each(unsettled)("is readable without packets, with $name", async ({ interfaces }) => {
    const source = controlledSource({}, interfaces);
    const recording = record(source, WANTED);
    source.end();
    const { ids } = await decode(await readAll(recording.bytes));
    expect(ids).toEqual([]);
  });

  test("chunks belong to the reader", async () => {
    const source = controlledSource({ reusesBatches: true });
    const recording = record(source, WANTED);
    source.push(numbered(3), numbered(3, 3));
    source.end();
    const chunks: Uint8Array[] = [];
    const copies: Uint8Array[] = [];
    for await (const chunk of recording.bytes) {
      chunks.push(chunk);
      copies.push(chunk.slice());
    }
    expect(chunks).toEqual(copies);
    expect((await decode(Buffer.concat(chunks))).ids).toEqual(range(6));
  });

  test("can be read once", async () => {
    const source = controlledSource();
    const recording = record(source, WANTED);
    source.end();
    expect(await readAll(recording.bytes)).toHaveLength(HEADER_LENGTH);
    expect(() => recording.bytes[Symbol.asyncIterator]()).toThrow(
      expect.objectContaining({ code: "source_consumed" }),
    );
  });

  test("overlapping reads resolve in order", async () => {
    const source = controlledSource();
    const recording = record(source, WANTED);
    const reader = recording.bytes[Symbol.asyncIterator]();
    const reads = range(5).map(() => reader.next());
    await settle();
    source.push(numbered(1), numbered(1, 1));
    await settle();
    source.end();
    const results = await Promise.all(reads);
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true]);
    const chunks = results.flatMap(({ value }) => (value === undefined ? [] : [value as Uint8Array]));
    expect((await decode(Buffer.concat(chunks))).ids).toEqual([0, 1]);
  });
});

describe("Recording.bytes: a slow reader", () => {
  test("the recording waits while more than queueBytes are unread", async () => {
    const source = controlledSource();
    const recordLength = numbered(1).records.length;
    const recording = record(source, WANTED, { queueBytes: 2 * recordLength });
    for (const id of range(10)) source.push(numbered(1, id));
    source.end();
    await settle();
    // The header and one are not above the bound; with the second they are, and the third is not requested.
    expect(source.unread).toBe(8);
    const reader = recording.bytes[Symbol.asyncIterator]();
    const header = await reader.next();
    await settle();
    // Two unread records are not above the bound, three are.
    expect(source.unread).toBe(7);
    const first = await reader.next();
    await settle();
    expect(source.unread).toBe(6);
    const rest = await readAll({ [Symbol.asyncIterator]: () => reader });
    const bytes = Buffer.concat([header.value as Uint8Array, first.value as Uint8Array, rest]);
    expect((await decode(bytes)).ids).toEqual(range(10));
    await expect(recording.stopped).resolves.toMatchObject({
      stats: { packetsCaptured: 10, packetsLostInQueue: 0 },
    });
  });

  test("queueBytes below the header length delays packets only", async () => {
    const source = controlledSource();
    const recording = record(source, WANTED, { queueBytes: 1 });
    await settle();
    expect(source.waiting).toBe(true);
    recording.stop();
    await expect(recording.stopped).resolves.toMatchObject({ reason: "requested" });
    expect((await decode(await readAll(recording.bytes))).ids).toEqual([]);
  });

  test("gets every packet in order, for any queueBytes and batches", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 400 }),
        fc.infiniteStream(fc.boolean()),
        async (sizes, queueBytes, pauses) => {
          const source = controlledSource({ reusesBatches: true });
          const recording = record(source, WANTED, { queueBytes });
          let next = 0;
          for (const size of sizes) {
            source.push(numbered(size, next));
            next += size;
          }
          source.end();
          const chunks: Uint8Array[] = [];
          for await (const chunk of recording.bytes) {
            chunks.push(chunk);
            if (pauses.next().value) await settle();
          }
          expect((await decode(Buffer.concat(chunks))).ids).toEqual(range(next));
          await expect(recording.stopped).resolves.toMatchObject({ stats: { packetsCaptured: next } });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('with "drop", packets that do not fit are lost and counted', async () => {
    const source = controlledSource();
    const recordLength = numbered(1).records.length;
    const recording = record(source, WANTED, { whenBusy: "drop", queueBytes: 2 * recordLength });
    // The header and these two are above the bound: from here on the writer waits, holding them in the queue.
    source.push(numbered(2));
    await settle();
    source.push(numbered(5, 2));
    source.end();
    await settle();
    const bytes = await readAll(recording.bytes);
    const { stats } = await recording.stopped;
    expect(stats.packetsCaptured + stats.packetsLostInQueue).toBe(7);
    expect(stats.packetsLostInQueue).toBeGreaterThan(0);
    expect((await decode(bytes)).ids).toEqual(range(stats.packetsCaptured));
  });
});

describe("Recording.bytes: ending the iteration early stops the recording", () => {
  const ways: readonly {
    name: string;
    leave: (recording: Recording, source: ControlledSource) => Promise<void>;
  }[] = [
    {
      name: "by break",
      leave: async ({ bytes }) => {
        for await (const _ of bytes) break;
      },
    },
    {
      name: "by throwing",
      leave: async ({ bytes }) => {
        const reading = (async () => {
          for await (const _ of bytes) throw new Error("mine");
        })();
        await expect(reading).rejects.toThrow("mine");
      },
    },
    {
      name: "before the first read",
      leave: async ({ bytes }) => {
        await bytes[Symbol.asyncIterator]().return?.();
      },
    },
    {
      name: "while a read is pending",
      leave: async ({ bytes }) => {
        const reader = bytes[Symbol.asyncIterator]();
        await reader.next();
        const pending = reader.next();
        await settle();
        await reader.return?.();
        expect(await pending).toEqual({ done: true, value: undefined });
        expect(await reader.next()).toEqual({ done: true, value: undefined });
      },
    },
    {
      name: "twice",
      leave: async ({ bytes }) => {
        const reader = bytes[Symbol.asyncIterator]();
        await reader.return?.();
        await reader.return?.();
      },
    },
    {
      name: "by destroying a stream made of them, while it is silent",
      leave: async ({ bytes }) => {
        const stream = Readable.from(bytes);
        stream.on("data", () => {});
        await settle();
        stream.destroy();
      },
    },
  ];

  describe.each(SOURCE_KINDS)("with a source $kind", (traits) => {
    test.each(ways)("$name", async ({ leave }) => {
      const source = controlledSource(traits);
      const recording = record(source, WANTED);
      await settle();
      await leave(recording, source);
      await expect(recording.stopped).resolves.toMatchObject({ reason: "requested" });
      expect(source.stops).toBe(traits.stoppable ? 1 : 0);
    });

    test("while the recording waits for the reader", async () => {
      const source = controlledSource(traits);
      const recording = record(source, WANTED, { queueBytes: 1 });
      source.push(numbered(2), numbered(2, 2));
      await settle();
      for await (const _ of recording.bytes) break;
      const { reason, stats } = await recording.stopped;
      expect(reason).toBe("requested");
      expect(stats.packetsCaptured).toBe(traits.stoppable ? 4 : 2);
    });
  });

  test("ending the iteration after the end has no effect", async () => {
    const source = controlledSource();
    const recording = record(source, WANTED);
    source.end();
    await recording.stopped;
    for await (const _ of recording.bytes) break;
    await expect(recording.stopped).resolves.toMatchObject({ reason: "source_end" });
    expect(source.stops).toBe(0);
  });
});

describe("Recording.bytes: failures reach the reader without awaiting stopped", () => {
  const failure = new Error("broken");
  const controllers: AbortController[] = [];

  const cases: readonly {
    name: string;
    options?: () => RecordOptions;
    break: (source: ControlledSource) => void;
    expected: unknown;
    packets: number;
  }[] = [
    { name: "of the source", break: (source) => source.fail(failure), expected: failure, packets: 3 },
    {
      name: "of an abort",
      options: () => {
        const controller = new AbortController();
        controllers.push(controller);
        return { signal: controller.signal };
      },
      break: () => controllers.at(-1)?.abort(failure),
      expected: failure,
      packets: 3,
    },
    {
      name: "of packets of two link types",
      break: (source) => source.push(batchOf([{ id: 0 }], { ...ETHERNET, linkType: LINKTYPE_RAW })),
      expected: expect.objectContaining({ code: "mixed_link_types" }),
      packets: 3,
    },
  ];

  describe.each(cases)("$name", ({ options, break: breakIt, expected, packets }) => {
    test.each(["wait", "drop"] as const)("a waiting reader (%s)", async (whenBusy) => {
      const source = controlledSource({ filtered: true });
      const recording = record(source, WANTED, { whenBusy, ...options?.() });
      const chunks: Uint8Array[] = [];
      const reader = recording.bytes[Symbol.asyncIterator]();
      const reading = (async () => {
        for await (const chunk of { [Symbol.asyncIterator]: () => reader }) chunks.push(chunk);
      })();
      const outcome = Promise.allSettled([reading]);
      source.push(numbered(packets));
      await settle();
      breakIt(source);
      expect(await outcome).toEqual([{ status: "rejected", reason: expected }]);
      expect((await decode(Buffer.concat(chunks))).ids).toEqual(range(packets));
      // After the error the iteration is over.
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    });

    test("a reader with unread chunks", async () => {
      const source = controlledSource({ filtered: true });
      const recording = record(source, WANTED, options?.());
      source.push(numbered(packets));
      await settle();
      breakIt(source);
      await settle();
      const chunks: Uint8Array[] = [];
      const reading = (async () => {
        for await (const chunk of recording.bytes) chunks.push(chunk);
      })();
      expect(await Promise.allSettled([reading])).toEqual([{ status: "rejected", reason: expected }]);
      expect((await decode(Buffer.concat(chunks))).ids).toEqual(range(packets));
    });

    test("without a reader, there is no unhandled rejection", async () => {
      const source = controlledSource({ filtered: true });
      record(source, WANTED, options?.());
      await settle();
      breakIt(source);
      await settle();
    });
  });

  test("an abort before the beginning", async () => {
    const recording = record(controlledSource(), WANTED, { signal: AbortSignal.abort(failure) });
    await expect(readAll(recording.bytes)).rejects.toBe(failure);
  });

  test("ending the iteration after a failure has no effect", async () => {
    const source = controlledSource();
    const recording = record(source, WANTED);
    source.push(numbered(1));
    source.fail(failure);
    await settle();
    for await (const _ of recording.bytes) break;
    expect(source.stops).toBe(0);
    await expect(recording.stopped).rejects.toBe(failure);
  });
});

test("Recording.bytes: throws for a recording with a sink", async () => {
  const source = controlledSource();
  const recording = record(source, WANTED, { sink: memorySink().open });
  await expect(readAll(recording.bytes)).rejects.toThrow(TypeError);
  source.end();
  await expect(recording.stopped).resolves.toMatchObject({ reason: "source_end" });
});
