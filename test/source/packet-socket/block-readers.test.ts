import { describe, expect, test } from "vitest";
import { packetsOf } from "../../../src/packet/index.js";
import { BlockQueue } from "../../../src/source/packet-socket/block-queue.js";
import { BatchReader, KeptReader } from "../../../src/source/packet-socket/block-readers.js";
import type { Framing } from "../../../src/source/packet-socket/frame-block.js";
import { ETHERNET } from "../../recorder/packets.js";
import { MadeBlocks } from "./made-blocks.js";

const FRAMING: Framing = { format: ETHERNET, capturedLength: 100, wanted: undefined, keptLength: 100 };

function setUp(framing: Partial<Framing> = {}) {
  const made = new MadeBlocks(4096, 4);
  const queue = new BlockQueue(made.buffer, made);
  const all = { ...FRAMING, ...framing };
  return {
    made,
    queue,
    batches: new BatchReader(queue, all, () => false, made.buffer),
    kept: new KeptReader(queue, all, () => false),
  };
}

const packet = (id: number) => ({ bytes: Uint8Array.of(id, 0, 0), seconds: id, nanoseconds: 5000 });

describe("BatchReader", () => {
  test("reads the blocks in order, over the end of the memory, and releases each", () => {
    const { made, batches } = setUp();
    for (let id = 0; id < 11; id++) {
      expect(made.fill([packet(id), packet(id + 100)])).toBe(2);
      const batch = batches.read();
      expect(batch && Array.from(packetsOf(batch), ({ bytes }) => bytes[0])).toEqual([id, id + 100]);
      expect(batches.drained).toBe(true);
    }
    expect(batches.read()).toBeUndefined();
  });

  test("holds a block until it is released: then the kernel reports the next", () => {
    const { made, batches } = setUp();
    expect(batches.isSignalled).toBe(true);
    made.fill([packet(1)]);
    batches.read();
    expect(batches.isSignalled).toBe(false);
    batches.release();
    expect(batches.isSignalled).toBe(true);
  });

  test("skips a block whose packets are not wanted", () => {
    const { made, batches } = setUp({ wanted: (bytes, start) => bytes[start] === 2 });
    made.fill([packet(1)]);
    made.fill([packet(1), packet(2)]);
    expect(batches.read()).toBeUndefined();
    expect(batches.drained).toBe(false);
    expect(batches.read()?.length).toBe(1);
    expect(batches.drained).toBe(true);
  });

  test("reports a removed interface when all packets are read", () => {
    const made = new MadeBlocks(4096, 4);
    const queue = new BlockQueue(made.buffer, made);
    const reader = new BatchReader(queue, FRAMING, () => true, made.buffer);
    made.fill([packet(1)]);
    expect(reader.read()?.length).toBe(1);
    expect(reader.failed).toBe(false);
    expect(reader.read()).toBeUndefined();
    expect(reader.failed).toBe(true);
  });
});

describe("KeptReader", () => {
  test("describes a block without reading its packets", () => {
    const { made, kept } = setUp();
    made.fill([packet(7), packet(8), packet(9)]);
    expect(kept.read()).toMatchObject({
      index: 0,
      length: 3,
      firstUs: 7_000_005,
      latestUs: 9_000_005,
      recordsEnd: undefined,
    });
  });

  test("frames a block at once if packets are selected, and counts those", () => {
    const { made, kept, queue } = setUp({ wanted: (bytes, start) => bytes[start] === 8 });
    made.fill([packet(7), packet(8), packet(9)]);
    expect(kept.read()).toMatchObject({ length: 1, latestUs: 8_000_005, recordsEnd: 48 + 16 + 3 });
    made.fill([packet(7)]);
    expect(kept.read()).toBeUndefined();
    // The block without wanted packets is released.
    expect(queue.isSignalled).toBe(true);
  });

  test("releases a block without packets", () => {
    const { made, kept, queue } = setUp();
    made.fill([]);
    expect(kept.read()).toBeUndefined();
    expect(queue.isSignalled).toBe(true);
  });
});
