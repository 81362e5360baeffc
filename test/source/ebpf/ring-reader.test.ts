import { describe, expect, test } from "vitest";
import { packetsOf } from "../../../src/packet/index.js";
import {
  HEAD,
  LOST,
  layOutRing,
  longestCopy,
  MAX_RING_BYTES,
  type RingLayout,
  SLOT_LENGTH_BITS,
  TAIL,
} from "../../../src/source/ebpf/ring-layout.js";
import { RingReader } from "../../../src/source/ebpf/ring-reader.js";
import { amount } from "../../support/amount.js";

const FORMAT = { linkType: 1, resolution: "ns", snapLength: 2000, interfaceId: 0 } as const;
const COUNT_BITS = 40n;

/** Writes as the program in the kernel does, step by step. */
class Writer {
  readonly #layout: RingLayout;
  readonly #view: DataView;

  constructor(memory: ArrayBuffer, layout: RingLayout) {
    this.#layout = layout;
    this.#view = new DataView(memory);
  }

  /** Reserves the bytes and the slot of a record; undefined if the ring is full. */
  reserve(length: number): bigint | undefined {
    const head = this.#view.getBigUint64(HEAD, true);
    const used = BigInt.asUintN(64, head - this.#view.getBigUint64(TAIL, true));
    const bytes = Number(BigInt.asUintN(40, used));
    if (Number(used >> COUNT_BITS) >= this.#layout.highWaterSlots || bytes > this.#layout.highWater) {
      this.#view.setBigUint64(LOST, this.#view.getBigUint64(LOST, true) + 1n, true);
      return undefined;
    }
    this.#view.setBigUint64(HEAD, BigInt.asUintN(64, head + (1n << COUNT_BITS) + BigInt(16 + length)), true);
    return head;
  }

  fill(reserved: bigint, length: number, value: number): void {
    const { dataAt, dataBytes, slots, slotsAt } = this.#layout;
    const at = dataAt + Number(reserved & BigInt(dataBytes - 1));
    this.#view.setUint32(at + 8, length, true);
    this.#view.setUint32(at + 12, length, true);
    for (let offset = 0; offset < length; offset++) this.#view.setUint8(at + 16 + offset, value);
    const number = Number(reserved >> COUNT_BITS);
    const lap = number >>> Math.log2(slots);
    this.#view.setUint32(slotsAt + 4 * (number & (slots - 1)), (lap << SLOT_LENGTH_BITS) | length, true);
  }

  write(length: number, value: number): boolean {
    const reserved = this.reserve(length);
    if (reserved !== undefined) this.fill(reserved, length, value);
    return reserved !== undefined;
  }
}

function ringOf({ bufferBytes = 2 ** 17, copyLength = 2000, processors = 2, readBytes = 0 } = {}) {
  const layout = layOutRing(bufferBytes, copyLength, processors);
  const memory = new ArrayBuffer(layout.totalBytes);
  return {
    layout,
    memory,
    reader: new RingReader(memory, memory, layout, FORMAT, readBytes),
    writer: new Writer(memory, layout),
  };
}

function valuesOf(reader: RingReader): number[] {
  const batch = reader.read();
  return batch === undefined ? [] : Array.from(packetsOf(batch), ({ bytes }) => bytes[0] ?? -1);
}

describe("RingReader", () => {
  test("yields records in the order in which they were reserved, once they are committed", () => {
    const { reader, writer } = ringOf();
    expect(reader.ready).toBe(false);
    const [first, second, third] = [writer.reserve(10)!, writer.reserve(20)!, writer.reserve(30)!];
    writer.fill(second, 20, 2);
    expect(reader.ready).toBe(false);
    expect(reader.read()).toBeUndefined();
    writer.fill(first, 10, 1);
    expect(reader.ready).toBe(true);
    expect(valuesOf(reader)).toEqual([1, 2]);
    writer.fill(third, 30, 3);
    expect(valuesOf(reader)).toEqual([3]);
    expect(valuesOf(reader)).toEqual([]);
  });

  test("wraps with records of all lengths, without loss", () => {
    const { reader, writer } = ringOf();
    let [written, read] = [0, 0];
    const rounds = amount({ quick: 600, long: 3000 });
    for (let round = 0; round < rounds; round++) {
      for (let count = 0; count < 7; count++) {
        if (writer.write(1 + ((written * 37) % 2000), written & 255)) written++;
      }
      for (let batch = valuesOf(reader); batch.length > 0; batch = valuesOf(reader)) {
        for (const value of batch) expect(value).toBe(read++ & 255);
      }
    }
    expect(read).toBe(written);
    expect(written).toBe(7 * rounds);
    expect(reader.lost).toBe(0);
  });

  test("wraps the slots, too, with the shortest packets", () => {
    const { layout, reader, writer } = ringOf({ bufferBytes: 2 ** 18, copyLength: 64 });
    let [written, read] = [0, 0];
    while (written < amount({ quick: 4, long: 20 }) * layout.slots) {
      for (let count = 0; count < 1000; count++) if (writer.write(14, written & 255)) written++;
      for (let batch = valuesOf(reader); batch.length > 0; batch = valuesOf(reader)) {
        for (const value of batch) expect(value).toBe(read++ & 255);
      }
    }
    expect(read).toBe(written);
  });

  test("counts records lost to a full ring, and frees space only when a batch is released", () => {
    const { reader, writer } = ringOf();
    let written = 0;
    while (writer.write(1000, 1)) written++;
    expect(written).toBeGreaterThan(100);
    expect(reader.lost).toBe(1);
    const batch = reader.read();
    expect(batch?.length).toBe(written);
    expect(reader.cut).toBe(false);
    expect(writer.write(1000, 2)).toBe(false);
    reader.release();
    expect(writer.write(1000, 3)).toBe(true);
    expect(valuesOf(reader)).toEqual([3]);
    expect(reader.lost).toBe(2);
  });

  test("handles the overflow of its byte counter", () => {
    // A terabyte less a little, as if it had been read.
    const { reader, writer } = ringOf({ readBytes: 2 ** 40 - 2 ** 17 });
    let [written, read] = [0, 0];
    for (let round = 0; round < 500; round++) {
      for (let count = 0; count < 5; count++) if (writer.write(300, written & 255)) written++;
      for (let batch = valuesOf(reader); batch.length > 0; batch = valuesOf(reader)) {
        for (const value of batch) expect(value).toBe(read++ & 255);
      }
    }
    expect(written).toBe(2500);
    expect(read).toBe(written);
  });
});

describe("layOutRing", () => {
  test.each([
    { name: "rounds up to a power of two", given: [3_000_000, 1500, 2], dataBytes: 2 ** 22 },
    {
      name: "has space for four of the largest packets of every processor",
      given: [2 ** 17, 262_144, 8],
      dataBytes: 2 ** 24,
    },
    { name: "has an upper bound", given: [2 ** 28, 1500, 4], dataBytes: MAX_RING_BYTES },
  ] as const)("$name", ({ given: [bufferBytes, copyLength, processors], dataBytes }) => {
    const layout = layOutRing(bufferBytes, copyLength, processors);
    expect(layout.dataBytes).toBe(dataBytes);
    expect(layout.highWater + processors * (16 + copyLength)).toBe(dataBytes);
    expect(layout.dataAt + dataBytes + 16 + copyLength).toBeLessThanOrEqual(layout.totalBytes);
    expect(layout.totalBytes % 4096).toBe(0);
  });

  test.each([
    { processors: 2, longest: 262_144 },
    { processors: 128, longest: 262_144 },
    { processors: 1024, longest: 131_056 },
  ])("copies at most $longest bytes of a packet for $processors processors", ({ processors, longest }) => {
    expect(longestCopy(processors)).toBe(longest);
    const { dataBytes, highWater } = layOutRing(2 ** 20, longest, processors);
    expect(highWater).toBeGreaterThanOrEqual(dataBytes / 2);
  });
});
