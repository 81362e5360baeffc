import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBatches } from "../../src/packet/source/from-batches.js";
import type { CaptureInterface, PacketSource } from "../../src/packet/source.js";
import { encodePcap, encodePcapng } from "../../src/pcap/index.js";
import { everyNth, nth, runs } from "../support/amount.js";
import { describeWithShared } from "../support/shared.js";
import { type Capture, pcapCapture, pcapngCapture } from "./arbitrary.js";
import {
  chunksOf,
  collect,
  cutAt,
  encoded,
  packetsIn,
  type ReadPacket,
  readBatch,
  readWhole,
} from "./read.js";
import { sample, sharedCapture, sharedCaptures } from "./shared-captures.js";

// Many cases each: also a busy machine gets through.
const LITTLE_ENDIAN_MAGICS = ["d4c3b2a1", "4d3cb2a1"];
const BIG_ENDIAN_MAGICS = ["a1b2c3d4", "a1b23c4d"];
const PCAPNG_MAGIC = "0a0d0d0a";
/** One in so many captures is written again by the quick tests. */
const STEP = 6;

describeWithShared("captures written by other programs come back", () => {
  const readable = sharedCaptures()
    .filter(({ packets }) => packets !== "refused")
    .map(({ file }) => ({ file, bytes: sharedCapture(file) }));
  const withMagic = (...magics: string[]) =>
    readable.filter(({ bytes }) => magics.includes(Buffer.from(bytes.subarray(0, 4)).toString("hex")));

  test(`byte for byte from little-endian pcap${nth(STEP)}`, async () => {
    const files = withMagic(...LITTLE_ENDIAN_MAGICS);
    expect(files).toHaveLength(813);
    const changed: string[] = [];
    for (const { file, bytes } of everyNth(STEP, files)) {
      if (!equal(await encoded(encodePcap, bytes), bytes)) changed.push(file);
    }
    expect(changed).toEqual([]);
  });

  test("with the same packets and the same header from big-endian pcap", async () => {
    const files = withMagic(...BIG_ENDIAN_MAGICS);
    expect(files).toHaveLength(8);
    for (const { bytes } of files) {
      const before = await readWhole(bytes);
      const after = await readWhole(await encoded(encodePcap, bytes));
      expect(after.packets).toEqual(before.packets);
      expect(after.source.interfaces).toEqual(before.source.interfaces);
    }
  });

  test(`with the same packets and interfaces from pcapng${nth(STEP)}`, async () => {
    const files = withMagic(PCAPNG_MAGIC);
    expect(files).toHaveLength(94);
    for (const { bytes } of everyNth(STEP, files)) await expectSameThroughPcapng(bytes);
  });

  test(`with the same packets from pcap through pcapng${nth(STEP)}`, async () => {
    const files = withMagic(...LITTLE_ENDIAN_MAGICS, ...BIG_ENDIAN_MAGICS);
    const changed: string[] = [];
    for (const { file, bytes } of everyNth(STEP, files)) {
      const before = await packetsIn(bytes);
      const after = await packetsIn(await encoded(encodePcapng, bytes));
      if (JSON.stringify(after) !== JSON.stringify(before.map(carried))) changed.push(file);
    }
    expect(changed).toEqual([]);
  });
});

describe("decode and encode: the sample", () => {
  test("in pcap is reproduced byte for byte", async () => {
    const bytes = sample("sample.pcap");
    expect(await packetsIn(bytes)).toHaveLength(527);
    expect(equal(await encoded(encodePcap, bytes), bytes)).toBe(true);
  });

  test("in pcapng keeps packets, comments and interfaces", async () => {
    const bytes = sample("sample.pcapng");
    const { packets, source } = await readWhole(bytes);
    expect(packets).toHaveLength(358);
    expect(packets.filter(({ comments }) => comments.length > 0)).toHaveLength(7);
    expect(source.interfaces.map(({ name }) => name)).toEqual(["rt-client", "rt-server"]);
    await expectSameThroughPcapng(bytes);
  });
});

describe("decode and encode: any packets", () => {
  test("are the same from pcap, in both units and all versions (property)", async () => {
    await fc.assert(
      fc.asyncProperty(pcapCapture, async (capture) => {
        const { packets, source } = await readWhole(await write(encodePcap, capture));
        expect(packets).toEqual(capture.batches.flatMap(readBatch));
        expect(source.interfaces).toEqual(capture.interfaces);
      }),
      { numRuns: runs(300) },
    );
  });

  test("are the same from pcapng, with interfaces, comments and counts (property)", async () => {
    await fc.assert(
      fc.asyncProperty(pcapngCapture, async (capture) => {
        const { packets, source } = await readWhole(await write(encodePcapng, capture));
        const expected = capture.batches.flatMap(readBatch);
        expect(packets).toEqual(expected);
        expect(source.interfaces).toEqual(withCounts(capture.interfaces, expected.length));
      }),
      { numRuns: runs(300) },
    );
  });

  const files = fc.oneof(
    pcapCapture.map((capture) => ({ encode: encodePcap, capture })),
    pcapngCapture.map((capture) => ({ encode: encodePcapng, capture })),
  );

  test("are the same in chunks of any size (property)", async () => {
    await fc.assert(
      fc.asyncProperty(
        files,
        fc.array(fc.nat(1_000_000), { maxLength: 30 }),
        async ({ encode, capture }, cuts) => {
          const bytes = await write(encode, capture);
          const expected = capture.batches.flatMap(readBatch);
          const places = cuts.map((place) => place % (bytes.length + 1));
          expect(await packetsIn(cutAt(bytes, places))).toEqual(expected);
          expect(await packetsIn(chunksOf(bytes, 1))).toEqual(expected);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("are the same when compressed, in one member or several, in chunks of any size (property)", async () => {
    const cutPlaces = fc.array(fc.nat(1_000_000), { maxLength: 8 });
    const level = fc.integer({ min: 0, max: 9 });
    await fc.assert(
      fc.asyncProperty(
        files,
        cutPlaces,
        cutPlaces,
        level,
        fc.nat(600),
        async ({ encode, capture }, members, cuts, level, padding) => {
          const bytes = await write(encode, capture);
          const parts = [
            ...cutAt(
              bytes,
              members.map((place) => place % (bytes.length + 1)),
            ),
          ];
          const compressed = Buffer.concat([
            ...parts.map((part) => gzipSync(part, { level })),
            Buffer.alloc(padding),
          ]);
          const expected = capture.batches.flatMap(readBatch);
          const places = cuts.map((place) => place % (compressed.length + 1));
          const { packets, source } = await readWhole(cutAt(compressed, places));
          expect(packets).toEqual(expected);
          expect(source.compressed).toBe(true);
          expect(await packetsIn(chunksOf(compressed, 1))).toEqual(expected);
        },
      ),
      { numRuns: runs(100) },
    );
  });
});

function write(
  encode: (source: PacketSource) => AsyncIterable<Uint8Array>,
  { batches, interfaces }: Capture,
) {
  return collect(encode(fromBatches(batches, interfaces)));
}

async function expectSameThroughPcapng(bytes: Uint8Array): Promise<void> {
  const before = await readWhole(bytes);
  const after = await readWhole(await encoded(encodePcapng, bytes));
  // A packet without a time keeps none where a simple block can say so: on the first interface.
  const expected = before.packets.map((packet) =>
    packet.seconds === undefined && packet.interfaceId !== 0 ? { ...packet, seconds: 0 } : packet,
  );
  expect(after.packets).toEqual(expected);
  expect(after.source.interfaces).toEqual(withCounts(before.source.interfaces, before.packets.length));
  const again = await readWhole(await encoded(encodePcapng, await encoded(encodePcapng, bytes)));
  expect(again.packets).toEqual(after.packets);
}

/**
 * The only interface is written with the counts of the source where it has none of its own; a capture without any gets
 * one.
 */
function withCounts(interfaces: readonly CaptureInterface[], received: number): CaptureInterface[] {
  if (interfaces.length === 0) return [{ linkType: 1, resolution: "us", snapLength: 262_144 }];
  return interfaces.map((own) =>
    own.counts === undefined && interfaces.length === 1 ? { ...own, counts: { received, dropped: 0 } } : own,
  );
}

/** pcapng counts in one number: a fraction of a second and more is carried. */
function carried(packet: ReadPacket): ReadPacket {
  const { seconds = 0, nanoseconds } = packet;
  return {
    ...packet,
    seconds: seconds + Math.floor(nanoseconds / 1e9),
    nanoseconds: nanoseconds % 1e9,
  };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
