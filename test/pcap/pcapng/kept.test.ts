import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePacketFilter, filterPackets } from "../../../src/packet/index.js";
import { decodeCapture, encodePcapng, mergeSources } from "../../../src/pcap/index.js";
import { everyNth, nth } from "../../support/amount.js";
import { describeWithPrograms, describeWithShared } from "../../support/shared.js";
import {
  type BlockWriter,
  blockWriter,
  CUSTOM,
  DECRYPTION_SECRETS,
  join,
  NAME_RESOLUTION,
  type Option,
  pad,
} from "../blocks.js";
import { chunksOf, collect, encoded, readAll } from "../read.js";
import { sharedCapture, sharedCaptures } from "../shared-captures.js";
import { canonicalBlocks, EXCEPTIONS, withoutAddedStatistics } from "./canonical-blocks.js";

const STEP = 5;
const SYSTEMD_JOURNAL = 9;
const CUSTOM_NO_COPY = 0x4000_0bad;
const UNKNOWN = 0x8000_0123;
const PACKET = Uint8Array.of(1, 2, 3);
const ENTERPRISE = 32_473;
const utf8 = new TextEncoder();

/**
 * One file with every block type and every option of the draft.
 *
 * @param known Leaves out what only little endian keeps.
 * @param single Leaves out the second section, and the block that must not be copied, which tshark prints.
 */
function everything(writer: BlockWriter, { known = false, single = false } = {}): Uint8Array {
  const { u16, u32, u64, section, enhanced, simple, obsolete, statistics, block, options } = writer;
  const custom: Option[] = [
    [2988, join(u32(ENTERPRISE), utf8.encode("text"))],
    [2989, join(u32(ENTERPRISE), Uint8Array.of(1, 2, 3))],
    [19372, join(u32(ENTERPRISE), utf8.encode("lost"))],
    [19373, join(u32(ENTERPRISE), Uint8Array.of(4))],
    ...(known ? [] : [[0x8001, Uint8Array.of(1, 2, 3, 4, 5)] as const]),
  ];
  const secrets = (text: string) =>
    block(
      DECRYPTION_SECRETS,
      join(
        u32(0x544c534b),
        u32(text.length),
        pad(utf8.encode(text)),
        options([[1, "from a test"], ...custom]),
      ),
    );
  const record = (type: number, value: Uint8Array) => join(u16(type), u16(value.length), pad(value));
  const names = block(
    NAME_RESOLUTION,
    join(
      record(1, join(Uint8Array.of(10, 0, 0, 1), utf8.encode("pod-a\0pod-b\0"))),
      record(2, join(new Uint8Array(16).fill(0xfd), utf8.encode("pod-c\0"))),
      record(0, new Uint8Array(0)),
      options([[2, "dns"], [3, Uint8Array.of(1, 1, 1, 1)], [4, new Uint8Array(16)], ...custom]),
    ),
  );
  const second = [
    // Of a second section: its interface gets the number 1.
    section({ options: [[2, "lost"]] }),
    writer.interface({ linkType: 101, options: [[2, "lo"]] }),
    enhanced({ time: 8_000_000n, data: PACKET }),
    simple(PACKET),
    names,
    statistics(0, [[4, 1n]]),
    enhanced({ time: 9_000_000n, data: PACKET, options: [[2, u32(2)]] }),
    secrets("CLIENT_RANDOM 44 55\n"),
  ];
  return join(
    section({ options: [[1, "a"], [2, "x86"], [3, "Linux"], [4, "dumpcap"], ...custom] }),
    secrets("CLIENT_RANDOM 00 11\n"),
    writer.interface({
      linkType: 1,
      snapLength: 96,
      options: [
        [1, "one"],
        [1, "two"],
        [2, "eth0"],
        [3, "uplink"],
        [4, Uint8Array.of(10, 0, 0, 1, 255, 0, 0, 0)],
        [4, Uint8Array.of(10, 0, 1, 1, 255, 0, 0, 0)],
        [5, new Uint8Array(17).fill(1)],
        [6, new Uint8Array(6).fill(2)],
        [7, new Uint8Array(8).fill(3)],
        [8, 1_000_000_000n],
        [9, 9],
        [10, u32(3600)],
        [11, join(Uint8Array.of(1), u16(0x28), Uint8Array.of(1, 2), u32(0x0800))],
        [12, "Linux 6"],
        [13, 4],
        [14, 5n],
        [15, "NIC"],
        [16, 10n],
        [17, 11n],
        [18, "Europe/Berlin"],
        ...custom,
      ],
    }),
    names,
    enhanced({
      time: 7_000_000_123n,
      data: PACKET,
      options: [
        [2, u32(0x0102_0304)],
        [1, "first"],
        [3, Uint8Array.of(2, 9, 8, 7, 6)],
        [4, 3n],
        [5, 77n],
        [6, u32(5)],
        [7, join(Uint8Array.of(1), u64(2n))],
        [7, join(Uint8Array.of(0), Uint8Array.of(1, 2, 3, 4))],
        [8, join(u32(100), u32(200))],
        ...custom,
      ],
    }),
    block(CUSTOM, join(u32(ENTERPRISE), Uint8Array.of(1, 2, 3, 4))),
    ...(single ? [] : [block(CUSTOM_NO_COPY, join(u32(ENTERPRISE), Uint8Array.of(1, 2, 3, 4)))]),
    simple(Uint8Array.of(5, 6, 7, 8)),
    statistics(0, [
      [1, "so far"],
      [2, join(u32(1), u32(2))],
      [3, join(u32(1), u32(3))],
      [4, 10n],
      [5, 1n],
      [6, 9n],
      [7, 2n],
      [8, 8n],
      ...custom,
    ]),
    block(SYSTEMD_JOURNAL, pad(utf8.encode("__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=text\n"))),
    ...(known ? [] : [block(UNKNOWN, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))]),
    obsolete({ time: 9_000_000_000n, data: PACKET, drops: 3, options: [[2, u32(1)]] }),
    obsolete({ time: 9_000_000_000n, data: PACKET, drops: 0xffff }),
    secrets("CLIENT_RANDOM 22 33\n"),
    ...(single ? [] : second),
  );
}

const rewritten = (bytes: Uint8Array) => encoded(encodePcapng, bytes);

describe("encodePcapng: keeps what decodeCapture has read", () => {
  const little = everything(blockWriter());

  test("every block type and option, at its place", async () => {
    expect(canonicalBlocks(await rewritten(little))).toEqual(canonicalBlocks(little));
    expect(EXCEPTIONS).toHaveLength(13);
  });

  test("in chunks of any size, and when it is rewritten again", async () => {
    const once = await rewritten(little);
    for (const size of [1, 7, 1000]) {
      const chunked = await collect(encodePcapng(await decodeCapture(chunksOf(little, size))));
      expect(canonicalBlocks(chunked)).toEqual(canonicalBlocks(once));
    }
    expect(canonicalBlocks(await rewritten(once))).toEqual(canonicalBlocks(once));
  });

  test("of big-endian sections the same, except unknown types", async () => {
    const big = everything(blockWriter({ littleEndian: false }), { known: true });
    expect(await rewritten(big)).toEqual(await rewritten(everything(blockWriter(), { known: true })));
  });

  test("counts the rest as not preserved", async () => {
    const { source } = await readAll(everything(blockWriter({ littleEndian: false })));
    expect(source?.warnings.notPreserved).toEqual({
      decryptionSecrets: 0,
      nameResolution: 0,
      customBlocks: 1,
      otherBlocks: 1,
      sectionOptions: 4,
      interfaceOptions: 3,
      packetFlags: 0,
      packetOptions: 3,
      statisticsOptions: 3,
    });
  });

  test("without packets: the blocks are written", async () => {
    const { section, block } = blockWriter();
    const file = join(section(), block(SYSTEMD_JOURNAL, Uint8Array.of(1, 2, 3, 4)));
    expect(canonicalBlocks(await rewritten(file)).blocks).toEqual(["block 9 01020304"]);
  });

  test("with statistics: writes no second block for an interface that has one", async () => {
    const { section, interface: describeInterface, statistics } = blockWriter();
    const file = join(section(), describeInterface(), statistics(0, [[4, 10n]]));
    expect(canonicalBlocks(await rewritten(file)).blocks).toHaveLength(1);
  });

  test("filtered: all side blocks, in order, and the options of the packets that are left", async () => {
    const source = filterPackets(await decodeCapture(little), (bytes, start) => bytes[start] === 5);
    const { blocks } = canonicalBlocks(await collect(encodePcapng(source)));
    const isSide = (block: string) => !/^(packet|simple) /.test(block);
    expect(blocks.filter(isSide)).toEqual(canonicalBlocks(little).blocks.filter(isSide));
    expect(blocks.filter((block) => !isSide(block))).toHaveLength(1);
    const none = filterPackets(
      await decodeCapture(little),
      compilePacketFilter([{ sourceCidr: "10.0.0.0/8", destinationCidr: "10.0.0.0/8" }]),
    );
    expect(canonicalBlocks(await collect(encodePcapng(none))).blocks).toEqual(
      canonicalBlocks(little).blocks.filter(isSide),
    );
  });

  test("merged: the blocks of all inputs without statistics, whose counts are added up", async () => {
    const merged = mergeSources([await decodeCapture(little), await decodeCapture(little)]);
    const { blocks } = canonicalBlocks(await collect(encodePcapng(merged)));
    const { blocks: before } = canonicalBlocks(little);
    const count = (list: readonly string[], kind: string) =>
      list.filter((block) => block.startsWith(`${kind} `)).length;
    for (const kind of ["secrets", "names", "block 9", "block 2989", "packet"])
      expect([kind, count(blocks, kind)]).toEqual([kind, 2 * count(before, kind)]);
    expect(count(blocks, `block ${UNKNOWN}`)).toBe(1);
    expect(blocks.filter((block) => block.startsWith("statistics"))).toHaveLength(2);
    expect(blocks.slice(0, 2).map((block) => block.split(" ")[0])).toEqual(["secrets", "names"]);
  });
});

describeWithPrograms("tshark: reads the same from a rewritten file", ["tshark", "editcap"], () => {
  const FIELDS = [
    ...["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name"],
    ...["frame.interface_description", "frame.comment", "frame.packet_flags", "frame.drop_count"],
    ...["frame.packet_id", "frame.interface_queue", "frame.verdict.ebpf_tc", "frame.verdict.hw"],
  ].flatMap((field) => ["-e", field]);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(joinPath(tmpdir(), "flowscribe-kept-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([true, false])("little endian: %s", async (littleEndian) => {
    const save = (name: string, bytes: Uint8Array) => {
      writeFileSync(joinPath(folder, name), bytes);
      return joinPath(folder, name);
    };
    const before = everything(blockWriter({ littleEndian }), { single: true });
    const after = await rewritten(before);
    const fields = (path: string) => run("tshark", "-n", "-r", path, "-T", "fields", ...FIELDS);
    const input = save("before.pcapng", before);
    const output = save("after.pcapng", after);
    expect(fields(output)).toBe(fields(input));
    expect(fields(output).trim().split("\n")).toHaveLength(6);
    run("editcap", output, joinPath(folder, "copy.pcapng"));
  });

  function run(program: string, ...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${program}: ${stderr}`);
    return stdout;
  }
});

describeWithShared("encodePcapng: keeps what captures of other programs have", () => {
  const files = sharedCaptures()
    .filter(({ file, packets }) => packets !== "refused" && /\.(pcapng|ntar)$/.test(file))
    .map(({ file }) => ({ file, bytes: sharedCapture(file) }))
    .filter(({ bytes }) => bytes[0] === 0x0a);

  /** It has sections of both byte orders. */
  const MIXED = "pcapng/output_le/difficult/test202.pcapng";
  const isLittle = ({ bytes }: { bytes: Uint8Array }) => bytes[8] === 0x4d;
  const little = files.filter((own) => isLittle(own) && own.file !== MIXED);

  test.each(everyNth(STEP, little))(`$file${nth(STEP)}`, async ({ bytes }) => {
    const before = canonicalBlocks(bytes);
    const kept = withoutAddedStatistics(canonicalBlocks(await rewritten(bytes)), before);
    expect(before.interfaces.length === 0 ? kept.blocks : kept).toEqual(
      before.interfaces.length === 0 ? before.blocks : before,
    );
  });

  /** Without custom options and blocks: they do not begin with an enterprise number in the byte order of their section. */
  const withoutUnknown = (bytes: Uint8Array) => {
    const { section, interfaces, blocks } = canonicalBlocks(bytes);
    const known = (text: string) => text.replaceAll(/[, ]?\b(291|33059|2988|2989):[0-9a-f]*/g, "");
    return {
      section: section.map(known).filter((option) => option !== ""),
      interfaces: interfaces.map(known),
      blocks: blocks.filter((block) => !block.startsWith("block 2989")).map(known),
    };
  };

  const twins = files.flatMap((big) => {
    const twin = little.find(({ file }) => file === big.file.replace("output_be", "output_le"));
    return isLittle(big) || twin === undefined ? [] : [{ ...big, twin: twin.bytes }];
  });

  test.each(everyNth(STEP, twins))(
    `$file, as its little-endian twin${nth(STEP)}`,
    async ({ bytes, twin }) => {
      expect(withoutUnknown(await rewritten(bytes))).toEqual(withoutUnknown(await rewritten(twin)));
    },
  );
});
