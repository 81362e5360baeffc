import { describe, expect, test } from "vitest";
import {
  createBatch,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
  type Resolution,
} from "../../../src/packet/batch.js";
import { fromBatches } from "../../../src/packet/source/from-batches.js";
import type { CaptureInterface, PacketSource } from "../../../src/packet/source.js";
import { createPcapEncoder } from "../../../src/pcap/classic/encode.js";
import { decodeCapture, encodePcap, type PcapOptions } from "../../../src/pcap/index.js";
import { blockWriter, join } from "../blocks.js";
import { MICROSECONDS, NANOSECONDS, pcapFile, pcapHeader, pcapRecord } from "../pcap-file.js";
import { bytesOf, collect, encoded, packetsIn, readWhole } from "../read.js";

const DATA = bytesOf("0102030405");
const US: PacketFormat = { linkType: 1, resolution: "us", snapLength: 96, interfaceId: 0 };
const NS: PacketFormat = { ...US, resolution: "ns" };
const ERA = 2 ** 32;

function sourceOf(format: PacketFormat, packets: readonly PacketInit[]): PacketSource {
  return fromBatches([createBatch(format, packets)], format);
}

describe("encodePcap: the file header", () => {
  const header = { versionMajor: 2, versionMinor: 4, thisZone: -7200, sigFigs: 3, linkTypeWord: 0x2400_0001 };

  test.each<{ what: string; own: Partial<CaptureInterface>; options?: PcapOptions; expected: Uint8Array }>([
    { what: "describes the interface", own: {}, expected: pcapHeader({ snapLength: 96 }) },
    {
      what: "has the magic number of nanoseconds",
      own: { resolution: "ns" },
      expected: pcapHeader({ snapLength: 96, magic: NANOSECONDS }),
    },
    {
      what: "has the link type",
      own: { linkType: 276 },
      expected: pcapHeader({ snapLength: 96, linkType: 276 }),
    },
    {
      what: "can have another resolution: ns",
      own: {},
      options: { resolution: "ns" },
      expected: pcapHeader({ snapLength: 96, magic: NANOSECONDS }),
    },
    {
      what: "can have another resolution: us",
      own: { resolution: "ns" },
      options: { resolution: "us" },
      expected: pcapHeader({ snapLength: 96, magic: MICROSECONDS }),
    },
    {
      what: "can have another snap length",
      own: {},
      options: { snapLength: 65_535 },
      expected: pcapHeader({ snapLength: 65_535 }),
    },
    {
      what: "can have the snap length 0",
      own: {},
      options: { snapLength: 0 },
      expected: pcapHeader({ snapLength: 0 }),
    },
    {
      what: "keeps the fields of the file that was read",
      own: { pcapHeader: header },
      expected: pcapHeader({ snapLength: 96, thisZone: -7200, sigFigs: 3, linkType: 0x2400_0001 }),
    },
    {
      what: "keeps an old version",
      own: { pcapHeader: { ...header, versionMinor: 2 } },
      expected: pcapHeader({ minor: 2, snapLength: 96, thisZone: -7200, sigFigs: 3, linkType: 0x2400_0001 }),
    },
  ])("$what", async ({ own, options, expected }) => {
    const { linkType, resolution, snapLength } = US;
    const file = await collect(
      encodePcap(fromBatches([], [{ linkType, resolution, snapLength, ...own }]), options),
    );
    expect(file).toEqual(expected);
  });

  test("of a source without interfaces and packets is that of Ethernet", async () => {
    expect(await collect(encodePcap(fromBatches([], [])))).toEqual(pcapHeader({ snapLength: 262_144 }));
  });

  test("of a source without interfaces is that of its first packet", async () => {
    const batch = createBatch({ ...NS, linkType: 113 }, [{ bytes: DATA }]);
    const header = pcapHeader({ magic: NANOSECONDS, linkType: 113, snapLength: 96 });
    expect((await collect(encodePcap(fromBatches([batch], [])))).subarray(0, 24)).toEqual(header);
  });

  test("is yielded before the first packet is pulled", async () => {
    let asked = false;
    const batches = (function* () {
      asked = true;
      yield createBatch(US, [{ bytes: DATA }]);
    })();
    const chunks = encodePcap(fromBatches(batches, US));
    expect((await chunks.next()).value).toHaveLength(24);
    expect(asked).toBe(false);
    expect((await chunks.next()).value).toHaveLength(21);
    expect(asked).toBe(true);
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });
});

describe("encodePcap: the time of a packet", () => {
  const most = 0xffff_ffff;
  test.each<{
    what: string;
    from: Resolution;
    to: Resolution;
    fraction: number;
    expected: readonly [number, number];
  }>([
    { what: "is kept in microseconds", from: "us", to: "us", fraction: 999_999, expected: [7, 999_999] },
    {
      what: "is kept in nanoseconds",
      from: "ns",
      to: "ns",
      fraction: 999_999_999,
      expected: [7, 999_999_999],
    },
    {
      what: "is kept if the fraction exceeds a second",
      from: "us",
      to: "us",
      fraction: most,
      expected: [7, most],
    },
    {
      what: "is truncated to microseconds",
      from: "ns",
      to: "us",
      fraction: 123_456_999,
      expected: [7, 123_456],
    },
    { what: "is truncated to zero microseconds", from: "ns", to: "us", fraction: 999, expected: [7, 0] },
    { what: "becomes nanoseconds", from: "us", to: "ns", fraction: 123_456, expected: [7, 123_456_000] },
    {
      what: "becomes nanoseconds, a fraction above a second is carried",
      from: "us",
      to: "ns",
      fraction: 3_999_999,
      expected: [10, 999_999_000],
    },
    {
      what: "becomes nanoseconds, the largest fraction is carried",
      from: "us",
      to: "ns",
      fraction: most,
      expected: [7 + 4294, 967_295_000],
    },
    {
      what: "becomes microseconds, a fraction above a second is kept",
      from: "ns",
      to: "us",
      fraction: most,
      expected: [7, 4_294_967],
    },
  ])("$what", async ({ from, to, fraction, expected }) => {
    const input = pcapFile({ magic: from === "us" ? MICROSECONDS : NANOSECONDS }, [
      { seconds: 1, fraction: 0, data: DATA },
      { seconds: 7, fraction, data: DATA, lengths: [5, 9] },
    ]);
    const output = await encoded((source) => encodePcap(source, { resolution: to }), input);
    expect(output).toEqual(
      pcapFile({ magic: to === "us" ? MICROSECONDS : NANOSECONDS }, [
        { seconds: 1, fraction: 0, data: DATA },
        { seconds: expected[0], fraction: expected[1], data: DATA, lengths: [5, 9] },
      ]),
    );
  });

  test.each([ERA, -ERA])("of the era %d does not fit", async (eraSeconds) => {
    const batch = { ...createBatch(US, [{ bytes: DATA }]), eraSeconds };
    await expect(collect(encodePcap(fromBatches([batch], US)))).rejects.toMatchObject({
      name: "FlowscribeError",
      code: "time_out_of_range",
    });
  });

  test("does not fit if a carried fraction exceeds 2106", async () => {
    const file = (fraction: number) => pcapFile({}, [{ seconds: 0xffff_ffff, fraction, data: DATA }]);
    const inNanoseconds = (bytes: Uint8Array) =>
      encoded((source) => encodePcap(source, { resolution: "ns" }), bytes);
    await expect(inNanoseconds(file(999_999))).resolves.toHaveLength(45);
    await expect(inNanoseconds(file(1_000_000))).rejects.toMatchObject({ code: "time_out_of_range" });
  });

  test("is 0 for packets without a time", async () => {
    const batch = { ...createBatch(US, [{ bytes: DATA }]), untimed: true };
    expect(await packetsIn(await collect(encodePcap(fromBatches([batch], US))))).toMatchObject([
      { seconds: 0, nanoseconds: 0, data: "0102030405" },
    ]);
  });
});

describe("encodePcap: old versions", () => {
  test.each([
    { minor: 0, swapped: true },
    { minor: 1, swapped: true },
    { minor: 2, swapped: true },
    { minor: 3, swapped: false },
    { minor: 4, swapped: false },
  ])("2.$minor has the original length first: $swapped", async ({ minor, swapped }) => {
    const lengths = swapped ? ([9, 5] as const) : ([5, 9] as const);
    const file = pcapFile({ minor }, [{ seconds: 1, fraction: 5, data: DATA, lengths }]);
    expect(await encoded(encodePcap, file)).toEqual(file);
    const inNanoseconds = await encoded((source) => encodePcap(source, { resolution: "ns" }), file);
    expect(inNanoseconds).toEqual(
      pcapFile({ minor, magic: NANOSECONDS }, [{ seconds: 1, fraction: 5000, data: DATA, lengths }]),
    );
  });
});

describe("encodePcap: several interfaces", () => {
  const { section, interface: describeInterface, enhanced } = blockWriter();

  test("with one link type become one", async () => {
    const file = join(
      section(),
      describeInterface({ snapLength: 96 }),
      describeInterface({ snapLength: 48, options: [[9, 9]] }),
      enhanced({ interfaceId: 1, time: 1_000_002_999n, data: DATA }),
      enhanced({ interfaceId: 0, time: 3_000_004n, data: DATA }),
    );
    expect(await encoded(encodePcap, file)).toEqual(
      pcapFile({ snapLength: 96 }, [
        { seconds: 1, fraction: 2, data: DATA },
        { seconds: 3, fraction: 4, data: DATA },
      ]),
    );
  });

  test("may have several link types if only one has packets", async () => {
    const file = join(
      section(),
      describeInterface({ linkType: 1 }),
      describeInterface({ linkType: 113, snapLength: 77 }),
      enhanced({ interfaceId: 1, time: 0n, data: DATA }),
    );
    expect(await encoded(encodePcap, file)).toEqual(
      pcapFile({ linkType: 113, snapLength: 77 }, [{ data: DATA }]),
    );
  });

  test("with several link types end the output with mixed_link_types after the packets before", async () => {
    const file = join(
      section(),
      describeInterface({ linkType: 1 }),
      describeInterface({ linkType: 276 }),
      enhanced({ interfaceId: 0, data: DATA }),
      enhanced({ interfaceId: 1, data: DATA }),
    );
    const written: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of encodePcap(await decodeCapture(file))) written.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({
      name: "FlowscribeError",
      code: "mixed_link_types",
      message: expect.stringMatching(/Ethernet.*Linux cooked v2.*pcapng/),
    });
    expect(join(...written)).toEqual(pcapFile({ linkType: 1, snapLength: 0 }, [{ data: DATA }]));
  });

  test("that are added later with another link type end the output too", async () => {
    const later = createBatch({ ...US, linkType: 101, interfaceId: 1 }, [{ bytes: DATA }]);
    const chunks = encodePcap(fromBatches([createBatch(US, [{ bytes: DATA }]), later], US));
    await chunks.next();
    expect((await chunks.next()).value).toEqual(pcapRecord({ data: DATA }));
    await expect(chunks.next()).rejects.toMatchObject({ code: "mixed_link_types" });
  });
});

test("encodePcap: chunks are copies that share no memory with the source", async () => {
  const batch = createBatch(US, [{ bytes: DATA }]);
  const expected = batch.records.slice();
  for (const resolution of ["us", "ns"] as const) {
    const chunks = encodePcap(fromBatches([batch, batch], US), { resolution });
    await chunks.next();
    const first = (await chunks.next()).value as Uint8Array;
    const kept = first.slice();
    const second = (await chunks.next()).value as Uint8Array;
    expect(first).toEqual(kept);
    expect(second).toEqual(kept);
    first.fill(0xee);
    expect(second).toEqual(kept);
    expect(batch.records).toEqual(expected);
  }
});

test("encodePcap: empty batches add no bytes", async () => {
  const none = createBatch(US, []);
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodePcap(fromBatches([none, none], US))) chunks.push(chunk);
  expect(chunks).toEqual([pcapHeader({ snapLength: 96 })]);
});

test("encodePcap: throws an error of the source unchanged", async () => {
  const broken = new Error("no more");
  async function* batches(): AsyncGenerator<PacketBatch> {
    yield createBatch(US, [{ bytes: DATA }]);
    throw broken;
  }
  await expect(collect(encodePcap(fromBatches(batches(), US)))).rejects.toBe(broken);
});

test("encodePcap: ending the output early ends the iteration of the source", async () => {
  let left = false;
  function* batches() {
    try {
      for (;;) yield createBatch(US, [{ bytes: DATA }]);
    } finally {
      left = true;
    }
  }
  let chunks = 0;
  for await (const _ of encodePcap(fromBatches(batches(), US))) if (++chunks === 3) break;
  expect(left).toBe(true);
});

test("encodePcap: packets from memory can be read back", async () => {
  const file = await collect(
    encodePcap(
      sourceOf(NS, [{ bytes: DATA, seconds: 1, nanoseconds: 2, originalLength: 60, comments: ["lost"] }]),
    ),
  );
  const { packets, source } = await readWhole(file);
  expect(source.interfaces[0]).toMatchObject({ resolution: "ns", snapLength: 96 });
  expect(packets).toMatchObject([
    { seconds: 1, nanoseconds: 2, originalLength: 60, data: "0102030405", comments: [] },
  ]);
});

describe("createPcapEncoder: a chunk that was written in part", () => {
  test.each([2, 4])("can be truncated after its last complete record (version 2.%d)", (versionMinor) => {
    const encoder = createPcapEncoder();
    const { linkType, resolution, snapLength } = US;
    encoder.begin({
      linkType,
      resolution,
      snapLength,
      pcapHeader: { versionMajor: 2, versionMinor, thisZone: 0, sigFigs: 0, linkTypeWord: 1 },
    });
    const packets = [
      { bytes: DATA, originalLength: 1500 },
      { bytes: new Uint8Array(0) },
      { bytes: new Uint8Array(99) },
    ];
    const chunk = encoder.encode(createBatch(US, packets));
    const ends = [0, 21, 37, 152];
    expect(chunk).toHaveLength(152);
    for (let length = 0; length <= chunk.length; length++) {
      expect(encoder.wholeRecords(chunk, length)).toBe(Math.max(...ends.filter((end) => end <= length)));
    }
  });
});
