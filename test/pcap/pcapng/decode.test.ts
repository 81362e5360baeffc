import { describe, expect, test } from "vitest";
import { decodeCapture } from "../../../src/pcap/index.js";
import { CUSTOM, DECRYPTION_SECRETS, join, NAME_RESOLUTION, type Option } from "../blocks.js";
import { bytesOf, dataOf, packetsIn, readWhole } from "../read.js";
import {
  big,
  DATA,
  IF_FILTER,
  IF_NAME,
  IF_TIME_OFFSET,
  IF_TIME_RESOLUTION,
  little,
  OPT_COMMENT,
  orders,
  start,
  WHOLE,
} from "./captures.js";

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
        pcapngOptions: bytesOf("040008000a000001ffffff00"),
      },
    ]);
  });

  test("copies filters that are not strings", async () => {
    const { source } = await readWhole(
      join(section(), writer.interface({ options: [[IF_FILTER, bytesOf("0228000000")]] })),
    );
    expect(source.interfaces).toEqual([
      { linkType: 1, resolution: "us", snapLength: 0, pcapngOptions: bytesOf("0b0005000228000000000000") },
    ]);
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

  test("reads version 1.2 as 1.0", async () => {
    const file = join(section({ minor: 2 }), writer.interface(), enhanced({ data: DATA }));
    expect(dataOf(await packetsIn(file))).toEqual(["0102030405"]);
  });
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
