import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBatch, type PacketBatch } from "../../../src/packet/index.js";
import type { KeptPackets, PacketBlock } from "../../../src/packet/kept-packets.js";
import { BlockRing } from "../../../src/recorder/ring/block-ring.js";
import { UNMARKED } from "../../../src/recorder/ring/capture-ring.js";
import { SliceReader } from "../../../src/recorder/ring/slice-reader.js";
import {
  type KeepingOptions,
  keepingSource,
  type MadePacket,
} from "../../source/packet-socket/made-blocks.js";
import { runs } from "../../support/amount.js";
import { ETHERNET } from "../packets.js";

const BLOCK_BYTES = 4096;
/** 6 blocks may be kept, 3 are always left to the source. */
const MEMORY: KeepingOptions = { blockBytes: BLOCK_BYTES, blocks: 10, reserve: 3 };

const aPacket = fc.record({
  bytes: fc.uint8Array({ maxLength: 300 }),
  seconds: fc.nat(100),
  nanoseconds: fc.nat(999_999).map((us) => us * 1000),
});

/** The packets of one block: few or many, so that blocks stay where they are or move together. */
const aBlock = fc.oneof(
  fc.array(aPacket, { maxLength: 4 }),
  fc.array(aPacket, { minLength: 20, maxLength: 40 }),
  // Enough to fill a block with packets of the same size.
  fc.nat(255).map((byte) =>
    Array.from({ length: 24 }, (_, index) => ({
      bytes: new Uint8Array(78).fill(byte),
      seconds: index,
      nanoseconds: 0,
    })),
  ),
);

function keepAll(
  lists: readonly (readonly MadePacket[])[],
  bytes = 6 * BLOCK_BYTES,
  memory = MEMORY,
): KeptPackets & { dropped(): number } {
  async function* yieldAll() {
    yield* lists;
  }
  const source = keepingSource(yieldAll(), memory);
  const kept = source.keepPackets?.(bytes);
  if (kept === undefined) throw new TypeError("the memory is too small");
  return { ...kept, dropped: () => source.stats().dropped };
}

function recordsOf({ length, offsets, records }: PacketBatch): string[] {
  return Array.from({ length }, (_, index) => {
    const end = index + 1 < length ? offsets[index + 1]! : records.length;
    return Buffer.from(records.subarray(offsets[index]!, end)).toString("hex");
  });
}

function contentOf(ring: BlockRing, select: (position: number) => boolean = () => true): string[] {
  const reader = new SliceReader(ring);
  const content: string[] = [];
  for (let from = ring.firstFrom(ring.begin); from < ring.end; ) {
    const { batch, end } = reader.read(from, ring.end, select);
    if (batch !== undefined) content.push(...recordsOf(batch));
    from = ring.firstFrom(end);
  }
  return content;
}

/** Appends every block, and calls `check` after each with the packets of the block. */
async function appendAll(
  ring: BlockRing,
  kept: KeptPackets,
  check: (block: PacketBlock, position: number) => void = () => {},
): Promise<void> {
  for (let block = await kept.next(); block !== undefined; block = await kept.next()) {
    check(block, ring.append(block));
  }
}

describe("BlockRing", () => {
  test("holds the latest packets, in order, and never keeps a block that the source needs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aBlock, { maxLength: 40 }),
        fc.constantFrom(1, 2, 5, 6),
        fc.nat(3),
        async (lists, blocks, readEvery) => {
          const kept = keepAll(lists, blocks * BLOCK_BYTES);
          const all = recordsOf(createBatch(ETHERNET, lists.flat()));
          let expired = 0;
          let appended = 0;
          const ring = new BlockRing(kept, blocks * BLOCK_BYTES, (unmarked) => {
            expired += unmarked;
          });
          await appendAll(ring, kept, (block) => {
            appended += block.length;
            expect(ring.packets + expired).toBe(appended);
            expect(ring.usedBytes).toBeLessThanOrEqual(blocks * BLOCK_BYTES);
            // Blocks that are not read before stay unframed for longer.
            if (readEvery === 0 || appended % (readEvery + 1) === 0) {
              expect(contentOf(ring)).toEqual(all.slice(expired, appended));
            }
          });
          expect(contentOf(ring)).toEqual(all.slice(expired));
          expect(kept.dropped()).toBe(0);
          expect(appended).toBe(all.length);
        },
      ),
      { numRuns: runs(1000) },
    );
  });

  test("yields copies of selected packets", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aBlock, { maxLength: 12 }), fc.nat(5), async (lists, modulus) => {
        const kept = keepAll(lists);
        const ring = new BlockRing(kept, 6 * BLOCK_BYTES, () => {});
        await appendAll(ring, kept);
        const whole = contentOf(ring);
        let number = 0;
        const batches: PacketBatch[] = [];
        const reader = new SliceReader(ring);
        for (let from = ring.firstFrom(ring.begin); from < ring.end; ) {
          const { batch, end } = reader.read(from, ring.end, () => number++ % (modulus + 1) === 0);
          if (batch !== undefined) {
            expect(batch.records.buffer).not.toBe(kept.memory.buffer);
            batches.push({ ...batch, records: batch.records.slice(), offsets: batch.offsets.slice() });
          }
          from = ring.firstFrom(end);
        }
        expect(batches.flatMap(recordsOf)).toEqual(whole.filter((_, index) => index % (modulus + 1) === 0));
      }),
      { numRuns: runs(500) },
    );
  });

  test("clears the marks of packets that expire, and of no others, wherever packets move", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aBlock, { maxLength: 40 }), fc.nat(4), async (lists, modulus) => {
        const kept = keepAll(lists);
        let unmarked = 0;
        const ring = new BlockRing(kept, 6 * BLOCK_BYTES, (count) => {
          unmarked += count;
        });
        const marked = new Set<number>();
        let all = 0;
        await appendAll(ring, kept, (block, begin) => {
          let at = begin;
          for (let index = 0; index < block.length; index++) {
            expect(ring.markAt(at)).toBe(UNMARKED);
            if (all++ % (modulus + 1) === 0) {
              ring.setMark(at, 1 + (all % 3));
              marked.add(at);
            }
            at += ring.lengthAt(at);
          }
        });
        let inRing = 0;
        for (let at = ring.firstFrom(ring.begin); at < ring.end; at = ring.next(at)) {
          expect(ring.markAt(at) !== UNMARKED).toBe(marked.has(at));
          if (!marked.has(at)) inRing++;
        }
        expect(unmarked + inRing).toBe(all - marked.size);
      }),
      { numRuns: runs(500) },
    );
  });

  test("tells beforehand which packets stay", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aBlock, { maxLength: 40 }), async (lists) => {
        const kept = keepAll(lists);
        const ring = new BlockRing(kept, 6 * BLOCK_BYTES, () => {});
        for (let block = await kept.next(); block !== undefined; block = await kept.next()) {
          const positions: number[] = [];
          for (let at = ring.firstFrom(ring.begin); at < ring.end; at = ring.next(at)) positions.push(at);
          const stays = positions.map((at) => ring.keepsFrom(at, block));
          ring.append(block);
          for (const [index, at] of positions.entries())
            if (stays[index]) expect(at >= ring.begin).toBe(true);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test("keeps a trickle of packets for as long as the memory lasts", async () => {
    const bytes = new Uint8Array(84);
    const kept = keepAll(Array.from({ length: 2000 }, (_, seconds) => [{ bytes, seconds }]));
    const ring = new BlockRing(kept, 6 * BLOCK_BYTES, () => {});
    await appendAll(ring, kept);
    // 40 records of 100 bytes in each block.
    expect(ring.packets).toBeGreaterThan(5 * 40);
    expect(ring.latestUs - ring.oldestUs!).toBe((ring.packets - 1) * 1e6);
  });

  const FULL = Array.from({ length: 24 }, (_, seconds) => ({ bytes: new Uint8Array(78), seconds }));

  test("does not touch a full block that no capture reads", async () => {
    const kept = keepAll(Array.from({ length: 50 }, () => FULL));
    const framed: number[] = [];
    const frame = (index: number) => {
      framed.push(index);
      return kept.frame(index);
    };
    const ring = new BlockRing({ ...kept, frame }, 6 * BLOCK_BYTES, () => {});
    await appendAll(ring, kept);
    expect(ring.packets).toBe(6 * 24);
    expect(ring.oldestUs).toBe(0);
    expect(framed).toEqual([]);
  });

  test.each([
    { isExact: false, left: 24, oldestUs: 0 },
    { isExact: true, left: 14, oldestUs: 10e6 },
  ])("lets packets of a full block expire by their age (exactly: $isExact)", async (expected) => {
    const kept = keepAll([FULL]);
    const ring = new BlockRing(kept, 6 * BLOCK_BYTES, () => {});
    await appendAll(ring, kept);
    ring.expireOlder(10e6, expected.isExact);
    expect(ring.packets).toBe(expected.left);
    expect(ring.oldestUs).toBe(expected.oldestUs);
    ring.expireOlder(24e6, false);
    expect(ring.packets).toBe(0);
    expect(ring.begin).toBe(ring.end);
  });

  test("has no packets to read when it is closed", async () => {
    const kept = keepAll([FULL]);
    const ring = new BlockRing(kept, 6 * BLOCK_BYTES, () => {});
    await appendAll(ring, kept);
    const { begin } = ring;
    ring.close();
    expect(ring.firstFrom(begin)).toBe(Number.POSITIVE_INFINITY);
    expect(() => ring.lengthAt(begin)).toThrow("the memory of the ring has been released");
  });
});
