import { describe, expect, test } from "vitest";
import { decodeCapture } from "../../../src/pcap/index.js";
import { MAX_BLOCK_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTERFACES } from "../../../src/pcap/pcapng/limits.js";
import { amount } from "../../support/amount.js";
import {
  type BlockWriter,
  blockWriter,
  CUSTOM,
  DECRYPTION_SECRETS,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  join,
  NAME_RESOLUTION,
  type Option,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from "../blocks.js";
import { bytesOf, dataOf, fault, packetsIn, readAll, readWhole } from "../read.js";

// Many cases each: also a busy machine gets through.
const OPT_COMMENT = 1;
const IF_NAME = 2;
const IF_TIME_RESOLUTION = 9;
const IF_FILTER = 11;
const IF_TIME_OFFSET = 14;

const DATA = bytesOf("0102030405");
const WHOLE = bytesOf("01020304");
const MAX_CAPTURED = 262_144;
const LINKTYPE_DBUS = 231;

const little = blockWriter();
const big = blockWriter({ littleEndian: false });
const orders = [
  { order: "little-endian", writer: little },
  { order: "big-endian", writer: big },
];

/** A section with one interface and one packet of one byte. */
function start(writer: BlockWriter, options: readonly Option[] = []): Uint8Array {
  return join(writer.section(), writer.interface({ options }), writer.enhanced({ data: bytesOf("aa") }));
}

describe.each(orders)("decodeCapture: $order pcapng", ({ writer }) => {
  const { section, enhanced, obsolete, simple, statistics, block } = writer;

  test("without packets is a valid capture", async () => {
    const { packets, source } = await readWhole(section());
    expect(packets).toEqual([]);
    expect(source).toMatchObject({ fileFormat: "pcapng", compressed: false, interfaces: [] });
  });

  test("reads interface descriptions", async () => {
    const options: Option[] = [
      [OPT_COMMENT, "first"],
      [IF_NAME, "eth0"],
      [3, "uplink, ü"],
      [4, bytesOf("0a000001ffffff00")],
      [IF_TIME_RESOLUTION, 9],
      [IF_FILTER, "\0port 80"],
      [12, "Linux 6.1"],
      [15, "NIC\0\0"],
      [OPT_COMMENT, "second"],
    ];
    const file = join(section(), writer.interface({ linkType: 113, snapLength: 96, options }));
    const { source } = await readWhole(file);
    expect(source.interfaces).toEqual([
      {
        linkType: 113,
        resolution: "ns",
        snapLength: 96,
        name: "eth0",
        description: "uplink, ü",
        filter: "port 80",
        operatingSystem: "Linux 6.1",
        hardware: "NIC",
        comments: ["first", "second"],
      },
    ]);
  });

  test("ignores filters that are not strings", async () => {
    const { source } = await readWhole(
      join(section(), writer.interface({ options: [[IF_FILTER, bytesOf("0128000000")]] })),
    );
    expect(source.interfaces).toEqual([{ linkType: 1, resolution: "us", snapLength: 0 }]);
  });

  test.each([
    {
      what: "milliseconds",
      unit: 3,
      count: 1_700_000_000_123n,
      seconds: 1_700_000_000,
      nanoseconds: 123_000_000,
      resolution: "us",
    },
    {
      what: "microseconds",
      unit: 6,
      count: 1_700_000_000_123_456n,
      seconds: 1_700_000_000,
      nanoseconds: 123_456_000,
      resolution: "us",
    },
    {
      what: "tenths of microseconds",
      unit: 7,
      count: 17_000_000_001_234_567n,
      seconds: 1_700_000_000,
      nanoseconds: 123_456_700,
      resolution: "ns",
    },
    {
      what: "nanoseconds",
      unit: 9,
      count: 1_700_000_000_123_456_789n,
      seconds: 1_700_000_000,
      nanoseconds: 123_456_789,
      resolution: "ns",
    },
    {
      what: "seconds",
      unit: 0,
      count: 1_700_000_000n,
      seconds: 1_700_000_000,
      nanoseconds: 0,
      resolution: "us",
    },
    {
      what: "picoseconds, truncated to nanoseconds",
      unit: 12,
      count: 1_700_000_123_456_789n,
      seconds: 1700,
      nanoseconds: 123_456,
      resolution: "ns",
    },
    {
      what: "2^-10 seconds",
      unit: 0x8a,
      count: (1_700_000_000n << 10n) + 3n,
      seconds: 1_700_000_000,
      nanoseconds: 2_929_687,
      resolution: "ns",
    },
    {
      what: "2^-20 seconds",
      unit: 0x94,
      count: (1_700_000_000n << 20n) + 1n,
      seconds: 1_700_000_000,
      nanoseconds: 953,
      resolution: "ns",
    },
    {
      what: "2^-32 seconds",
      unit: 0xa0,
      count: (1_700_000_000n << 32n) + 0xffff_ffffn,
      seconds: 1_700_000_000,
      nanoseconds: 999_999_999,
      resolution: "ns",
    },
    {
      what: "2^-127 seconds, of which 64 bits are less than a nanosecond",
      unit: 0xff,
      count: 2n ** 64n - 1n,
      seconds: 0,
      nanoseconds: 0,
      resolution: "ns",
    },
    {
      what: "10^-127 seconds",
      unit: 0x7f,
      count: 2n ** 64n - 1n,
      seconds: 0,
      nanoseconds: 0,
      resolution: "ns",
    },
  ])("counts time in $what", async ({ unit, count, seconds, nanoseconds, resolution }) => {
    const file = join(
      section(),
      writer.interface({ options: [[IF_TIME_RESOLUTION, unit]] }),
      enhanced({ time: count, data: DATA }),
    );
    const { packets, source } = await readWhole(file);
    expect(packets).toMatchObject([{ seconds, nanoseconds, data: "0102030405" }]);
    expect(source.interfaces[0]?.resolution).toBe(resolution);
  });

  test.each([
    { what: "a positive offset", offset: 1_600_000_000n, count: 5_000_001n, seconds: 1_600_000_005 },
    { what: "a negative offset", offset: -10n, count: 15_000_001n, seconds: 5 },
    { what: "a negative offset to before 1970", offset: -10n, count: 5_000_001n, seconds: -5 },
    { what: "an offset to after 2106", offset: 2n ** 33n, count: 1_000_001n, seconds: 2 ** 33 + 1 },
    { what: "a far negative offset", offset: -(2n ** 40n), count: 1_000_001n, seconds: -(2 ** 40) + 1 },
    {
      what: "no offset but a count that exceeds 2106",
      offset: 0n,
      count: 2n ** 63n,
      seconds: 9_223_372_036_854,
    },
  ])("adds $what to the times", async ({ offset, count, seconds }) => {
    const file = join(
      section(),
      writer.interface({ options: [[IF_TIME_OFFSET, BigInt.asUintN(64, offset)]] }),
      enhanced({ time: count, data: DATA }),
    );
    const [packet] = await packetsIn(file);
    expect(packet?.seconds).toBe(seconds);
    expect(packet?.nanoseconds).toBe(Number(count % 1_000_000n) * 1000);
  });

  test.each([2n ** 53n, -(2n ** 53n), 2n ** 63n])("rejects a time offset of %s seconds", async (offset) => {
    const option = BigInt.asUintN(64, offset);
    const file = join(section(), writer.interface({ options: [[IF_TIME_OFFSET, option]] }));
    await expect(packetsIn(file)).rejects.toThrow("the time offset of an interface is 2^53 seconds or more");
  });

  test("starts a new batch for another era of 2³² seconds", async () => {
    const at = (seconds: bigint) => enhanced({ time: seconds * 1_000_000n, data: DATA });
    const file = join(section(), writer.interface(), at(1n), at(2n ** 32n - 1n), at(2n ** 32n), at(3n));
    const batches = [];
    for await (const batch of await decodeCapture(file)) batches.push([batch.length, batch.eraSeconds ?? 0]);
    expect(batches).toEqual([
      [2, 0],
      [1, 2 ** 32],
      [1, 0],
    ]);
  });

  test("uses microseconds if the unit option is empty, and no offset if that option is too short", async () => {
    const options: Option[] = [
      [IF_TIME_RESOLUTION, new Uint8Array(0)],
      [IF_TIME_OFFSET, bytesOf("01020304")],
    ];
    const file = join(section(), writer.interface({ options }), enhanced({ time: 1_000_001n }));
    expect(await packetsIn(file)).toMatchObject([{ seconds: 1, nanoseconds: 1000 }]);
  });

  test("reads enhanced packets with original length, interface and comments", async () => {
    const file = join(
      section(),
      writer.interface({ linkType: 1 }),
      writer.interface({ linkType: 101, options: [[IF_TIME_RESOLUTION, 9]] }),
      enhanced({ interfaceId: 1, time: 1_000_000_007n, data: DATA, original: 60 }),
      enhanced({
        interfaceId: 0,
        time: 2_000_000n,
        data: WHOLE,
        options: [
          [OPT_COMMENT, "one"],
          [2, bytesOf("00000001")],
          [OPT_COMMENT, "zwei ü\0"],
          [OPT_COMMENT, ""],
        ],
      }),
    );
    expect(await packetsIn(file)).toEqual([
      {
        interfaceId: 1,
        linkType: 101,
        seconds: 1,
        nanoseconds: 7,
        originalLength: 60,
        data: "0102030405",
        comments: [],
      },
      {
        interfaceId: 0,
        linkType: 1,
        seconds: 2,
        nanoseconds: 0,
        originalLength: 4,
        data: "01020304",
        comments: ["one", "zwei ü", ""],
      },
    ]);
  });

  test("keeps comments with their packets when a batch has several", async () => {
    const comment = (text: string) => enhanced({ data: DATA, options: [[OPT_COMMENT, text]] });
    const file = join(section(), writer.interface(), comment("a"), enhanced({ data: WHOLE }), comment("c"));
    expect((await packetsIn(file)).map(({ comments }) => comments)).toEqual([["a"], [], ["c"]]);
  });

  test.each([
    { what: "complete without a snap length", snapLength: 0, original: 5, kept: "0102030405" },
    { what: "complete below the snap length", snapLength: 100, original: 5, kept: "0102030405" },
    { what: "truncated to the snap length", snapLength: 5, original: 1500, kept: "0102030405" },
  ])("reads simple packets: $what, without a time", async ({ snapLength, original, kept }) => {
    const file = join(
      section(),
      writer.interface({ snapLength, linkType: 113 }),
      simple(DATA, original),
      enhanced({ time: 1n, data: WHOLE }),
      simple(DATA, original),
      simple(DATA, original),
    );
    const expected = {
      seconds: undefined,
      nanoseconds: 0,
      originalLength: original,
      data: kept,
      linkType: 113,
    };
    expect(await packetsIn(file)).toMatchObject([
      expected,
      { seconds: 0, data: "01020304" },
      expected,
      expected,
    ]);
  });

  test("reads obsolete packets with time, interface and comments", async () => {
    const file = join(
      section(),
      writer.interface(),
      writer.interface({ linkType: 101 }),
      obsolete({
        interfaceId: 1,
        drops: 0xffff,
        time: 3_000_005n,
        data: DATA,
        original: 9,
        options: [[OPT_COMMENT, "old"]],
      }),
    );
    expect(await packetsIn(file)).toEqual([
      {
        interfaceId: 1,
        linkType: 101,
        seconds: 3,
        nanoseconds: 5000,
        originalLength: 9,
        data: "0102030405",
        comments: ["old"],
      },
    ]);
  });

  test.each([
    { what: "name resolution", type: NAME_RESOLUTION, length: 40 },
    { what: "decryption secrets", type: DECRYPTION_SECRETS, length: 400 },
    { what: "a custom block", type: CUSTOM, length: 0 },
    { what: "a block of an unknown type", type: 0x7fff_ffff, length: 4 },
    { what: "a block of the highest type", type: 0xffff_ffff, length: 2_000_000 },
  ])("skips $what", async ({ type, length }) => {
    const skipped = block(type, new Uint8Array(length).fill(0x0a));
    const file = join(
      section(),
      skipped,
      writer.interface(),
      enhanced({ data: DATA }),
      skipped,
      skipped,
      enhanced({ data: WHOLE }),
      skipped,
    );
    expect(dataOf(await packetsIn(file))).toEqual(["0102030405", "01020304"]);
  });

  test("continues to count interfaces in later sections, which cannot refer to those before", async () => {
    const other = writer === little ? big : little;
    const file = join(
      section(),
      writer.interface({ linkType: 1, options: [[IF_NAME, "a"]] }),
      writer.interface({ linkType: 101, options: [[IF_NAME, "b"]] }),
      enhanced({ interfaceId: 1, data: bytesOf("01") }),
      other.section(),
      other.interface({ linkType: 113, options: [[IF_NAME, "c"]] }),
      other.enhanced({ interfaceId: 0, time: 1_000_000n, data: bytesOf("02") }),
      other.simple(bytesOf("03")),
      other.statistics(0, [[4, 3n]]),
      section(),
      writer.interface({ linkType: 276, options: [[IF_NAME, "d"]] }),
      obsolete({ interfaceId: 0, data: bytesOf("04") }),
    );
    const { packets, source } = await readWhole(file);
    expect(packets).toMatchObject([
      { interfaceId: 1, linkType: 101, data: "01" },
      { interfaceId: 2, linkType: 113, data: "02", seconds: 1 },
      { interfaceId: 2, linkType: 113, data: "03", seconds: undefined },
      { interfaceId: 3, linkType: 276, data: "04" },
    ]);
    expect(source.interfaces.map(({ name, counts }) => [name, counts?.received])).toEqual([
      ["a", undefined],
      ["b", undefined],
      ["c", 3],
      ["d", undefined],
    ]);
  });

  test("lists the interfaces before the first packet when it is opened, the others later", async () => {
    const file = join(
      section(),
      writer.interface(),
      enhanced({ data: DATA }),
      writer.interface(),
      enhanced({ interfaceId: 1, data: new Uint8Array(200_000) }),
      enhanced({ interfaceId: 1, data: new Uint8Array(200_000) }),
      enhanced({ interfaceId: 1, data: new Uint8Array(200_000) }),
      writer.interface(),
    );
    const source = await decodeCapture(file);
    expect(source.interfaces.length).toBeLessThan(3);
    for await (const _ of source);
    expect(source.interfaces).toHaveLength(3);
  });

  describe("statistics", () => {
    const RECEIVED = 4;
    const INTERFACE_DROPPED = 5;
    const SYSTEM_DROPPED = 7;

    test.each<{ what: string; options: Option[]; counts: object; dropped: number }>([
      {
        what: "both counts",
        options: [
          [RECEIVED, 10n],
          [INTERFACE_DROPPED, 3n],
        ],
        counts: { received: 10, dropped: 3 },
        dropped: 3,
      },
      {
        what: "both kinds of drops",
        options: [
          [INTERFACE_DROPPED, 3n],
          [SYSTEM_DROPPED, 4n],
        ],
        counts: { dropped: 7 },
        dropped: 7,
      },
      { what: "drops of the system", options: [[SYSTEM_DROPPED, 4n]], counts: { dropped: 4 }, dropped: 4 },
      { what: "one count", options: [[RECEIVED, 10n]], counts: { received: 10 }, dropped: 0 },
      {
        what: "a count above 2³²",
        options: [[SYSTEM_DROPPED, 2n ** 40n]],
        counts: { dropped: 2 ** 40 },
        dropped: 2 ** 40,
      },
      {
        what: "other counts, and counts that are too short",
        options: [
          [2, 5n],
          [RECEIVED, bytesOf("01000000")],
        ],
        counts: {},
        dropped: 0,
      },
      { what: "none", options: [], counts: {}, dropped: 0 },
    ])("reads $what", async ({ options, counts, dropped }) => {
      const { source } = await readWhole(join(start(writer), statistics(0, options)));
      expect(source.interfaces[0]?.counts).toEqual(counts);
      expect(source.stats()).toEqual({ received: 1, dropped });
    });

    test("uses the latest value of each count; drops are summed over the interfaces", async () => {
      const { source } = await readWhole(
        join(
          start(writer),
          writer.interface(),
          statistics(0, [
            [RECEIVED, 1n],
            [SYSTEM_DROPPED, 1n],
          ]),
          statistics(1, [[INTERFACE_DROPPED, 20n]]),
          statistics(0, [[SYSTEM_DROPPED, 2n]]),
        ),
      );
      expect(source.interfaces.map(({ counts }) => counts)).toEqual([
        { received: 1, dropped: 2 },
        { dropped: 20 },
      ]);
      expect(source.stats().dropped).toBe(22);
    });
  });

  describe("if damaged, yields the packets before the damage, then throws with the offset:", () => {
    const good = start(writer);
    const at = good.length;
    const packet = enhanced({ data: DATA });
    const option = (code: number, length: number, value: Uint8Array) =>
      join(writer.u16(code), writer.u16(length), value);

    test.each<{ what: string; bytes: Uint8Array; error: string }>([
      {
        what: "a packet of an unknown interface",
        bytes: enhanced({ interfaceId: 1 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet of interface 2³²−1",
        bytes: enhanced({ interfaceId: 0xffff_ffff }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an obsolete packet of an unknown interface",
        bytes: obsolete({ interfaceId: 1 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a simple packet in a section without interfaces",
        bytes: join(section(), simple(DATA)),
        error: `malformed_capture@${at + 28}`,
      },
      {
        what: "a packet in a section without interfaces",
        bytes: join(section(), packet),
        error: `malformed_capture@${at + 28}`,
      },
      { what: "statistics of an unknown interface", bytes: statistics(1), error: `malformed_capture@${at}` },
      {
        what: "statistics too short",
        bytes: block(INTERFACE_STATISTICS, new Uint8Array(8)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet block too short",
        bytes: block(ENHANCED_PACKET, new Uint8Array(16)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a simple packet too short",
        bytes: block(SIMPLE_PACKET, new Uint8Array(0)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an interface too short",
        bytes: block(INTERFACE_DESCRIPTION, new Uint8Array(4)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "more data than the block",
        bytes: enhanced({ data: WHOLE, captured: 5 }),
        error: `malformed_capture@${at}`,
      },
      { what: "more simple data than the block", bytes: simple(WHOLE, 5), error: `malformed_capture@${at}` },
      {
        what: "captured length 2³²−1",
        bytes: enhanced({ data: WHOLE, captured: 0xffff_ffff }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a length that is not a multiple of 4",
        bytes: block(CUSTOM, WHOLE, { length: 17 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet's length that is not a multiple of 4",
        bytes: block(ENHANCED_PACKET, new Uint8Array(24), { length: 34 }),
        error: `malformed_capture@${at}`,
      },
      { what: "a length of 0", bytes: block(CUSTOM, WHOLE, { length: 0 }), error: `malformed_capture@${at}` },
      {
        what: "a length below the block's own fields",
        bytes: block(CUSTOM, WHOLE, { length: 8 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet with a different trailing length",
        bytes: block(ENHANCED_PACKET, new Uint8Array(20), { trailer: 36 }),
        error: `malformed_capture@${at + 28}`,
      },
      {
        what: "a skipped block with a different trailing length",
        bytes: block(CUSTOM, WHOLE, { trailer: 0 }),
        error: `malformed_capture@${at + 12}`,
      },
      {
        what: "an interface's option past its block",
        bytes: writer.block(INTERFACE_DESCRIPTION, join(new Uint8Array(8), option(IF_NAME, 5, WHOLE))),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an interface's option without a complete length",
        bytes: block(
          INTERFACE_DESCRIPTION,
          join(new Uint8Array(8), option(IF_NAME, 8, WHOLE), WHOLE.subarray(0, 0)),
        ),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a section without byte order",
        bytes: block(SECTION_HEADER, new Uint8Array(16)),
        error: `malformed_capture@${at + 8}`,
      },
      {
        what: "a section of version 1.1",
        bytes: section({ minor: 1 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section of version 1.3",
        bytes: section({ minor: 3 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section of version 0.1",
        bytes: section({ major: 0, minor: 1 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section of version 2.0",
        bytes: section({ major: 2 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section with a different trailing length",
        bytes: block(SECTION_HEADER, section().subarray(8, 24), { trailer: 32 }),
        error: `malformed_capture@${at + 24}`,
      },
      {
        what: "a section's length too small",
        bytes: block(SECTION_HEADER, section().subarray(8, 24), { length: 24 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a section's length above the bound",
        bytes: block(SECTION_HEADER, section().subarray(8, 24), { length: MAX_BLOCK_BYTES + 4 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet block above the bound",
        bytes: block(ENHANCED_PACKET, new Uint8Array(20), { length: MAX_BLOCK_BYTES + 4 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a simple packet above the bound",
        bytes: block(SIMPLE_PACKET, new Uint8Array(20), { length: MAX_BLOCK_BYTES + 4 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an interface above the bound",
        bytes: block(INTERFACE_DESCRIPTION, new Uint8Array(20), { length: 0xffff_fffc }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "the end in the fields of a block",
        bytes: packet.subarray(0, 11),
        error: `truncated_capture@${at}`,
      },
      { what: "the end in a packet", bytes: packet.subarray(0, -1), error: `truncated_capture@${at}` },
      {
        what: "the end in a section header",
        bytes: section().subarray(0, 27),
        error: `truncated_capture@${at}`,
      },
      {
        what: "the end in the options of a section header",
        bytes: section({ options: [[4, "x"]] }).subarray(0, 30),
        error: `truncated_capture@${at}`,
      },
      {
        what: "the end in a skipped block",
        bytes: block(CUSTOM, WHOLE).subarray(0, 15),
        error: `truncated_capture@${at + 12}`,
      },
      {
        what: "the end before the trailing length of a skipped block",
        bytes: block(CUSTOM, WHOLE).subarray(0, 12),
        error: `truncated_capture@${at + 12}`,
      },
    ])("$what", async ({ bytes, error }) => {
      for (const before of [0, 3]) {
        const packets = Array.from({ length: before }, () => packet);
        const outcome = await readAll(join(good, ...packets, bytes, packet));
        const cut = error.startsWith("truncated") ? await readAll(join(good, ...packets, bytes)) : outcome;
        expect(dataOf(cut.packets)).toEqual(["aa", ...packets.map(() => "0102030405")]);
        const [code, offset] = error.split("@");
        expect(fault(cut)).toBe(`${code}@${Number(offset) + before * packet.length}`);
      }
    });

    test("keeps the byte order of the section before if a section header is rejected", async () => {
      const other = writer === little ? big : little;
      const iterator = (await decodeCapture(join(good, other.section({ minor: 1 }))))[Symbol.asyncIterator]();
      expect((await iterator.next()).value?.length).toBe(1);
      await expect(iterator.next()).rejects.toMatchObject({ code: "unsupported_capture", offset: at + 12 });
    });
  });

  test("reads version 1.2 as 1.0", async () => {
    const file = join(section({ minor: 2 }), writer.interface(), enhanced({ data: DATA }));
    expect(dataOf(await packetsIn(file))).toEqual(["0102030405"]);
  });

  test.each([
    {
      what: "an option past the block",
      raw: join(writer.option([OPT_COMMENT, "kept"]), writer.u16(OPT_COMMENT), writer.u16(9), WHOLE),
      comments: ["kept"],
      damaged: 1,
    },
    {
      what: "only an option's header past the block",
      raw: join(writer.u16(OPT_COMMENT), writer.u16(4)),
      comments: [],
      damaged: 1,
    },
    {
      what: "options without an end marker",
      raw: writer.option([OPT_COMMENT, "kept"]),
      comments: ["kept"],
      damaged: 0,
    },
    { what: "an end with a length", raw: join(writer.u16(0), writer.u16(99)), comments: [], damaged: 0 },
    {
      what: "options after the end marker",
      raw: join(writer.options([[OPT_COMMENT, "kept"]]), writer.option([OPT_COMMENT, "lost"])),
      comments: ["kept"],
      damaged: 0,
    },
    {
      what: "text that is not UTF-8",
      raw: writer.options([[OPT_COMMENT, bytesOf("61ff62")]]),
      comments: ["a\ufffdb"],
      damaged: 0,
    },
  ])("with $what after a packet reads the packet, and counts damage", async ({ raw, comments, damaged }) => {
    const file = join(start(writer), enhanced({ data: DATA, rawOptions: raw }), enhanced({ data: WHOLE }));
    const { packets, source } = await readWhole(file);
    expect(dataOf(packets)).toEqual(["aa", "0102030405", "01020304"]);
    expect(packets[1]?.comments).toEqual(comments);
    expect(source.warnings).toMatchObject({
      aboveSnapLength: 0,
      aboveOriginalLength: 0,
      damagedOptions: damaged,
    });
  });

  test("counts packets above snap length and original length, once, for chunks of any size", async () => {
    const file = join(
      section(),
      writer.interface({ snapLength: 4 }),
      enhanced({ data: DATA, original: 9 }),
      enhanced({ data: WHOLE, original: 3 }),
      enhanced({ data: DATA, original: 4 }),
      enhanced({ data: DATA, rawOptions: writer.u32(0x01010101) }),
    );
    const expected = { aboveSnapLength: 3, aboveOriginalLength: 2, damagedOptions: 1 };
    expect((await readWhole(file)).source.warnings).toMatchObject(expected);
    const bytes = Array.from(file, (byte) => Uint8Array.of(byte));
    expect((await readWhole(bytes)).source.warnings).toMatchObject(expected);
  });

  test.each([
    { what: "most link types", linkType: 1, length: MAX_CAPTURED, accepted: true },
    { what: "most link types", linkType: 1, length: MAX_CAPTURED + 1, accepted: false },
    {
      what: "D-Bus",
      linkType: LINKTYPE_DBUS,
      length: amount({ quick: 2_000_000, long: 20_000_000 }),
      accepted: true,
    },
  ])(
    "with a packet of $length bytes of $what: accepted is $accepted",
    async ({ linkType, length, accepted }) => {
      const data = Uint8Array.from({ length }, (_, index) => index * 13);
      const head = join(section(), writer.interface({ linkType }));
      for (const packet of [enhanced({ data }), obsolete({ data })]) {
        const outcome = await readAll(join(head, packet, enhanced({ data: DATA })));
        expect(fault(outcome)).toBe(accepted ? "no fault" : `malformed_capture@${head.length}`);
        expect(outcome.packets.map((packet) => packet.data.length / 2)).toEqual(accepted ? [length, 5] : []);
        if (accepted) expect(outcome.packets[0]?.data === Buffer.from(data).toString("hex")).toBe(true);
      }
    },
  );
});

test.each([0, 4])("decodeCapture: an interface description with %d bytes is too short", async (length) => {
  const short = little.block(INTERFACE_DESCRIPTION, new Uint8Array(length));
  const { error } = await readAll(join(start(little), short, little.enhanced()));
  expect(error).toMatchObject({ message: expect.stringContaining("interface description is too short") });
});

test("decodeCapture: accepts 65,536 interfaces over all sections, and rejects one more", async () => {
  const perSection = join(...Array.from({ length: MAX_INTERFACES / 2 }, () => little.interface()));
  const full = join(little.section(), perSection, little.section(), perSection);
  const packet = little.enhanced({ interfaceId: MAX_INTERFACES / 2 - 1, data: DATA });
  const { packets, source } = await readWhole(join(full, packet));
  expect(source.interfaces).toHaveLength(MAX_INTERFACES);
  expect(packets[0]?.interfaceId).toBe(MAX_INTERFACES - 1);
  const refused = await readAll(join(full, packet, little.interface(), packet));
  expect(refused.packets).toHaveLength(1);
  expect(fault(refused)).toBe(`malformed_capture@${full.length + packet.length}`);
});

test("decodeCapture: rejects interface descriptions above the limit of bytes", async () => {
  const comment: Option = [OPT_COMMENT, "x".repeat(65_532)];
  const large = little.interface({ options: Array.from({ length: 200 }, () => comment) });
  const fitting = Math.floor(MAX_DESCRIPTION_BYTES / large.length);
  function* file() {
    yield little.section();
    for (let index = 0; index <= fitting; index++) yield large;
  }
  const source = await decodeCapture(file()).catch((error: unknown) => error);
  expect(source).not.toBeInstanceOf(Error);
  const outcome = await readAll(Promise.resolve(source as Awaited<ReturnType<typeof decodeCapture>>));
  expect(fault(outcome)).toBe(`malformed_capture@${28 + fitting * large.length}`);
  expect(outcome.source?.interfaces).toHaveLength(fitting);
});

test("decodeCapture: a string of NULs is read as fast as any other", async () => {
  const nuls = new Uint8Array(65_535);
  nuls[65_534] = 0x61;
  const file = join(
    start(little),
    little.enhanced({ options: Array.from({ length: 200 }, (): Option => [OPT_COMMENT, nuls]) }),
  );
  const packets = await packetsIn(file);
  expect(packets[1]?.comments).toHaveLength(200);
  expect(packets[1]?.comments.every((text) => text.length === 65_535)).toBe(true);
});

test("decodeCapture: does not change a chunk", async () => {
  const file = join(start(big), big.simple(DATA));
  const before = file.slice();
  await readWhole(file);
  expect(file).toEqual(before);
});
