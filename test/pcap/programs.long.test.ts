import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBatch, type PacketFormat } from "../../src/packet/batch.js";
import { fromBatches } from "../../src/packet/source/from-batches.js";
import type { CaptureInterface } from "../../src/packet/source.js";
import { encodePcap, encodePcapng } from "../../src/pcap/index.js";
import { describeWithPrograms } from "../support/shared.js";
import { collect, encoded, packetsIn, type ReadPacket } from "./read.js";
import { sample } from "./shared-captures.js";

// Many cases each: also a busy machine gets through.
const SECONDS = 1_700_000_000;
/** An Ethernet frame with an ARP request, so that no dissector complains. */
const ARP = new Uint8Array(
  Buffer.from(
    `ffffffffffff02000000000108060001080006040001020000000001c0a80101000000000000c0a80102${"00".repeat(18)}`,
    "hex",
  ),
);

const INTERFACES: readonly CaptureInterface[] = [
  {
    linkType: 1,
    resolution: "ns",
    snapLength: 96,
    name: "lxc-ü",
    description: "the first one",
    filter: "arp and not port 80",
    operatingSystem: "Linux 6.1",
    hardware: "virtual",
    comments: ["about the interface"],
    counts: { received: 1234, dropped: 56 },
  },
  { linkType: 1, resolution: "us", snapLength: 0, name: "eth1" },
  { linkType: 1, resolution: "us", snapLength: 0, name: "late" },
];

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-programs-"));
  const save = (name: string, bytes: Uint8Array) => writeFileSync(path(name), bytes);
  const pcap = sample("sample.pcap");
  save("us.pcap", await encoded(encodePcap, pcap));
  save("ns.pcap", await encoded((source) => encodePcap(source, { resolution: "ns" }), pcap));
  save("ns.pcap.gz", gzipSync(await encoded((source) => encodePcap(source, { resolution: "ns" }), pcap)));
  save("from-pcap.pcapng", await encoded(encodePcapng, pcap));
  save("sample.pcapng", await encoded(encodePcapng, sample("sample.pcapng")));
  save("own.pcapng", await ownCapture());
  save("early.pcapng", await earlyCapture());
  save("empty.pcap", await collect(encodePcap(fromBatches([], []))));
  save("empty.pcapng", await collect(encodePcapng(fromBatches([], []))));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Several interfaces, comments, a cut packet and packets without a time. */
function ownCapture(): Promise<Uint8Array> {
  const [first, second] = INTERFACES.map(
    ({ linkType, resolution, snapLength }, interfaceId): PacketFormat => ({
      linkType,
      resolution,
      snapLength,
      interfaceId,
    }),
  ) as [PacketFormat, PacketFormat];
  const interfaces = INTERFACES.slice(0, 2);
  const batches = (function* () {
    yield createBatch(first, [
      { bytes: ARP, seconds: SECONDS, nanoseconds: 123_456_789, comments: ["first", "second, ü €"] },
      { bytes: ARP, seconds: SECONDS + 1, nanoseconds: 1, originalLength: 1500 },
    ]);
    yield createBatch(second, [
      { bytes: ARP, seconds: SECONDS + 2, nanoseconds: 5000, comments: ["x".repeat(70_000)] },
    ]);
    yield { ...createBatch(first, [{ bytes: ARP }]), untimed: true };
    interfaces.push(INTERFACES[2]!);
  })();
  return collect(encodePcapng(fromBatches(batches, interfaces)));
}

/** Packets of 1969, one of them without a time on an interface that is not the first. */
function earlyCapture(): Promise<Uint8Array> {
  const format = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 1 } as const;
  const early = createBatch(format, [{ bytes: ARP, seconds: 2 ** 32 - 5, nanoseconds: 250_000_000 }]);
  const batches = [
    { ...early, eraSeconds: -(2 ** 32) },
    { ...createBatch(format, [{ bytes: ARP }]), untimed: true },
  ];
  const { linkType, resolution, snapLength } = format;
  const second = { linkType, resolution, snapLength, timeOffsetSeconds: -10 };
  return collect(encodePcapng(fromBatches(batches, [{ linkType, resolution, snapLength }, second])));
}

const FILES = [
  { file: "us.pcap", type: "pcap", packets: 527, unit: "microseconds" },
  { file: "ns.pcap", type: "nsecpcap", packets: 527, unit: "nanoseconds" },
  { file: "ns.pcap.gz", type: "nsecpcap", packets: 527, unit: "nanoseconds" },
  { file: "from-pcap.pcapng", type: "pcapng", packets: 527, unit: "microseconds" },
  { file: "sample.pcapng", type: "pcapng", packets: 358, unit: "nanoseconds" },
  { file: "own.pcapng", type: "pcapng", packets: 4, unit: undefined },
  { file: "early.pcapng", type: "pcapng", packets: 2, unit: undefined },
  { file: "empty.pcap", type: "pcap", packets: 0, unit: "microseconds" },
  { file: "empty.pcapng", type: "pcapng", packets: 0, unit: "microseconds" },
];

describeWithPrograms("capinfos", ["capinfos"], () => {
  test.each(FILES)("counts $packets packets in $file, as $type", ({ file, type, packets, unit }) => {
    const table = run("capinfos", ["-T", "-M", "-m", "-Q", path(file)])
      .trim()
      .split("\n");
    const [names, values] = table.map((line) => line.slice(1, -1).split('","')) as [string[], string[]];
    const said = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    expect(said).toMatchObject({ "File type": type, "Number of packets": String(packets) });
    if (unit !== undefined) expect(said["File time precision"]).toContain(unit);
  });

  test("shows interfaces and statistics", () => {
    const text = run("capinfos", ["-I", path("own.pcapng")]);
    for (const [index, { name }] of INTERFACES.entries()) {
      expect(text).toMatch(new RegExp(`Interface #${index} info:\\s+Name = ${name}`));
    }
    expect(text).toContain("Description = the first one");
    expect(text).toContain("Filter string = arp and not port 80");
    expect(text).toContain("Operating system = Linux 6.1");
    expect(text).toContain("Hardware = virtual");
    expect(text).toContain("Capture length = 96");
    expect(text).toContain("Time ticks per second = 1000000000");
    expect(text.match(/Number of stat entries = \d/g)).toEqual([
      "Number of stat entries = 1",
      "Number of stat entries = 0",
      "Number of stat entries = 0",
    ]);
    expect(run("capinfos", [path("own.pcapng")])).toMatch(/Capture application:\s+flowscribe/);
  });
});

describeWithPrograms("tshark", ["tshark"], () => {
  const fields = [
    "frame.time_epoch",
    "frame.cap_len",
    "frame.len",
    "frame.interface_id",
    "frame.interface_name",
    "frame.comment",
  ];

  test.each(FILES)("reads the same packets of $file", async ({ file, packets }) => {
    const bytes = readPlain(file);
    const own = await packetsIn(bytes);
    expect(own).toHaveLength(packets);
    const seen = dissect(file, ["frame.time_epoch", "frame.cap_len", "frame.len"]);
    const expected = own
      .filter(({ seconds }) => seconds !== undefined)
      .map((packet) => [epoch(packet), String(packet.data.length / 2), String(packet.originalLength)]);
    expect(
      seen.filter(([time]) => time !== "").map(([time, ...rest]) => [nanoseconds(time), ...rest]),
    ).toEqual(expected.map(([time, ...rest]) => [nanoseconds(time), ...rest]));
  });

  test("shows times, lengths, interfaces and comments of an encoded file", () => {
    const rows = dissect("own.pcapng", fields);
    expect(rows.map(([time, ...rest]) => [nanoseconds(time), ...rest])).toEqual([
      [`${SECONDS}123456789`, "60", "60", "0", "lxc-ü", "first|second, ü €"],
      [`${SECONDS + 1}000000001`, "60", "1500", "0", "lxc-ü", ""],
      [`${SECONDS + 2}000005000`, "60", "60", "1", "eth1", "x".repeat(65_535)],
      [nanoseconds(rows[3]?.[0]), "60", "60", "0", "lxc-ü", ""],
    ]);
  });

  test("shows the comments and interface names of the sample as in the original", () => {
    const names = ["frame.interface_name", "frame.interface_description", "frame.comment"];
    const before = dissectPath(join(import.meta.dirname, "../../examples/captures/sample.pcapng"), names);
    expect(before.filter(([, , comment]) => comment !== "")).toHaveLength(7);
    expect(dissect("sample.pcapng", names)).toEqual(before);
  });

  test.each(["us.pcap", "from-pcap.pcapng"])("reports no malformed packet in %s", (file) => {
    expect(run("tshark", ["-r", path(file), "-Y", "_ws.malformed"])).toBe("");
  });

  function dissect(file: string, names: readonly string[]): string[][] {
    return dissectPath(path(file), names);
  }

  function dissectPath(file: string, names: readonly string[]): string[][] {
    const shown = names.flatMap((name) => ["-e", name]);
    const format = ["-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"];
    const lines = run("tshark", ["-n", "-r", file, ...format, ...shown]).split("\n");
    return lines.filter((line) => line !== "").map((line) => line.split("\t"));
  }
});

describeWithPrograms("tcpdump", ["tcpdump"], () => {
  test.each([
    { file: "us.pcap", packets: 527 },
    { file: "ns.pcap", packets: 527 },
    { file: "from-pcap.pcapng", packets: 527 },
    { file: "empty.pcap", packets: 0 },
  ])("reads $packets packets of $file at the same times", async ({ file, packets }) => {
    const lines = run("tcpdump", ["-n", "-tt", "--nano", "-q", "-r", path(file)], /^reading from file .*\n$/)
      .split("\n")
      .filter((line) => /^\d/.test(line));
    const own = await packetsIn(readPlain(file));
    expect(own).toHaveLength(packets);
    expect(lines.map((line) => nanoseconds(line.split(" ")[0]))).toEqual(
      own.map((packet) => nanoseconds(epoch(packet))),
    );
  });
});

/** What a program prints; it must say nothing else, nor fail. */
function run(
  program: string,
  args: readonly string[],
  complaint = /^(Running as user "root".*\n)?$/,
): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" },
    maxBuffer: 2 ** 26,
  });
  expect(stderr).toMatch(complaint);
  expect(status).toBe(0);
  return stdout;
}

function readPlain(file: string): Uint8Array {
  return new Uint8Array(readFileSync(path(file)));
}

function epoch({ seconds, nanoseconds }: ReadPacket): string {
  return `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
}

/** Seconds and nanoseconds as digits, however many the program prints. */
function nanoseconds(time = ""): string {
  const [seconds, fraction = ""] = time.split(".");
  return `${seconds}${fraction.padEnd(9, "0")}`;
}
