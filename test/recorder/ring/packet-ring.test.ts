import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createBatch,
  LINKTYPE_ETHERNET,
  type PacketBatch,
  type PacketFormat,
} from "../../../src/packet/index.js";
import { UNMARKED } from "../../../src/recorder/ring/capture-ring.js";
import { PacketRing } from "../../../src/recorder/ring/packet-ring.js";
import { SliceReader } from "../../../src/recorder/ring/slice-reader.js";
import { runs } from "../../support/amount.js";

const CAPACITY = 4096;

const FORMATS: readonly PacketFormat[] = [
  { linkType: LINKTYPE_ETHERNET, resolution: "us", snapLength: 0, interfaceId: 0 },
  { linkType: LINKTYPE_ETHERNET, resolution: "ns", snapLength: 0, interfaceId: 1 },
];

const aBatch = fc
  .record({
    format: fc.constantFrom(...FORMATS),
    packets: fc.array(
      fc.record({
        bytes: fc.uint8Array({ maxLength: 300 }),
        seconds: fc.nat(100),
        nanoseconds: fc.nat(999_999_999),
        comments: fc.oneof(
          { weight: 9, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.constant(["a"]) },
        ),
      }),
      { minLength: 1, maxLength: 30 },
    ),
  })
  .map(({ format, packets }) => createBatch(format, packets));

/** Appends all packets that fit; returns how many were too large. */
function appendAll(ring: PacketRing, batch: PacketBatch): void {
  for (let index = 0; index < batch.length; ) {
    const count = ring.countFitting(batch, index);
    ring.append(batch, index, count, 0);
    index += count;
  }
}

function recordsOf(batch: PacketBatch): string[] {
  return Array.from({ length: batch.length }, (_, index) => {
    const end = index + 1 < batch.length ? batch.offsets[index + 1]! : batch.records.length;
    const record = Buffer.from(batch.records.subarray(batch.offsets[index]!, end)).toString("hex");
    return `${batch.format.interfaceId} ${record} ${batch.comments?.get(index)?.join() ?? ""}`;
  });
}

function contentOf(ring: PacketRing, select: () => boolean = () => true): string[] {
  const reader = new SliceReader(ring);
  const content: string[] = [];
  for (let from = ring.firstFrom(ring.begin); from < ring.end; ) {
    const { batch, end } = reader.read(from, ring.end, select);
    if (batch !== undefined) content.push(...recordsOf(batch));
    from = ring.firstFrom(end);
  }
  return content;
}

describe("PacketRing", () => {
  test("holds the latest packets, in order, within its capacity", () => {
    fc.assert(
      fc.property(fc.array(aBatch, { maxLength: 20 }), (batches) => {
        let expired = 0;
        const ring = new PacketRing(CAPACITY, (unmarked) => {
          expired += unmarked;
        });
        const all: string[] = [];
        for (const batch of batches) {
          appendAll(ring, batch);
          all.push(...recordsOf(batch));
          expect(ring.packets + expired).toBe(all.length);
          expect(contentOf(ring)).toEqual(all.slice(expired));
          if (ring.packets > 1) expect(ring.usedBytes).toBeLessThanOrEqual(CAPACITY);
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test("yields selected packets that do not follow one another", () => {
    fc.assert(
      fc.property(fc.array(aBatch, { maxLength: 8 }), fc.nat(5), (batches, modulus) => {
        const ring = new PacketRing(CAPACITY, () => {});
        for (const batch of batches) appendAll(ring, batch);
        let number = 0;
        const whole = contentOf(ring);
        const selected = contentOf(ring, () => number++ % (modulus + 1) !== 0);
        expect(selected).toEqual(whole.filter((_, index) => index % (modulus + 1) !== 0));
      }),
      { numRuns: runs(1000) },
    );
  });

  test("counts packets without a mark that expire, and clears marks", () => {
    const unmarked: number[] = [];
    const ring = new PacketRing(CAPACITY, (count) => unmarked.push(count));
    const batch = createBatch(FORMATS[0]!, [{ bytes: new Uint8Array(3000) }]);
    appendAll(ring, batch);
    ring.setMark(ring.begin, 7);
    appendAll(ring, batch);
    appendAll(ring, batch);
    expect(unmarked).toEqual([0, 1]);
    expect(ring.markAt(ring.begin)).toBe(UNMARKED);
  });

  test("clears the marks of packets that expire, and of no others", () => {
    fc.assert(
      fc.property(fc.array(aBatch, { maxLength: 12 }), fc.nat(4), (batches, modulus) => {
        let unmarked = 0;
        const ring = new PacketRing(CAPACITY, (count) => {
          unmarked += count;
        });
        const marked = new Set<number>();
        let all = 0;
        for (const batch of batches) {
          for (let index = 0; index < batch.length; index++) {
            const single = createBatch(batch.format, [{ bytes: batch.records.subarray(0, (all * 7) % 300) }]);
            const at = ring.append(single, 0, 1, 0);
            if (all++ % (modulus + 1) !== 0) continue;
            ring.setMark(at, 1 + (all % 3));
            marked.add(at);
          }
        }
        let inRing = 0;
        for (let at = ring.firstFrom(ring.begin); at < ring.end; at = ring.next(at)) {
          expect(ring.markAt(at) !== UNMARKED).toBe(marked.has(at));
          if (!marked.has(at)) inRing++;
        }
        expect(unmarked + inRing).toBe(all - marked.size);
      }),
      { numRuns: runs(1000) },
    );
  });

  test("expires in groups, of which each is a small part of the ring", () => {
    const capacity = 64 * 1024;
    const expired: number[] = [];
    const ring = new PacketRing(capacity, (count) => expired.push(count));
    for (let index = 0; index < 10_000; index++) {
      appendAll(ring, createBatch(FORMATS[0]!, [{ bytes: new Uint8Array(84) }]));
      if (index > 1000) expect(ring.usedBytes).toBeGreaterThan(capacity - capacity / 32);
    }
    expect(new Set(expired)).toEqual(new Set([10, 5]));
  });

  test("lets packets expire by their age, up to the first that is not too old", () => {
    const ring = new PacketRing(CAPACITY, () => {});
    const bytes = new Uint8Array(10);
    appendAll(
      ring,
      createBatch(
        FORMATS[0]!,
        [1, 2, 5, 3].map((seconds) => ({ bytes, seconds })),
      ),
    );
    ring.expireOlder(4_000_000);
    expect(ring.packets).toBe(2);
    expect(ring.oldestUs).toBe(5_000_000);
    expect(ring.latestUs).toBe(5_000_000);
  });

  test("follows a clock that is set back, but not packets out of order", () => {
    const ring = new PacketRing(CAPACITY, () => {});
    const append = (seconds: number) =>
      appendAll(ring, createBatch(FORMATS[0]!, [{ bytes: new Uint8Array(10), seconds }]));
    append(5000);
    append(4941);
    expect(ring.latestUs).toBe(5_000_000_000);
    append(4939);
    expect(ring.latestUs).toBe(4_939_000_000);
  });

  test("counts no packet that is larger than the ring as fitting", () => {
    const ring = new PacketRing(CAPACITY, () => {});
    expect(ring.countFitting(createBatch(FORMATS[0]!, [{ bytes: new Uint8Array(CAPACITY) }]), 0)).toBe(0);
  });

  test("uses the time of arrival of packets without a time", () => {
    const ring = new PacketRing(CAPACITY, () => {});
    const batch = { ...createBatch(FORMATS[0]!, [{ bytes: new Uint8Array(10) }]), untimed: true };
    ring.append(batch, 0, 1, 42);
    expect(ring.latestUs).toBe(42);
    const { batch: read } = new SliceReader(ring).read(ring.begin, ring.end, () => true);
    expect(read?.untimed).toBe(true);
  });
});
