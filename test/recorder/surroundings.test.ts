import { describe, expect, test } from "vitest";
import { createBatch, fromBatches, type PacketBatch, type PacketFormat } from "../../src/packet/index.js";
import { decodeCapture, encodePcap, encodePcapng } from "../../src/pcap/index.js";
import { type OpenSink, record } from "../../src/recorder/index.js";

const format: PacketFormat = { linkType: 101, resolution: "us", snapLength: 0, interfaceId: 0 };
const everything = { include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" }] };

/** An IPv4 header and nothing in it. */
const header = new Uint8Array(20).fill(0x45, 0, 1);
const batch = createBatch(format, [{ bytes: header }]);

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Throws everything away. */
const nowhere: OpenSink = async () => ({ write: () => {}, close: async () => ({}), abort: async () => {} });

describe("record: a source and a sink that never wait", () => {
  function* forever(): Generator<PacketBatch> {
    for (;;) yield batch;
  }

  test("let timers run", async () => {
    const recording = record(
      fromBatches(forever(), format),
      { ...everything, stopCondition: { timeElapsed: { nanos: 5_000_000 } } },
      { sink: nowhere },
    );
    expect((await recording.stopped).reason).toBe("time");
  });

  test("let signals abort", async () => {
    const signal = AbortSignal.timeout(5);
    const recording = record(fromBatches(forever(), format), everything, { sink: nowhere, signal });
    await expect(recording.stopped).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

describe("record: at any time, a recording reports", () => {
  test("its counts and its file, also when it fails", async () => {
    const failing = async function* () {
      yield batch;
      throw new Error("gone");
    };
    const sink: OpenSink = async (request) => ({ ...(await nowhere(request)), filePath: "/a/file" });
    const recording = record(fromBatches(failing(), format), everything, { sink });
    expect(recording.filePath).toBe(undefined);
    await expect(recording.stopped).rejects.toThrow("gone");
    expect(recording.filePath).toBe("/a/file");
    expect(recording.stats).toMatchObject({ packetsCaptured: 1, bytesCaptured: 20 });
  });

  test("an unhandled failure does not end the process", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const failing: AsyncIterable<PacketBatch> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("gone")) }),
    };
    const recording = record(fromBatches(failing, format), everything, { sink: nowhere });
    for await (const _ of recording.updates);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    await expect(recording.stopped).rejects.toThrow("gone");
  });
});

describe("record: live packets", () => {
  test("are all recorded by a source with stop, and its losses are counted", async () => {
    const arrived = Array.from({ length: 5 }, () => batch);
    let ending = false;
    let wake = () => {};
    const batches = async function* () {
      while (!ending || arrived.length > 0) {
        const next = arrived.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    let dropped = 1;
    const source = fromBatches(batches(), format, {
      stop: () => {
        arrived.push(batch, batch);
        dropped = 4;
        ending = true;
        wake();
      },
      dropped: () => dropped,
    });
    const recording = record(source, everything, { sink: nowhere });
    for await (const { packetsCaptured } of recording.updates) if (packetsCaptured === 5) recording.stop();
    const { reason, stats } = await recording.stopped;
    expect(reason).toBe("requested");
    expect(stats).toMatchObject({ packetsCaptured: 7, packetsLostInKernel: 3 });
  });
});

describe("record: a capture file", () => {
  test("is written as version 2.4 without a time zone", async () => {
    const old = await bytesOf(
      encodePcap(
        fromBatches(
          [batch],
          [
            {
              linkType: 101,
              resolution: "us",
              snapLength: 99,
              pcapHeader: { versionMajor: 2, versionMinor: 2, thisZone: 3600, sigFigs: 6, linkTypeWord: 101 },
            },
          ],
        ),
      ),
    );
    const source = await decodeCapture(old);
    expect(source.interfaces[0]?.pcapHeader).toMatchObject({ versionMinor: 2, thisZone: 3600 });
    const recorded = await decodeCapture(await bytesOf(record(source, everything).bytes));
    expect(recorded.interfaces[0]).toMatchObject({
      snapLength: 262_144,
      pcapHeader: { versionMajor: 2, versionMinor: 4, thisZone: 0, sigFigs: 0 },
    });
  });

  test("counts the packets that the capturing program lost", async () => {
    const interfaces = [{ linkType: 101, resolution: "us", snapLength: 0, counts: { dropped: 7 } }] as const;
    const source = await decodeCapture(await bytesOf(encodePcapng(fromBatches([batch], interfaces))));
    const { stats } = await record(source, everything, { sink: nowhere }).stopped;
    expect(stats.packetsLostInKernel).toBe(7);
  });

  test("opens after the header of a stream, before the first packet", async () => {
    for (const encode of [encodePcap, encodePcapng]) {
      const empty = await bytesOf(
        encode(fromBatches([], [{ linkType: 101, resolution: "us", snapLength: 0, name: "x" }])),
      );
      const quiet = async function* () {
        yield empty;
        await new Promise(() => {});
      };
      const source = await decodeCapture(quiet());
      expect(source.interfaces[0]?.linkType).toBe(101);
    }
  });
});

test("record: a limit of 0 means no limit", async () => {
  const start = { ...everything, stopCondition: { packetsCapturedCount: 0 as unknown as bigint } };
  const { stats } = await record(fromBatches([batch, batch], format), start, { sink: nowhere }).stopped;
  expect(stats.packetsCaptured).toBe(2);
});
