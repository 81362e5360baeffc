import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createBatch,
  fromBatches,
  LINKTYPE_ETHERNET,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
  packetsOf,
} from "../../src/packet/index.js";
import type { CaptureInterface, PacketSource } from "../../src/packet/source.js";
import { decodeCapture, encodePcap, encodePcapng, mergeSources } from "../../src/pcap/index.js";
import { describeWithPrograms } from "../support/shared.js";
import { blockWriter, join as joinBytes } from "./blocks.js";
import { collect, packetsIn, type ReadPacket, readBatch } from "./read.js";

const blocks = blockWriter();
const ETHERNET: PacketFormat = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: 262_144,
  interfaceId: 0,
};

/** A packet that is identified by its only byte. */
function packet(id: number, seconds: number, nanoseconds = 0): PacketInit {
  return { bytes: Uint8Array.of(id), seconds, nanoseconds };
}

function sourceOf(...batches: readonly (readonly PacketInit[])[]): PacketSource {
  return fromBatches(
    batches.map((packets) => createBatch(ETHERNET, packets)),
    ETHERNET,
  );
}

async function read(source: PacketSource): Promise<ReadPacket[]> {
  const packets: ReadPacket[] = [];
  for await (const batch of source) packets.push(...readBatch(batch));
  return packets;
}

async function idsOf(source: PacketSource): Promise<number[]> {
  return (await read(source)).map(({ data }) => Number.parseInt(data, 16));
}

describe("mergeSources: the order", () => {
  test.each<{ name: string; sources: () => PacketSource[]; ids: number[] }>([
    { name: "of no sources is empty", sources: () => [], ids: [] },
    {
      name: "of one source is its own",
      sources: () => [sourceOf([packet(2, 2), packet(1, 1)])],
      ids: [2, 1],
    },
    {
      name: "is chronological",
      sources: () => [
        sourceOf([packet(1, 1), packet(4, 4)], [packet(5, 5)]),
        sourceOf([packet(2, 2)], [packet(3, 3), packet(6, 6)]),
      ],
      ids: [1, 2, 3, 4, 5, 6],
    },
    {
      name: "of packets with the same time is that of the sources",
      sources: () => [
        sourceOf([packet(1, 1), packet(2, 1)]),
        sourceOf([packet(3, 1)]),
        sourceOf([packet(0, 0), packet(4, 1)]),
      ],
      ids: [0, 1, 2, 3, 4],
    },
    {
      name: "respects fractions of seconds",
      sources: () => [sourceOf([packet(2, 1, 2000)]), sourceOf([packet(1, 1, 1000), packet(3, 1, 3000)])],
      ids: [1, 2, 3],
    },
    {
      name: "within a source does not change",
      sources: () => [
        sourceOf([packet(1, 5), packet(2, 1), packet(3, 7)]),
        sourceOf([packet(4, 4), packet(5, 6)]),
      ],
      ids: [4, 1, 2, 5, 3],
    },
    {
      name: "skips empty batches and sources",
      sources: () => [sourceOf([], [packet(2, 2)], []), sourceOf(), sourceOf([packet(1, 1)])],
      ids: [1, 2],
    },
  ])("$name", async ({ sources, ids }) => {
    expect(await idsOf(mergeSources(sources()))).toEqual(ids);
  });

  test("compares microseconds, nanoseconds, and fractions above a second", async () => {
    const nanoseconds = { ...ETHERNET, resolution: "ns" } as const;
    const merged = mergeSources([
      fromBatches([createBatch(nanoseconds, [packet(1, 1, 1500), packet(4, 4, 1)])], nanoseconds),
      // 1.5 s behind second 2.
      sourceOf([packet(2, 1, 2000), packet(3, 2, 1_500_000_000)]),
    ]);
    const packets = await read(merged);
    expect(packets.map(({ data }) => Number.parseInt(data, 16))).toEqual([1, 2, 3, 4]);
    expect(merged.interfaces.map(({ resolution }) => resolution)).toEqual(["ns", "us"]);
    expect(packets.map(({ interfaceId }) => interfaceId)).toEqual([0, 1, 1, 0]);
  });

  test("writes a simple packet of a later interface as an enhanced one, with its data and on its interface", async () => {
    const simple = (id: number) => blocks.simple(Uint8Array.of(id));
    const first = joinBytes(blocks.section(), blocks.interface(), simple(1));
    const second = joinBytes(blocks.section(), blocks.interface({ options: [[2, "other"]] }), simple(2));
    const expected = [
      { data: "01", interfaceId: 0, seconds: undefined },
      { data: "02", interfaceId: 1, seconds: 0 },
    ];
    // Two files, and two sections of one.
    const merged = mergeSources([await decodeCapture(first), await decodeCapture(second)]);
    expect(await packetsIn(await collect(encodePcapng(merged)))).toMatchObject(expected);
    const sections = await decodeCapture(joinBytes(first, second));
    expect(await packetsIn(await collect(encodePcapng(sections)))).toMatchObject(expected);
  });

  test("keeps interfaces apart that count times from different offsets", async () => {
    const own = { linkType: 1, resolution: "us", snapLength: 0 } as const;
    const sources = [-1, -1, -2, 0].map((timeOffsetSeconds, order) =>
      fromBatches([createBatch(ETHERNET, [packet(order, order)])], [{ ...own, timeOffsetSeconds }]),
    );
    const merged = mergeSources(sources);
    const packets = await read(merged);
    expect(packets.map(({ interfaceId }) => interfaceId)).toEqual([0, 0, 1, 2]);
    expect(merged.interfaces.map(({ timeOffsetSeconds }) => timeOffsetSeconds)).toEqual([-1, -2, 0]);
  });

  test("supports times before 1970 and after 2106, and packets without a time follow the packet before", async () => {
    const early: PacketBatch = { ...createBatch(ETHERNET, [packet(1, 9)]), eraSeconds: -(2 ** 32) };
    const late: PacketBatch = { ...createBatch(ETHERNET, [packet(9, 0)]), eraSeconds: 2 ** 32 };
    const untimed: PacketBatch = { ...createBatch(ETHERNET, [packet(4, 0), packet(5, 0)]), untimed: true };
    const merged = mergeSources([
      fromBatches([late], ETHERNET),
      fromBatches(
        [createBatch(ETHERNET, [packet(3, 3)]), untimed, createBatch(ETHERNET, [packet(7, 7)])],
        ETHERNET,
      ),
      fromBatches([early, createBatch(ETHERNET, [packet(6, 6), packet(8, 8)])], ETHERNET),
    ]);
    const packets = await read(merged);
    expect(packets.map(({ data }) => Number.parseInt(data, 16))).toEqual([1, 3, 4, 5, 6, 7, 8, 9]);
    expect(packets.map(({ seconds }) => seconds)).toEqual([
      9 - 2 ** 32,
      3,
      undefined,
      undefined,
      6,
      7,
      8,
      2 ** 32,
    ]);
  });

  test("is a stable sort of sources that are in order, for batches of any size", async () => {
    const times = fc
      .array(fc.nat(20), { maxLength: 30 })
      .map((list) => list.sort((one, other) => one - other));
    const cuts = fc.array(fc.nat(30), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(times, cuts, fc.boolean()), { maxLength: 5 }), async (captures) => {
        let id = 0;
        const all: { id: number; time: number }[] = [];
        const sources = captures.map(([list, places, reused]) => {
          const packets = list.map((time) => {
            all.push({ id, time });
            return { ...packet(id, time, 0), bytes: Uint8Array.of(id >> 8, id++), comments: [`${time}`] };
          });
          const batches = [0, ...places.sort((one, other) => one - other)].map((from, index, starts) =>
            createBatch(ETHERNET, packets.slice(from, starts[index + 1] ?? packets.length)),
          );
          return reused ? reusing(batches) : fromBatches(batches, ETHERNET);
        });
        const expected = all.sort((one, other) => one.time - other.time || one.id - other.id);
        const packets = await read(mergeSources(sources));
        expect(packets.map(({ data }) => Number.parseInt(data, 16))).toEqual(expected.map(({ id }) => id));
        expect(packets.map(({ comments }) => comments)).toEqual(expected.map(({ time }) => [`${time}`]));
      }),
    );
  });
});

/** A source that reuses its batches: overwrites each one when the next is pulled. */
function reusing(batches: readonly PacketBatch[]): PacketSource {
  const source = fromBatches(batches, ETHERNET);
  async function* reusedBatches() {
    for await (const batch of source) {
      const reused = { ...batch, records: batch.records.slice(), offsets: batch.offsets.slice() };
      yield reused;
      reused.records.fill(0xee);
      reused.offsets.fill(0xffff);
    }
  }
  return { ...source, reusedBatches };
}

describe("mergeSources: interfaces", () => {
  const named = (name: string, more: Partial<CaptureInterface> = {}): CaptureInterface => ({
    linkType: LINKTYPE_ETHERNET,
    resolution: "us",
    snapLength: 0,
    name,
    ...more,
  });
  const onInterface = (interfaceId: number, ...packets: readonly PacketInit[]) =>
    createBatch({ linkType: LINKTYPE_ETHERNET, resolution: "us", snapLength: 0, interfaceId }, packets);

  test("with equal descriptions are merged across sources, not within one", async () => {
    const merged = mergeSources([
      fromBatches([onInterface(0, packet(1, 1)), onInterface(1, packet(3, 3))], [named("a"), named("a")]),
      fromBatches([onInterface(1, packet(2, 2)), onInterface(0, packet(4, 4))], [named("b"), named("a")]),
    ]);
    expect(merged.interfaces.map(({ name }) => name)).toEqual(["a", "a", "b"]);
    expect((await read(merged)).map(({ interfaceId }) => interfaceId)).toEqual([0, 0, 1, 2]);
  });

  test("may be added later, and are listed before their packets", async () => {
    const growing: CaptureInterface[] = [named("a")];
    async function* batches() {
      yield onInterface(0, packet(1, 1));
      growing.push(named("b"));
      yield onInterface(1, packet(3, 3));
    }
    const merged = mergeSources([
      fromBatches(batches(), growing),
      fromBatches([onInterface(0, packet(2, 2))], [named("b")]),
    ]);
    const names: (string | undefined)[] = [];
    for await (const batch of merged) {
      for (const _ of packetsOf(batch)) names.push(merged.interfaces[batch.format.interfaceId]?.name);
    }
    expect(names).toEqual(["a", "b", "b"]);
    expect(merged.interfaces).toHaveLength(2);
  });

  test("that are not listed are described by the format of their packets", async () => {
    const merged = mergeSources([
      fromBatches([onInterface(3, packet(1, 1))], []),
      fromBatches([onInterface(0, packet(2, 2))], [named("a")]),
    ]);
    expect((await read(merged)).map(({ interfaceId }) => interfaceId)).toEqual([1, 0]);
  });

  test("have the sum of their counts", async () => {
    const capture = async (received: number, dropped: number) =>
      decodeCapture(
        await collect(
          encodePcapng(
            fromBatches([onInterface(0, packet(1, 1))], [named("a", { counts: { received, dropped } })]),
          ),
        ),
      );
    const merged = mergeSources([await capture(5, 1), await capture(7, 2)]);
    expect(await read(merged)).toHaveLength(2);
    expect(merged.interfaces.map(({ counts }) => counts)).toEqual([{ received: 12, dropped: 3 }]);
    expect(merged.stats()).toEqual({ received: 2, dropped: 3 });
  });
});

describe("mergeSources: the result", () => {
  test("contains packets larger than a gathered batch", async () => {
    const large = (id: number, seconds: number) => ({ bytes: new Uint8Array(262_144).fill(id), seconds });
    const merged = mergeSources([
      sourceOf([large(1, 1), large(3, 3), packet(5, 5)]),
      sourceOf([packet(2, 2), large(4, 4), packet(6, 6)]),
    ]);
    const packets = await read(merged);
    expect(packets.map(({ data }) => [Number.parseInt(data.slice(0, 2), 16), data.length / 2])).toEqual([
      [1, 262_144],
      [2, 1],
      [3, 262_144],
      [4, 262_144],
      [5, 1],
      [6, 1],
    ]);
  });

  test("gathers many packets in few batches", async () => {
    const packets = Array.from({ length: 20_000 }, (_, index) => index);
    const half = (parity: number) =>
      reusing([
        createBatch(
          ETHERNET,
          packets.filter((id) => id % 2 === parity).map((id) => packet(id & 0xff, id)),
        ),
      ]);
    let count = 0;
    let batches = 0;
    for await (const batch of mergeSources([half(0), half(1)])) {
      batches++;
      count += batch.length;
    }
    expect(count).toBe(20_000);
    expect(batches).toBeLessThan(5);
  });

  test("yields the packets before a failure, then fails", async () => {
    async function* failing() {
      yield createBatch(ETHERNET, [packet(1, 1), packet(3, 3)]);
      throw new Error("no more");
    }
    const seen: number[] = [];
    const merged = mergeSources([fromBatches(failing(), ETHERNET), sourceOf([packet(2, 2), packet(4, 4)])]);
    await expect(async () => {
      for await (const batch of merged)
        seen.push(...readBatch(batch).map(({ data }) => Number.parseInt(data, 16)));
    }).rejects.toThrow("no more");
    expect(seen).toEqual([1, 2, 3]);
  });

  test("ends the iteration of all sources when its own ends early, and disposes of them when it is disposed of", async () => {
    const events: string[] = [];
    const one = (name: string): PacketSource => {
      async function* batches() {
        try {
          for (let time = 0; ; time++) yield createBatch(ETHERNET, [packet(1, time)]);
        } finally {
          events.push(`${name} left`);
        }
      }
      const source = fromBatches(batches(), ETHERNET);
      return {
        ...source,
        [Symbol.asyncDispose]: async () => {
          events.push(`${name} disposed of`);
          await source[Symbol.asyncDispose]();
        },
      };
    };
    const merged = mergeSources([one("a"), one("b")]);
    for await (const _ of merged) break;
    expect(events.sort()).toEqual(["a left", "b left"]);
    await merged[Symbol.asyncDispose]();
    expect(events.sort()).toEqual(["a disposed of", "a left", "b disposed of", "b left"]);
  });

  test("is filtered if all sources are", () => {
    const filtered = () => ({ ...sourceOf(), filtered: true });
    expect(mergeSources([filtered(), filtered()]).filtered).toBe(true);
    expect(mergeSources([filtered(), sourceOf()]).filtered).toBe(false);
  });
});

describeWithPrograms("mergeSources and mergecap", ["mergecap"], () => {
  test("yield the same packets in the same order", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flowscribe-merge-"));
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.nat(50), { minLength: 1, maxLength: 20 }), { minLength: 2, maxLength: 4 }),
          async (captures) => {
            let id = 0;
            const files: string[] = [];
            const contents: Uint8Array[] = [];
            for (const [index, times] of captures.entries()) {
              // Not in order, on purpose; but no two files have the same time, of which mergecap takes the last file first.
              const packets = times.map((time) => ({
                bytes: new Uint8Array(20).fill(id++),
                seconds: 10 * time + index,
              }));
              const bytes = await collect(encodePcap(sourceOf(packets)));
              const path = join(folder, `${index}.pcap`);
              writeFileSync(path, bytes);
              files.push(path);
              contents.push(bytes);
            }
            const merged = join(folder, "merged.pcap");
            const { status, stderr } = spawnSync("mergecap", ["-F", "pcap", "-w", merged, ...files]);
            expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: "" });
            const ours = mergeSources(await Promise.all(contents.map((bytes) => decodeCapture(bytes))));
            expect(await read(ours)).toEqual(await packetsIn(readFileSync(merged)));
          },
        ),
        { numRuns: 15 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
