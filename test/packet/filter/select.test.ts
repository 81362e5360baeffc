import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createBatch,
  cutRecords,
  filterPackets,
  fromBatches,
  type PacketBatch,
  type PacketPredicate,
  type PacketSource,
  selectRecords,
} from "../../../src/packet/index.js";
import { createSource } from "../../../src/packet/source/create-source.js";
import {
  anyFormat,
  anyPacketInit,
  contents,
  copyIntoLargerBuffer,
  framing,
  memoryOf,
  numberedBatch,
} from "../arbitrary-batch.js";

/** Keeps the packets with these numbers, see numberedBatch. */
function numbers(...wanted: readonly number[]): PacketPredicate {
  return (bytes, start, end) => end > start && wanted.includes(bytes[start] as number);
}

function numbersOf(batch: PacketBatch): unknown[] {
  return (contents(batch) as { bytes: number[] }[]).map(({ bytes }) => bytes[0]);
}

describe("selectRecords", () => {
  const LENGTHS = [4, 1, 9, 2, 6];
  test.each([
    { name: "the first", kept: [0] },
    { name: "the last", kept: [4] },
    { name: "one in the middle", kept: [2] },
    { name: "a run at the start", kept: [0, 1, 2] },
    { name: "a run at the end", kept: [2, 3, 4] },
    { name: "two runs", kept: [0, 1, 3, 4] },
    { name: "every other", kept: [0, 2, 4] },
    { name: "the others", kept: [1, 3] },
    { name: "no packets", kept: [] },
  ])("keeps $name, with comments, times and lengths", ({ kept }) => {
    for (const writable of [false, true]) {
      const batch = copyIntoLargerBuffer(numberedBatch(LENGTHS, { comments: [0, 2, 4] }));
      const all = contents(batch);
      const selected = selectRecords(batch, numbers(...kept), writable);
      expect(contents(selected)).toEqual(kept.map((index) => all[index]));
      expect(framing(selected)).toBe("well framed");
      expect(selected.format).toBe(batch.format);
    }
  });

  test("returns the same batch if all packets match", () => {
    const batch = numberedBatch(LENGTHS);
    for (const writable of [false, true]) {
      expect(selectRecords(batch, () => true, writable)).toBe(batch);
    }
    const empty = numberedBatch([]);
    expect(selectRecords(empty, () => false)).toBe(empty);
  });

  test("never changes a batch that is not writable", () => {
    const batch = copyIntoLargerBuffer(numberedBatch(LENGTHS, { comments: [1, 3] }));
    const before = memoryOf(batch);
    for (const kept of [[], [0], [4], [1, 3], [0, 1, 2, 3, 4]]) {
      selectRecords(batch, numbers(...kept));
      selectRecords(batch, numbers(...kept), false);
    }
    expect(memoryOf(batch)).toEqual(before);
  });

  test("changes a writable batch in place, and no bytes around it", () => {
    const batch = copyIntoLargerBuffer(numberedBatch(LENGTHS));
    const selected = selectRecords(batch, numbers(1, 3), true);
    expect(selected.records.buffer).toBe(batch.records.buffer);
    const memory = new Uint8Array(batch.records.buffer);
    expect([...memory.subarray(0, 32)]).toEqual(Array(32).fill(0xaa));
    expect([...memory.subarray(-32)]).toEqual(Array(32).fill(0xaa));
  });

  test("calls the predicate once for each packet, in order, with its bounds and link type", () => {
    const batch = copyIntoLargerBuffer(numberedBatch([4, 0, 9], { format: { linkType: 113 } }));
    const calls: unknown[] = [];
    selectRecords(batch, (bytes, start, end, linkType) => {
      calls.push([bytes === batch.records, start, end, linkType]);
      return false;
    });
    expect(calls).toEqual([
      [true, 16, 20, 113],
      [true, 36, 36, 113],
      [true, 52, 61, 113],
    ]);
  });

  test("keeps the properties of the batch", () => {
    const batch = { ...numberedBatch(LENGTHS), untimed: true, eraSeconds: -(2 ** 32) };
    expect(selectRecords(batch, numbers(1))).toMatchObject({ untimed: true, eraSeconds: -(2 ** 32) });
  });

  test("removes comments of omitted packets, and the map if it is empty", () => {
    const batch = numberedBatch(LENGTHS, { comments: [0] });
    expect(selectRecords(batch, numbers(1, 2))).not.toHaveProperty("comments");
  });

  test("selects from a small batch after a large one", () => {
    selectRecords(numberedBatch(Array.from({ length: 200 }, () => 1)), numbers(150));
    expect(numbersOf(selectRecords(numberedBatch([1, 1, 1]), numbers(1, 2)))).toEqual([1, 2]);
  });

  test("selects as filtering each packet alone, writable or not", () => {
    fc.assert(
      fc.property(
        anyFormat(),
        fc.array(fc.tuple(anyPacketInit(), fc.boolean()), { maxLength: 20 }),
        fc.boolean(),
        (format, packets, writable) => {
          const make = (some: typeof packets) =>
            createBatch(
              format,
              some.map(([packet]) => packet),
            );
          let index = 0;
          const wanted = () => packets[index++]?.[1] === true;
          const batch = copyIntoLargerBuffer(make(packets));
          const selected = selectRecords(batch, wanted, writable);
          expect(contents(selected)).toEqual(contents(make(packets.filter(([, kept]) => kept))));
          expect(framing(selected)).toBe("well framed");
        },
      ),
    );
  });
});

describe("cutRecords", () => {
  test("truncates to the length, and keeps times, original lengths and comments, writable or not", () => {
    fc.assert(
      fc.property(
        anyFormat(),
        fc.array(anyPacketInit(), { maxLength: 12 }),
        fc.nat(45),
        fc.boolean(),
        (format, packets, maxLength, writable) => {
          const batch = copyIntoLargerBuffer(createBatch(format, packets));
          const before = memoryOf(batch);
          const cut = cutRecords(batch, maxLength, writable);
          const expected = packets.map((packet) => ({ ...packet, bytes: packet.bytes.slice(0, maxLength) }));
          expect(contents(cut)).toEqual(contents(createBatch(format, expected)));
          expect(framing(cut)).toBe("well framed");
          if (!writable) expect(memoryOf(batch)).toEqual(before);
        },
      ),
    );
  });

  test.each([9, 10, 1000])("returns the same batch if no packet is longer than %i", (maxLength) => {
    const batch = numberedBatch([4, 9, 0]);
    expect(cutRecords(batch, maxLength)).toBe(batch);
    expect(cutRecords(batch, maxLength, true)).toBe(batch);
  });

  test("truncates a writable batch in place", () => {
    const batch = copyIntoLargerBuffer(numberedBatch([4, 9, 0]));
    expect(cutRecords(batch, 4, true).records.buffer).toBe(batch.records.buffer);
  });

  test("keeps the record headers with a length of 0", () => {
    const cut = cutRecords(numberedBatch([4, 9], { comments: [1] }), 0);
    expect(cut.records).toHaveLength(32);
    expect(contents(cut)).toMatchObject([
      { bytes: [], originalLength: 100, comments: [] },
      { bytes: [], originalLength: 101, comments: ["packet 1"] },
    ]);
  });

  test("truncates if only the last packet is longer", () => {
    expect(contents(cutRecords(numberedBatch([1, 1, 9]), 5))).toMatchObject([
      { bytes: { length: 1 } },
      { bytes: { length: 1 } },
      { bytes: { length: 5 } },
    ]);
  });
});

async function collect(batches: AsyncIterable<PacketBatch>): Promise<PacketBatch[]> {
  const all: PacketBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** A source that reuses one buffer for every batch. */
function reusing(batches: readonly PacketBatch[]): PacketSource {
  const rest = [...batches];
  const memory = new Uint8Array(1000);
  return createSource({
    interfaces: [{ linkType: 1, resolution: "us", snapLength: 0 }],
    pull: () => {
      const batch = rest.shift();
      if (batch === undefined) return undefined;
      memory.fill(0xee);
      memory.set(batch.records);
      return { ...batch, records: memory.subarray(0, batch.records.length), offsets: batch.offsets.slice() };
    },
    copy: (batch) => ({ ...batch, records: batch.records.slice() }),
    dropped: () => 7,
  });
}

describe("filterPackets", () => {
  test("yields the matching packets, and no empty batches", async () => {
    const batches = [numberedBatch([1, 2, 3]), numberedBatch([1]), numberedBatch([5, 5], { comments: [1] })];
    const kept = filterPackets(fromBatches(batches, numberedBatch([]).format), numbers(1, 2));
    expect((await collect(kept)).map(numbersOf)).toEqual([[1, 2], [1]]);
    expect(kept.stats()).toEqual({ received: 3, dropped: 0 });
  });

  test("never changes the batches of the caller, also with several filters in a row", async () => {
    const batches = [numberedBatch([4, 4, 4], { comments: [2] }), numberedBatch([4, 4])];
    const before = batches.map(memoryOf);
    const source = fromBatches(batches, numberedBatch([]).format);
    const kept = filterPackets(
      filterPackets(
        filterPackets(source, () => true),
        numbers(1, 2),
      ),
      numbers(2),
    );
    const { batches: reused } = { batches: kept.reusedBatches?.() ?? kept };
    expect((await collect(reused)).map(numbersOf)).toEqual([[2]]);
    expect(batches.map(memoryOf)).toEqual(before);
  });

  test("never changes a batch that an earlier filter returned unchanged", async () => {
    const batch = numberedBatch([4, 4, 4]);
    const before = memoryOf(batch);
    await collect(
      filterPackets(
        filterPackets(fromBatches([batch], batch.format), () => true),
        numbers(2),
      ),
    );
    expect(memoryOf(batch)).toEqual(before);
  });

  test("yields batches that stay valid from a source that reuses its buffer", async () => {
    const batches = [numberedBatch([4, 4, 4]), numberedBatch([2, 2, 2]), numberedBatch([3])];
    const kept = await collect(filterPackets(reusing(batches), numbers(0, 2)));
    expect(kept.map(numbersOf)).toEqual([[0, 2], [0, 2], [0]]);
    expect(kept.map(framing)).toEqual(["well framed", "well framed", "well framed"]);
  });

  test("reusedBatches: reuses the buffer of the source", async () => {
    const kept = filterPackets(reusing([numberedBatch([4, 4]), numberedBatch([2, 2])]), numbers(1));
    const seen: unknown[] = [];
    const memories = new Set<ArrayBufferLike>();
    for await (const batch of kept.reusedBatches?.() ?? []) {
      seen.push(numbersOf(batch));
      memories.add(batch.records.buffer);
    }
    expect(seen).toEqual([[1], [1]]);
    expect(memories.size).toBe(1);
  });

  test("has the interfaces, the drops and the flag of its source, and disposes of the source", async () => {
    let closed = 0;
    const source = createSource({
      interfaces: [{ linkType: 1, resolution: "ns", snapLength: 9, name: "eth0" }],
      filtered: true,
      pull: () => undefined,
      dropped: () => 3,
      close: () => {
        closed++;
      },
    });
    const kept = filterPackets(source, () => true);
    expect(kept.interfaces).toBe(source.interfaces);
    expect(kept.filtered).toBe(true);
    expect(kept.stats()).toEqual({ received: 0, dropped: 3 });
    await kept[Symbol.asyncDispose]();
    await kept[Symbol.asyncDispose]();
    expect(closed).toBe(1);
  });

  test("stop: leaves a source that cannot be stopped", async () => {
    let left = 0;
    const { stop: _, ...endless } = createSource({
      interfaces: [],
      pull: () => numberedBatch([1]),
      dropped: () => 0,
      leave: () => {
        left++;
      },
    });
    const kept = filterPackets(endless, () => true);
    const iterator = kept[Symbol.asyncIterator]();
    await iterator.next();
    kept.stop?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(left).toBe(1);
  });
});
