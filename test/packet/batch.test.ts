import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  capturedBytes,
  copyBatch,
  createBatch,
  type PacketBatch,
  type PacketFormat,
  packetsOf,
  recordEnd,
  truncateBatch,
} from "../../src/packet/index.js";
import {
  anyFormat,
  anyPacketInit,
  contents,
  copyIntoLargerBuffer,
  framing,
  memoryOf,
  numberedBatch,
} from "./arbitrary-batch.js";

const FORMAT = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 } as const;

describe("createBatch", () => {
  test("packetsOf returns the same packets, truncated to the resolution", () => {
    fc.assert(
      fc.property(anyFormat(), fc.array(anyPacketInit(), { maxLength: 8 }), (format, packets) => {
        const batch = createBatch(format, packets);
        const unit = format.resolution === "us" ? 1000 : 1;
        expect(contents(batch)).toEqual(
          packets.map((packet) => ({
            ...packet,
            bytes: [...packet.bytes],
            nanoseconds: packet.nanoseconds - (packet.nanoseconds % unit),
          })),
        );
        expect(batch.format).toBe(format);
        expect(framing(batch)).toBe("well framed");
        expect(capturedBytes(batch)).toBe(packets.reduce((sum, { bytes }) => sum + bytes.length, 0));
      }),
    );
  });

  test("frames little-endian pcap records", () => {
    const bytes = Uint8Array.of(0xaa, 0xbb);
    const batch = createBatch(FORMAT, [
      { bytes, seconds: 0x01020304, nanoseconds: 5_999, originalLength: 0x0a0b },
      { bytes: new Uint8Array(0) },
    ]);
    expect(Buffer.from(batch.records).toString("hex")).toBe(
      `${"04030201"}${"05000000"}${"02000000"}${"0b0a0000"}aabb${"00000000".repeat(4)}`,
    );
    expect([...batch.offsets]).toEqual([0, 18]);
    expect([recordEnd(batch, 0), recordEnd(batch, 1)]).toEqual([18, 34]);
  });

  test("defaults: the original length is that of the bytes, the time is 0", () => {
    const [packet] = packetsOf(createBatch(FORMAT, [{ bytes: new Uint8Array(7) }]));
    expect(packet).toMatchObject({ originalLength: 7, seconds: 0, nanoseconds: 0, comments: [] });
  });

  test("copies the bytes", () => {
    const bytes = Uint8Array.of(1);
    const batch = createBatch(FORMAT, [{ bytes }]);
    bytes[0] = 2;
    expect(contents(batch)).toMatchObject([{ bytes: [1] }]);
  });

  test("has no map of comments without comments", () => {
    expect(createBatch(FORMAT, [{ bytes: new Uint8Array(1), comments: [] }])).not.toHaveProperty("comments");
  });

  test("accepts an empty list", () => {
    const batch = createBatch(FORMAT, []);
    expect(batch).toMatchObject({ length: 0, records: new Uint8Array(0) });
    expect(contents(batch)).toEqual([]);
  });
});

describe("packetsOf", () => {
  const batch = numberedBatch([4, 4]);
  test.each<{ name: string; batch: PacketBatch; seconds: unknown }>([
    {
      name: "the era is added",
      batch: { ...batch, eraSeconds: 2 ** 32 },
      seconds: [2 ** 32 + 1000, 2 ** 32 + 1001],
    },
    {
      name: "also before 1970",
      batch: { ...batch, eraSeconds: -(2 ** 32) },
      seconds: [1000 - 2 ** 32, 1001 - 2 ** 32],
    },
    {
      name: "packets without a time",
      batch: { ...batch, untimed: true },
      seconds: [undefined, undefined],
    },
  ])("$name", ({ batch: given, seconds }) => {
    expect(Array.from(packetsOf(given), (packet) => packet.seconds)).toEqual(seconds);
  });

  test("keeps microseconds above a second", () => {
    const odd = numberedBatch([1]);
    new DataView(odd.records.buffer).setUint32(4, 4_000_000, true);
    expect(Array.from(packetsOf(odd), ({ nanoseconds }) => nanoseconds)).toEqual([4_000_000_000]);
  });

  test("returns bytes as a view into the batch", () => {
    const own = numberedBatch([4]);
    const [packet] = packetsOf(own);
    own.records[16] = 99;
    expect(packet?.bytes[0]).toBe(99);
  });

  test("reads a batch in a larger memory", () => {
    const own = numberedBatch([0, 3, 5], { comments: [1] });
    expect(contents(copyIntoLargerBuffer(own))).toEqual(contents(own));
    expect(capturedBytes(copyIntoLargerBuffer(own))).toBe(8);
  });
});

describe("copyBatch", () => {
  test("equals the batch and shares no memory with it", () => {
    fc.assert(
      fc.property(anyFormat(), fc.array(anyPacketInit(), { maxLength: 6 }), (format, packets) => {
        const original: PacketBatch = {
          ...copyIntoLargerBuffer(createBatch(format, packets)),
          eraSeconds: 2 ** 32,
        };
        const expected = contents(original);
        const copy = copyBatch(original);
        original.records.fill(0xff);
        original.offsets.fill(0xff);
        (original.comments as Map<number, string[]> | undefined)?.clear();
        expect(contents(copy)).toEqual(expected);
        expect(copy.offsets).toHaveLength(packets.length);
        expect(copy.eraSeconds).toBe(2 ** 32);
      }),
    );
  });

  test("has no comments if the batch has no comments", () => {
    expect(copyBatch(numberedBatch([1]))).not.toHaveProperty("comments");
  });
});

describe("truncateBatch", () => {
  test.each([0, 1, 2, 3])("keeps the first %i packets, and their comments", (length) => {
    const batch = {
      ...copyIntoLargerBuffer(numberedBatch([3, 0, 5, 2], { comments: [0, 2, 3] })),
      untimed: true,
    };
    const before = memoryOf(batch);
    const truncated = truncateBatch(batch, length);
    expect(contents(truncated)).toEqual(contents(batch).slice(0, length));
    expect(framing(truncated)).toBe("well framed");
    expect([...(truncated.comments?.keys() ?? [])]).toEqual([0, 2, 3].filter((index) => index < length));
    expect(truncated.untimed).toBe(true);
    expect(truncated.records.buffer).toBe(batch.records.buffer);
    expect(memoryOf(batch)).toEqual(before);
  });

  test.each([4, 5, Number.POSITIVE_INFINITY])("returns a batch of 4 unchanged for %d packets", (length) => {
    const batch = numberedBatch([3, 0, 5, 2]);
    expect(truncateBatch(batch, length)).toBe(batch);
  });

  test("has no comments if the batch has no comments", () => {
    expect(truncateBatch(numberedBatch([1, 2]), 1)).not.toHaveProperty("comments");
  });
});

test.each([
  { seconds: -1 },
  { seconds: 1.5 },
  { seconds: 2 ** 32 },
  { nanoseconds: -1 },
  { originalLength: Number.NaN },
])("createBatch: rejects %j, which does not fit 32 bits", (init) => {
  const format: PacketFormat = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 };
  expect(() => createBatch(format, [{ bytes: new Uint8Array(1), ...init }])).toThrow(RangeError);
});
