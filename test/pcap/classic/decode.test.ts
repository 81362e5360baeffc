import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CaptureError } from "../../../src/errors/errors.js";
import { decodeCapture } from "../../../src/pcap/index.js";
import { join } from "../blocks.js";
import {
  HEADER_LENGTH,
  type HeaderFields,
  MICROSECONDS,
  NANOSECONDS,
  pcapFile,
  pcapHeader,
  pcapRecord,
  RECORD_HEADER_LENGTH,
} from "../pcap-file.js";
import { bytesOf, dataOf, fault, packetsIn, readAll, readWhole } from "../read.js";

const DATA = bytesOf("0102030405");
const LINKTYPE_DBUS = 231;
const MAX_CAPTURED = 262_144;

describe("decodeCapture: a pcap header", () => {
  const orders = [
    { order: "little-endian", littleEndian: true },
    { order: "big-endian", littleEndian: false },
  ];
  const units = [
    { unit: "microseconds", magic: MICROSECONDS, resolution: "us", nanoseconds: 123_456_000 },
    { unit: "nanoseconds", magic: NANOSECONDS, resolution: "ns", nanoseconds: 123_456 },
  ];

  describe.each(orders)("that is $order", ({ littleEndian }) => {
    test.each(units)("and in $unit is read field by field", async ({ magic, resolution, nanoseconds }) => {
      const header = {
        magic,
        littleEndian,
        thisZone: -3600,
        sigFigs: 7,
        snapLength: 65_535,
        linkType: 113,
      };
      const record = { seconds: 0xfedcba98, fraction: 123_456, data: DATA, lengths: [5, 1500] as const };
      const { packets, source } = await readWhole(pcapFile(header, [record]));
      expect(source).toMatchObject({ fileFormat: "pcap", compressed: false, filtered: false });
      expect(source.interfaces).toEqual([
        {
          linkType: 113,
          resolution,
          snapLength: 65_535,
          pcapHeader: { versionMajor: 2, versionMinor: 4, thisZone: -3600, sigFigs: 7, linkTypeWord: 113 },
        },
      ]);
      expect(packets).toEqual([
        {
          interfaceId: 0,
          linkType: 113,
          seconds: 0xfedcba98,
          nanoseconds,
          originalLength: 1500,
          data: "0102030405",
          comments: [],
        },
      ]);
      expect(source.stats()).toEqual({ received: 1, dropped: 0 });
    });

    test.each([
      { minor: 0, rule: "the original length first", lengths: [9, 5], captured: 5, original: 9 },
      { minor: 1, rule: "the original length first", lengths: [9, 5], captured: 5, original: 9 },
      { minor: 2, rule: "the original length first", lengths: [9, 5], captured: 5, original: 9 },
      { minor: 2, rule: "also a smaller original length first", lengths: [4, 5], captured: 5, original: 4 },
      { minor: 3, rule: "the captured length first", lengths: [5, 9], captured: 5, original: 9 },
      {
        minor: 3,
        rule: "the original length first where it is larger",
        lengths: [9, 5],
        captured: 5,
        original: 9,
      },
      { minor: 4, rule: "the captured length first", lengths: [5, 9], captured: 5, original: 9 },
      {
        minor: 4,
        rule: "the captured length first even where it is larger",
        lengths: [5, 4],
        captured: 5,
        original: 4,
      },
    ] as const)("and of version 2.$minor has $rule", async ({ minor, lengths, captured, original }) => {
      const file = pcapFile({ littleEndian, minor }, [
        { data: DATA, lengths },
        { seconds: 7, data: DATA, lengths: [5, 5] },
      ]);
      const { packets, source } = await readWhole(file);
      expect(source.interfaces[0]?.pcapHeader?.versionMinor).toBe(minor);
      expect(packets.map(({ data, originalLength }) => [data.length / 2, originalLength])).toEqual([
        [captured, original],
        [5, 5],
      ]);
      expect(packets[1]).toMatchObject({ seconds: 7, data: "0102030405" });
    });

    test.each([
      { major: 1, minor: 2 },
      { major: 1, minor: 4 },
      { major: 2, minor: 5 },
      { major: 3, minor: 0 },
      { major: 543, minor: 4 },
      { major: 0, minor: 4 },
    ])("and of version $major.$minor is refused by its number", async ({ major, minor }) => {
      const outcome = await readAll(pcapFile({ littleEndian, major, minor }, [{ data: DATA }]));
      expect(outcome).toMatchObject({
        packets: [],
        error: { message: expect.stringContaining(`pcap version ${major}.${minor} is not supported`) },
      });
      expect(fault(outcome)).toBe("unsupported_capture@4");
    });

    test.each(Array.from({ length: 10 }, (_, index) => ({ bit: 16 + index })))(
      "with the reserved bit $bit of the link type is refused",
      async ({ bit }) => {
        const outcome = await readAll(pcapFile({ littleEndian, linkType: 1 + 2 ** bit }, [{ data: DATA }]));
        expect(fault(outcome)).toBe("unsupported_capture@20");
        expect(outcome.packets).toEqual([]);
      },
    );

    test.each([
      { what: "the flag of a frame check sequence", word: 0x0400_0001, linkType: 1 },
      { what: "a frame check sequence of 4 bytes", word: 0x2400_0001, linkType: 1 },
      { what: "all six bits, and the largest link type", word: 0xfc00_ffff, linkType: 0xffff },
    ])("keeps $what out of the link type and in the header", async ({ word, linkType }) => {
      const { source, packets } = await readWhole(
        pcapFile({ littleEndian, linkType: word }, [{ data: DATA }]),
      );
      expect(source.interfaces[0]).toMatchObject({ linkType, pcapHeader: { linkTypeWord: word } });
      expect(packets[0]?.linkType).toBe(linkType);
    });

    test.each([
      { magic: 0xa1b2cd34, name: "Kuznetzov's modified pcap" },
      { magic: 0xa1b234cd, name: "Mesquita's modified pcap" },
      { magic: 0xa12b3c4d, name: "Navtel's modified pcap" },
      { magic: 0x1c0001ac, name: "Ixia's pcap (hardware)" },
      { magic: 0x1c0001ab, name: "Ixia's pcap (software)" },
    ])("rejects the magic number of $name by name", async ({ magic, name }) => {
      const outcome = await readAll(pcapFile({ littleEndian, magic }, [{ data: DATA }]));
      expect(outcome.error).toMatchObject({ message: expect.stringContaining(name) });
      expect(fault(outcome)).toBe("unsupported_capture@0");
    });
  });

  test.each([
    { what: "an unknown magic number", bytes: pcapHeader({ magic: 0xdeadbeef }), error: "not_a_capture@0" },
    { what: "text", bytes: new TextEncoder().encode('{"flow":{}}\n'), error: "not_a_capture@0" },
    { what: "no bytes", bytes: new Uint8Array(0), error: "truncated_capture@0" },
    { what: "one byte", bytes: Uint8Array.of(0xd4), error: "not_a_capture@0" },
    { what: "three bytes of the magic number", bytes: pcapHeader().subarray(0, 3), error: "not_a_capture@0" },
    { what: "only the magic number", bytes: pcapHeader().subarray(0, 4), error: "truncated_capture@4" },
    {
      what: "all but one byte of a header",
      bytes: pcapHeader().subarray(0, 23),
      error: "truncated_capture@23",
    },
    {
      what: "a cut header of a version that is not supported",
      bytes: pcapHeader({ major: 1 }).subarray(0, 20),
      error: "truncated_capture@20",
    },
  ])("rejects $what", async ({ bytes, error }) => {
    const outcome = await readAll(bytes);
    expect(fault(outcome)).toBe(error);
    expect(outcome.source).toBeUndefined();
  });

  test.each([
    { bytes: "28b52ffd00000000", name: "zstd-compressed data; decompress it first: zstd -dc" },
    { bytes: "04224d1800000000", name: "lz4-compressed data; decompress it first: lz4 -dc" },
    { bytes: "fd377a585a000000", name: "xz-compressed data; decompress it first: xz -dc" },
    { bytes: "425a683931415926", name: "bzip2-compressed data; decompress it first: bzip2 -dc" },
    { bytes: "504b030400000000", name: "a ZIP archive; decompress it first: unzip -p" },
  ])("decodeCapture: names $name", async ({ bytes, name }) => {
    await expect(decodeCapture(bytesOf(bytes))).rejects.toMatchObject({
      code: "not_a_capture",
      message: `not a capture but ${name} (at byte 0)`,
    });
  });

  test("reports the bytes of an unknown magic number", async () => {
    await expect(decodeCapture(bytesOf("00be00ef00000000"))).rejects.toThrow("the first bytes are 00be00ef");
  });

  test("without packets is a valid capture", async () => {
    const { packets, source } = await readWhole(pcapHeader());
    expect(packets).toEqual([]);
    expect(source.interfaces).toHaveLength(1);
  });
});

describe("decodeCapture: a pcap packet", () => {
  test.each([
    { what: "more bytes than the snap length", snapLength: 4, lengths: [5, 9], above: 1, longer: 0 },
    { what: "more bytes than it had", snapLength: 100, lengths: [5, 4], above: 0, longer: 1 },
    { what: "both", snapLength: 4, lengths: [5, 4], above: 1, longer: 1 },
    { what: "as many bytes as both allow", snapLength: 5, lengths: [5, 5], above: 0, longer: 0 },
    {
      what: "bytes and a snap length of 0, which means no limit",
      snapLength: 0,
      lengths: [5, 5],
      above: 0,
      longer: 0,
    },
  ] as const)("with $what is complete and counted", async ({ snapLength, lengths, above, longer }) => {
    const { packets, source } = await readWhole(pcapFile({ snapLength }, [{ data: DATA, lengths }]));
    expect(dataOf(packets)).toEqual(["0102030405"]);
    expect(packets[0]?.originalLength).toBe(lengths[1]);
    expect(source.warnings).toMatchObject({
      aboveSnapLength: above,
      aboveOriginalLength: longer,
      damagedOptions: 0,
    });
  });

  test("is counted in the warnings once, for chunks of any size", async () => {
    const file = pcapFile({ snapLength: 4, littleEndian: false }, [{ data: DATA, lengths: [5, 4] }]);
    const { source } = await readWhole(Array.from(file, (byte) => Uint8Array.of(byte)));
    expect(source.warnings).toMatchObject({ aboveSnapLength: 1, aboveOriginalLength: 1 });
  });

  test("keeps a fraction of a second or more", async () => {
    const file = pcapFile({}, [{ seconds: 1, fraction: 4_000_000, data: DATA }]);
    expect(await packetsIn(file)).toMatchObject([{ seconds: 1, nanoseconds: 4_000_000_000 }]);
  });

  test("may be empty", async () => {
    const empty = { data: new Uint8Array(0), lengths: [0, 60] as const };
    expect(await packetsIn(pcapFile({}, [empty, { data: DATA }, empty]))).toMatchObject([
      { data: "", originalLength: 60 },
      { data: "0102030405" },
      { data: "", originalLength: 60 },
    ]);
  });

  test.each([
    { what: "most link types", linkType: 1, most: MAX_CAPTURED },
    { what: "EBHSCR", linkType: 279, most: 8 * 1024 * 1024 },
    { what: "D-Bus", linkType: LINKTYPE_DBUS, most: 128 * 1024 * 1024 },
    { what: "Linux USB", linkType: 220, most: 128 * 1024 * 1024 },
    { what: "USBPcap", linkType: 249, most: 128 * 1024 * 1024 },
  ])("of $what may be $most bytes long and no longer", async ({ linkType, most }) => {
    const good = pcapFile({ linkType }, [{ seconds: 1, data: DATA }]);
    const claiming = (length: number) => join(good, pcapRecord({ lengths: [length, length], data: DATA }));
    const allowed = await readAll(claiming(most));
    expect(fault(allowed)).toBe(`truncated_capture@${good.length}`);
    const refused = await readAll(claiming(most + 1));
    expect(fault(refused)).toBe(`malformed_capture@${good.length}`);
    expect(refused.error).toMatchObject({ message: expect.stringContaining(`captured length ${most + 1}`) });
    for (const outcome of [allowed, refused]) expect(dataOf(outcome.packets)).toEqual(["0102030405"]);
  });

  test.each([
    { what: "the longest of most link types", linkType: 1, length: MAX_CAPTURED },
    { what: "one of D-Bus above that", linkType: LINKTYPE_DBUS, length: 3_000_001 },
  ])("as long as $what is complete", async ({ linkType, length }) => {
    const data = Uint8Array.from({ length }, (_, index) => index * 31);
    const { packets } = await readWhole(pcapFile({ linkType }, [{ data }, { data: DATA }]));
    expect(packets.map(({ data }) => data.length / 2)).toEqual([length, 5]);
    expect(packets[0]?.data === Buffer.from(data).toString("hex")).toBe(true);
  });

  test("that is too long is rejected after all packets before it", async () => {
    const records = Array.from({ length: 40_000 }, (_, index) => ({ seconds: index, data: DATA }));
    const good = pcapFile({}, records);
    const outcome = await readAll(join(good, pcapRecord({ lengths: [0xffff_ffff, 60] }), pcapRecord()));
    expect(outcome.packets.map(({ seconds }) => seconds)).toEqual(records.map(({ seconds }) => seconds));
    expect(fault(outcome)).toBe(`malformed_capture@${good.length}`);
    expect(outcome.source?.stats().received).toBe(40_000);
  });
});

describe("decodeCapture: a truncated pcap file", () => {
  const records = [{ data: DATA }, { data: bytesOf("aa") }, { data: new Uint8Array(0) }, { data: DATA }];

  test.each([true, false])(
    "yields all complete records first, wherever it ends (little-endian: %s)",
    async (littleEndian) => {
      const file = pcapFile({ littleEndian }, records);
      const ends = [HEADER_LENGTH];
      for (const { data } of records) ends.push(ends.at(-1)! + RECORD_HEADER_LENGTH + data.length);
      for (let length = HEADER_LENGTH; length <= file.length; length++) {
        const outcome = await readAll(file.subarray(0, length));
        const whole = ends.filter((end) => end <= length).length - 1;
        expect(outcome.packets).toHaveLength(whole);
        expect(fault(outcome)).toBe(ends.includes(length) ? "no fault" : `truncated_capture@${ends[whole]}`);
      }
    },
  );

  test("throws once, then the iteration has ended", async () => {
    const source = await decodeCapture(pcapFile({}, records).subarray(0, -1));
    const iterator = source[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.length).toBe(3);
    await expect(iterator.next()).rejects.toThrow(CaptureError);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test("that ends in the first packet can be opened; the iteration throws", async () => {
    const source = await decodeCapture(pcapFile({}, records).subarray(0, 30));
    expect(source.interfaces).toHaveLength(1);
    await expect(source[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "truncated_capture",
      offset: HEADER_LENGTH,
      message: "the capture ends inside a packet (at byte 24)",
    });
  });
});

test("decodeCapture: reads every header field and record in either byte order (property)", async () => {
  const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const header: fc.Arbitrary<HeaderFields> = fc.record({
    littleEndian: fc.boolean(),
    magic: fc.constantFrom(MICROSECONDS, NANOSECONDS),
    thisZone: fc.integer(),
    sigFigs: uint32,
    snapLength: uint32,
    linkType: uint32.map((word) => (word & 0xfc00_ffff) >>> 0),
  });
  const record = fc.record({
    seconds: uint32,
    fraction: uint32,
    data: fc.uint8Array({ maxLength: 100 }),
    original: uint32,
  });
  await fc.assert(
    fc.asyncProperty(header, fc.array(record, { maxLength: 20 }), async (fields, records) => {
      const file = pcapFile(
        fields,
        records.map(({ original, ...rest }) => ({ ...rest, lengths: [rest.data.length, original] })),
      );
      const { packets, source } = await readWhole(file);
      const { linkType = 0, magic } = fields;
      expect(source.interfaces).toEqual([
        {
          linkType: linkType & 0xffff,
          resolution: magic === MICROSECONDS ? "us" : "ns",
          snapLength: fields.snapLength,
          pcapHeader: {
            versionMajor: 2,
            versionMinor: 4,
            thisZone: fields.thisZone,
            sigFigs: fields.sigFigs,
            linkTypeWord: linkType,
          },
        },
      ]);
      expect(packets).toEqual(
        records.map(({ seconds, fraction, data, original }) => ({
          interfaceId: 0,
          linkType: linkType & 0xffff,
          seconds,
          nanoseconds: fraction * (magic === MICROSECONDS ? 1000 : 1),
          originalLength: original,
          data: Buffer.from(data).toString("hex"),
          comments: [],
        })),
      );
    }),
  );
});
