import { describe, expect, test } from "vitest";
import { createBatch, type PacketBatch, type PacketFormat } from "../../../src/packet/batch.js";
import { fromBatches } from "../../../src/packet/source/from-batches.js";
import type { CaptureInterface } from "../../../src/packet/source.js";
import { encodePcapng, type PcapngOptions } from "../../../src/pcap/index.js";
import { createPcapngEncoder } from "../../../src/pcap/pcapng/encode.js";
import {
  blockWriter,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  join,
  type Option,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from "../blocks.js";
import { pcapFile } from "../pcap-file.js";
import { bytesOf, collect, encoded, packetsIn, readBatch, readWhole } from "../read.js";

const DATA = bytesOf("0102030405");
const US: PacketFormat = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 };
const NS: PacketFormat = { ...US, resolution: "ns" };
const ETHERNET: CaptureInterface = { linkType: 1, resolution: "us", snapLength: 0 };
const ERA = 2 ** 32;

const { section, interface: describeInterface, enhanced, simple, statistics } = blockWriter();
const SECTION = section({ options: [[4, "flowscribe"]] });
const MICROSECONDS: Option = [9, 6];
const NANOSECONDS: Option = [9, 9];
const IF_TIME_OFFSET = 14;

function encode(
  batches: readonly PacketBatch[],
  interfaces: readonly CaptureInterface[] | PacketFormat = US,
  options?: PcapngOptions,
): Promise<Uint8Array> {
  return collect(encodePcapng(fromBatches(batches, interfaces), options));
}

describe("encodePcapng: writes, byte for byte,", () => {
  test("a section, an interface, the packets and the counts", async () => {
    const batch = createBatch(US, [
      { bytes: DATA, seconds: 1, nanoseconds: 2000, originalLength: 60 },
      { bytes: bytesOf("aabbccdd"), seconds: 3, comments: ["one", "zwei ü"] },
    ]);
    expect(await encode([batch])).toEqual(
      join(
        SECTION,
        describeInterface({ options: [MICROSECONDS] }),
        enhanced({ time: 1_000_002n, data: DATA, original: 60 }),
        enhanced({
          time: 3_000_000n,
          data: bytesOf("aabbccdd"),
          options: [
            [1, "one"],
            [1, "zwei ü"],
          ],
        }),
        counts(0, 2n, 0n),
      ),
    );
  });

  test("all fields of an interface", async () => {
    const own: CaptureInterface = {
      linkType: 276,
      resolution: "ns",
      snapLength: 96,
      name: "any",
      description: "everything",
      filter: "port 80",
      operatingSystem: "Linux",
      hardware: "NIC",
      comments: ["a", "b"],
      counts: { received: 2 ** 40, dropped: 7 },
    };
    expect(await encode([], [own])).toEqual(
      join(
        SECTION,
        describeInterface({
          linkType: 276,
          snapLength: 96,
          options: [
            [1, "a"],
            [1, "b"],
            [2, "any"],
            [3, "everything"],
            [11, "\0port 80"],
            [12, "Linux"],
            [15, "NIC"],
            NANOSECONDS,
          ],
        }),
        counts(0, 2n ** 40n, 7n),
      ),
    );
  });

  test("the snap length of the options for every interface", async () => {
    const interfaces = [ETHERNET, { ...ETHERNET, snapLength: 96 }];
    const one = describeInterface({ snapLength: 60, options: [MICROSECONDS] });
    expect(await encode([], interfaces, { snapLength: 60 })).toEqual(join(SECTION, one, one));
  });

  test("every interface of the source, later ones before their packets", async () => {
    const interfaces: CaptureInterface[] = [{ ...ETHERNET, name: "a" }];
    const source = fromBatches(
      (function* () {
        yield createBatch(US, [{ bytes: DATA }]);
        interfaces.push({ ...ETHERNET, name: "b" }, { ...ETHERNET, name: "c", resolution: "ns" });
        yield createBatch({ ...NS, interfaceId: 2 }, [{ bytes: DATA, nanoseconds: 5 }]);
        interfaces.push({ ...ETHERNET, name: "d", counts: { received: 0 } });
      })(),
      interfaces,
    );
    expect(await collect(encodePcapng(source))).toEqual(
      join(
        SECTION,
        describeInterface({ options: [[2, "a"], MICROSECONDS] }),
        enhanced({ data: DATA }),
        describeInterface({ options: [[2, "b"], MICROSECONDS] }),
        describeInterface({ options: [[2, "c"], NANOSECONDS] }),
        enhanced({ interfaceId: 2, time: 5n, data: DATA }),
        describeInterface({ options: [[2, "d"], MICROSECONDS] }),
        statistics(3, [[4, 0n]]),
      ),
    );
  });

  test("interfaces that the source does not list", async () => {
    const batch = createBatch({ ...NS, linkType: 113, interfaceId: 1 }, [{ bytes: DATA }]);
    const described = describeInterface({ linkType: 113, options: [NANOSECONDS] });
    expect(await encode([batch], [])).toEqual(
      join(SECTION, described, described, enhanced({ interfaceId: 1, data: DATA })),
    );
  });
});

describe("encodePcapng: counts", () => {
  test.each<{ what: string; interfaces: CaptureInterface[]; expected: Uint8Array }>([
    {
      what: "of a single interface are those of the source",
      interfaces: [ETHERNET],
      expected: counts(0, 1n, 0n),
    },
    {
      what: "of a single interface are its own if present",
      interfaces: [{ ...ETHERNET, counts: { dropped: 3 } }],
      expected: statistics(0, [[5, 3n]]),
    },
    {
      what: "of several are their own",
      interfaces: [ETHERNET, { ...ETHERNET, counts: { received: 9 } }],
      expected: statistics(1, [[4, 9n]]),
    },
    {
      what: "of several interfaces without counts are omitted",
      interfaces: [ETHERNET, ETHERNET],
      expected: new Uint8Array(0),
    },
    {
      what: "above 64 bits are the largest value",
      interfaces: [{ ...ETHERNET, counts: { received: 2 ** 64 } }],
      expected: statistics(0, [[4, 2n ** 64n - 1n]]),
    },
  ])("$what", async ({ interfaces, expected }) => {
    const file = await encode([createBatch(US, [{ bytes: DATA }])], interfaces);
    const before = join(
      SECTION,
      ...interfaces.map(() => describeInterface({ options: [MICROSECONDS] })),
      enhanced({ data: DATA }),
    );
    expect(file).toEqual(join(before, expected));
  });

  test("are read back, also those of an interface described after the last packet", async () => {
    const file = join(
      section(),
      describeInterface(),
      enhanced({ data: DATA }),
      describeInterface({ options: [[2, "late"]] }),
      statistics(0, [
        [4, 2n ** 64n - 1n],
        [5, 1n],
      ]),
      statistics(1, [[4, 5n]]),
    );
    const { source } = await readWhole(await encoded(encodePcapng, file));
    expect(source.interfaces.map(({ name, counts }) => [name, counts])).toEqual([
      [undefined, { received: 2 ** 64, dropped: 1 }],
      ["late", { received: 5 }],
    ]);
    expect(source.stats()).toEqual({ received: 1, dropped: 1 });
  });
});

describe("encodePcapng: packets without a time", () => {
  const untimed = (format: PacketFormat, ...args: Parameters<typeof createBatch>[1][]) => ({
    ...createBatch(format, args.flat()),
    untimed: true,
  });
  const limited = { ...US, snapLength: 5 };
  const second = { ...US, interfaceId: 1 };

  test.each<{ what: string; batch: PacketBatch; expected: Uint8Array }>([
    {
      what: "become simple blocks if they are complete",
      batch: untimed(US, [{ bytes: DATA }]),
      expected: simple(DATA),
    },
    {
      what: "become simple blocks if truncated to the snap length",
      batch: untimed(limited, [{ bytes: DATA, originalLength: 1500 }]),
      expected: simple(DATA, 1500),
    },
    {
      what: "become enhanced blocks if truncated to another length",
      batch: untimed(US, [{ bytes: DATA, originalLength: 6 }]),
      expected: enhanced({ data: DATA, original: 6 }),
    },
    {
      what: "become enhanced blocks if longer than their original length",
      batch: untimed(US, [{ bytes: DATA, originalLength: 4 }]),
      expected: enhanced({ data: DATA, original: 4 }),
    },
    {
      what: "become enhanced blocks if above the snap length",
      batch: untimed({ ...US, snapLength: 4 }, [{ bytes: DATA }]),
      expected: enhanced({ data: DATA }),
    },
    {
      what: "become enhanced blocks if they have a comment",
      batch: untimed(US, [{ bytes: DATA, comments: ["c"] }]),
      expected: enhanced({ data: DATA, options: [[1, "c"]] }),
    },
    {
      what: "become enhanced blocks on any interface but the first",
      batch: untimed(second, [{ bytes: DATA }]),
      expected: enhanced({ interfaceId: 1, data: DATA }),
    },
    {
      what: "keep a length above 2³¹",
      batch: untimed(limited, [{ bytes: DATA, originalLength: 0xfffffff0 }]),
      expected: simple(DATA, 0xfffffff0),
    },
  ])("$what", async ({ batch, expected }) => {
    const interfaces = Array.from({ length: batch.format.interfaceId + 1 }, () => ({
      ...ETHERNET,
      snapLength: batch.format.snapLength,
      counts: {},
    }));
    const described = describeInterface({ snapLength: batch.format.snapLength, options: [MICROSECONDS] });
    const file = await encode([batch], interfaces);
    const head = join(SECTION, ...interfaces.map(() => described), expected);
    expect(file.subarray(0, head.length)).toEqual(head);
  });

  test("are compared with the snap length that is written", async () => {
    const batch = untimed(US, [{ bytes: DATA, originalLength: 9 }]);
    const file = await encode([batch], US, { snapLength: 5 });
    expect(blockTypes(file)).toEqual([
      SECTION_HEADER,
      INTERFACE_DESCRIPTION,
      SIMPLE_PACKET,
      INTERFACE_STATISTICS,
    ]);
  });
});

describe("encodePcapng: the time of a packet", () => {
  test.each<{
    what: string;
    format: PacketFormat;
    era: number;
    seconds: number;
    nanoseconds: number;
    time: bigint;
  }>([
    {
      what: "is counted in microseconds",
      format: US,
      era: 0,
      seconds: 0xffff_ffff,
      nanoseconds: 999_999_000,
      time: 4_294_967_295_999_999n,
    },
    {
      what: "is counted in nanoseconds",
      format: NS,
      era: 0,
      seconds: 0xffff_ffff,
      nanoseconds: 999_999_999,
      time: 4_294_967_295_999_999_999n,
    },
    {
      what: "carries fractions above a second",
      format: NS,
      era: 0,
      seconds: 1,
      nanoseconds: 4_000_000_001,
      time: 5_000_000_001n,
    },
    {
      what: "may be after 2106",
      format: US,
      era: ERA,
      seconds: 5,
      nanoseconds: 0,
      time: (2n ** 32n + 5n) * 1_000_000n,
    },
    {
      what: "may be the last one, in nanoseconds 2554",
      format: NS,
      era: 4 * ERA,
      seconds: 1_266_874_889,
      nanoseconds: 709_551_615,
      time: 2n ** 64n - 1n,
    },
  ])("$what", async ({ format, era, seconds, nanoseconds, time }) => {
    const batch = { ...createBatch(format, [{ bytes: DATA, seconds, nanoseconds }]), eraSeconds: era };
    const file = await encode([batch], format);
    const options = [format.resolution === "us" ? MICROSECONDS : NANOSECONDS];
    const expected = join(SECTION, describeInterface({ options }), enhanced({ time, data: DATA }));
    expect(file.subarray(0, expected.length)).toEqual(expected);
  });

  test.each([
    { what: "before 1970", offset: -10n, count: 5_000_001n },
    { what: "long before 1970", offset: -(2n ** 40n), count: 1_000_001n },
    { what: "at a negative offset", offset: -10n, count: 0n },
    { what: "after a positive offset", offset: 1_600_000_000n, count: 5_000_001n },
    { what: "after 2106 by an offset", offset: 2n ** 33n, count: 1_000_001n },
    { what: "at the last time of an offset", offset: -10n, count: 2n ** 64n - 1n },
  ])("keep the offset of their interface: $what", async ({ offset, count }) => {
    const options: Option[] = [MICROSECONDS, [IF_TIME_OFFSET, BigInt.asUintN(64, offset)]];
    const file = join(section(), describeInterface({ options }), enhanced({ time: count, data: DATA }));
    const again = await encoded(encodePcapng, file);
    const expected = join(SECTION, file.subarray(section().length));
    expect(again.subarray(0, expected.length)).toEqual(expected);
    const [before, after] = [await readWhole(file), await readWhole(again)];
    expect(after.packets).toEqual(before.packets);
    expect(after.source.interfaces).toMatchObject(before.source.interfaces);
    expect(before.source.interfaces[0]?.timeOffsetSeconds).toBe(Number(offset));
  });

  test("before the offset of its interface does not fit", async () => {
    const batch = createBatch(US, [{ bytes: DATA, seconds: 99, nanoseconds: 999_999_000 }]);
    const ofInterface = (timeOffsetSeconds: number) => encode([batch], [{ ...ETHERNET, timeOffsetSeconds }]);
    await expect(ofInterface(100)).rejects.toMatchObject({ code: "time_out_of_range" });
    expect((await packetsIn(await ofInterface(99)))[0]).toMatchObject({
      seconds: 99,
      nanoseconds: 999_999_000,
    });
  });

  test("of packets without a time is 0 if the offset of the interface permits it, otherwise the offset", async () => {
    const batch = { ...createBatch({ ...US, interfaceId: 1 }, [{ bytes: DATA }]), untimed: true };
    const ofInterface = async (timeOffsetSeconds: number) => {
      const file = await encode([batch], [ETHERNET, { ...ETHERNET, timeOffsetSeconds }]);
      return (await packetsIn(file))[0]?.seconds;
    };
    expect([await ofInterface(-5), await ofInterface(0), await ofInterface(5)]).toEqual([0, 0, 5]);
  });

  test.each<{ what: string; format: PacketFormat; era: number; seconds: number; nanoseconds: number }>([
    {
      what: "before 1970 without an offset",
      format: US,
      era: -ERA,
      seconds: 0xffff_ffff,
      nanoseconds: 999_999_000,
    },
    {
      what: "after 2554 in nanoseconds",
      format: NS,
      era: 4 * ERA,
      seconds: 1_266_874_889,
      nanoseconds: 709_551_616,
    },
    { what: "after the last microsecond", format: US, era: 4295 * ERA, seconds: 0, nanoseconds: 0 },
  ])("does not fit $what", async ({ format, era, seconds, nanoseconds }) => {
    const batch = { ...createBatch(format, [{ bytes: DATA, seconds, nanoseconds }]), eraSeconds: era };
    await expect(encode([batch], format)).rejects.toMatchObject({
      name: "FlowscribeError",
      code: "time_out_of_range",
    });
  });
});

describe("encodePcapng: a string", () => {
  const MOST = 65_535;
  const long = "x".repeat(MOST + 1);
  const umlauts = "ü".repeat(MOST);

  test.each<{ what: string; text: string; kept: string; keptInFilter: string }>([
    {
      what: "of 65,535 bytes is complete",
      text: "x".repeat(MOST),
      kept: "x".repeat(MOST),
      keptInFilter: "x".repeat(MOST - 1),
    },
    {
      what: "of one byte more is truncated",
      text: long,
      kept: "x".repeat(MOST),
      keptInFilter: "x".repeat(MOST - 1),
    },
    {
      what: "is not truncated inside a character",
      text: umlauts,
      kept: "ü".repeat(32_767),
      keptInFilter: "ü".repeat(32_767),
    },
    {
      what: "is not truncated inside a character of four bytes",
      text: `ab${"😀".repeat(20_000)}`,
      kept: `ab${"😀".repeat(16_383)}`,
      keptInFilter: `ab${"😀".repeat(16_383)}`,
    },
    {
      what: "of a megabyte is truncated",
      text: "y".repeat(1024 ** 2),
      kept: "y".repeat(MOST),
      keptInFilter: "y".repeat(MOST - 1),
    },
    { what: "that is empty is empty", text: "", kept: "", keptInFilter: "" },
    { what: "with a byte-order mark keeps it", text: "\ufeffa", kept: "\ufeffa", keptInFilter: "\ufeffa" },
    {
      what: "with half a surrogate pair has a replacement character",
      text: "a\ud83db",
      kept: "a\ufffdb",
      keptInFilter: "a\ufffdb",
    },
  ])("$what", async ({ text, kept, keptInFilter }) => {
    const own = { ...ETHERNET, name: text, filter: text, comments: [text] };
    const file = await encode([createBatch(US, [{ bytes: DATA, comments: [text, "next"] }])], [own]);
    const { packets, source } = await readWhole(file);
    expect(source.interfaces[0]).toMatchObject({ name: kept, filter: keptInFilter, comments: [kept] });
    expect(packets).toMatchObject([{ data: "0102030405", comments: [kept, "next"] }]);
  });
});

test("encodePcapng: a source without packets gives a valid file", async () => {
  const { packets, source } = await readWhole(await encode([], []));
  expect(packets).toEqual([]);
  expect(source.interfaces).toEqual([{ linkType: 1, resolution: "us", snapLength: 262_144 }]);
});

test("encodePcapng: yields the header before the first packet is pulled, if the link type is known", async () => {
  let asked = 0;
  const batches = function* () {
    asked++;
    yield createBatch(US, [{ bytes: DATA }]);
  };
  const chunks = encodePcapng(fromBatches(batches(), US));
  await chunks.next();
  expect(asked).toBe(0);
  await chunks.return();
});

test("encodePcapng: chunks are copies that share no memory with the source", async () => {
  const batch = createBatch(US, [{ bytes: DATA, comments: ["c"] }]);
  const expected = readBatch(batch);
  const chunks = encodePcapng(fromBatches([batch, batch], US));
  const header = (await chunks.next()).value as Uint8Array;
  const keptHeader = header.slice();
  const first = (await chunks.next()).value as Uint8Array;
  const kept = first.slice();
  const second = (await chunks.next()).value as Uint8Array;
  expect([header, first, second]).toEqual([keptHeader, kept, kept]);
  first.fill(0xee);
  header.fill(0xee);
  expect(second).toEqual(kept);
  expect(readBatch(batch)).toEqual(expected);
});

test("encodePcapng: writes a batch longer than the buffer of the encoder", async () => {
  const packets = Array.from({ length: 30 }, (_, index) => ({
    bytes: Uint8Array.from({ length: 50_001 }, (_, at) => at * (index + 1)),
    comments: [`packet ${index}`],
  }));
  const batch = createBatch(US, packets);
  const { packets: read } = await readWhole(await encode([batch]));
  expect(read).toHaveLength(30);
  expect(JSON.stringify(read) === JSON.stringify(readBatch(batch))).toBe(true);
});

test("encodePcapng: padding is zeros, also in a reused buffer", async () => {
  const noise = createBatch(US, [{ bytes: new Uint8Array(64).fill(0xff), comments: ["ÿÿÿÿÿÿÿÿÿ"] }]);
  const small = createBatch(US, [{ bytes: DATA, comments: ["c"] }, { bytes: bytesOf("01") }]);
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodePcapng(fromBatches([noise, small], US))) chunks.push(chunk);
  expect(chunks[2]).toEqual(
    join(enhanced({ data: DATA, options: [[1, "c"]] }), enhanced({ data: bytesOf("01") })),
  );
});

test("encodePcapng: converts a pcap file of an old version", async () => {
  const file = pcapFile({ minor: 2, littleEndian: false, linkType: 0x2400_0001 }, [
    { seconds: 9, data: DATA, lengths: [60, 5] },
  ]);
  const { packets, source } = await readWhole(await encoded(encodePcapng, file));
  expect(source).toMatchObject({ fileFormat: "pcapng" });
  expect(source.interfaces[0]?.linkType).toBe(1);
  expect(packets).toMatchObject([{ seconds: 9, originalLength: 60, data: "0102030405" }]);
});

test("createPcapngEncoder: a chunk that was written in part can be truncated after its last complete block", () => {
  const encoder = createPcapngEncoder([ETHERNET]);
  encoder.begin(ETHERNET);
  const chunk = encoder.encode(
    createBatch(US, [{ bytes: DATA }, { bytes: new Uint8Array(0) }, { bytes: DATA, comments: ["c"] }]),
  );
  const ends = [0, 40, 72, 124];
  expect(chunk).toHaveLength(124);
  for (let length = 0; length <= chunk.length; length++) {
    expect(encoder.wholeRecords(chunk, length)).toBe(Math.max(...ends.filter((end) => end <= length)));
  }
});

function counts(interfaceId: number, received: bigint, dropped: bigint): Uint8Array {
  return statistics(interfaceId, [
    [4, received],
    [5, dropped],
  ]);
}

function blockTypes(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const types: number[] = [];
  for (let at = 0; at < file.length; at += view.getUint32(at + 4, true)) types.push(view.getUint32(at, true));
  return types;
}
