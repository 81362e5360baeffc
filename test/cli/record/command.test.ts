import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { BrokenPipe } from "../../../src/cli/io/io.js";
import { runCli } from "../../../src/cli/run.js";
import { createBatch, fromBatches, type PacketFormat, type PacketInit } from "../../../src/packet/index.js";
import { encodePcap, encodePcapng } from "../../../src/pcap/index.js";
import { compileExpression } from "../../../src/source/libpcap/index.js";
import { collect, packetsIn, type ReadPacket, readWhole } from "../../pcap/read.js";
import { ETHERNET, type PacketSpec, packetBytes } from "../../recorder/packets.js";
import { fakeClock } from "../../support/fake-clock.js";
import { PATIENCE } from "../../support/patience.js";
import { repository, run } from "../../support/run.js";
import { describeUnless, describeWithPrograms } from "../../support/shared.js";
import { fakeIo, oneTurn, outputOf, runFake } from "../fake-io.js";

const root = mkdtempSync(join(tmpdir(), "flowscribe-record-"));
afterAll(() => rmSync(root, { recursive: true }));

/** The folder of the current test. */
let folder: string;
let tests = 0;
beforeEach(() => {
  folder = join(root, String(tests++));
  mkdirSync(folder);
});

const SAMPLE = join(repository, "examples/captures/sample.pcap");
const SAMPLE_NG = join(repository, "examples/captures/sample.pcapng");
/** 2025-04-12T22:48:35Z, a recorded end time of hubble record. */
const NOW_MS = Date.UTC(2025, 3, 12, 22, 48, 35);
const TIME = "2025-04-12T22:48:35Z";

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A packet whose time in seconds is its id; the nanoseconds show what a conversion truncates. */
function packet(spec: PacketSpec): PacketInit {
  return { bytes: packetBytes(spec), seconds: spec.id, nanoseconds: 123_456_789 };
}

async function capture(
  name: string,
  specs: readonly (number | PacketSpec)[],
  { format = ETHERNET, pcapng = false }: { format?: PacketFormat; pcapng?: boolean } = {},
): Promise<string> {
  const packets = specs.map((spec) => packet(typeof spec === "number" ? { id: spec } : spec));
  const source = fromBatches([createBatch(format, packets)], format);
  return file(name, await collect(pcapng ? encodePcapng(source) : encodePcap(source)));
}

/** The ids of the recorded packets, which are their seconds. */
async function idsIn(path: string): Promise<(number | undefined)[]> {
  return (await packetsIn(readFileSync(path))).map(({ seconds }) => seconds);
}

function record(...args: readonly string[]): ReturnType<typeof runFake> {
  return runFake(["record", ...args], { clock: fakeClock(NOW_MS) });
}

/** Records to a file and returns its packets. */
async function recorded(...args: readonly string[]): Promise<readonly ReadPacket[]> {
  const path = join(folder, "out");
  const { code, err } = await record("-w", path, "--overwrite", ...args);
  expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
  return packetsIn(readFileSync(path));
}

async function idsRecorded(...args: readonly string[]): Promise<(number | undefined)[]> {
  return (await recorded(...args)).map(({ seconds }) => seconds);
}

describe("record: filters", () => {
  test.each([
    { name: "all packets without a filter", args: [], count: 527 },
    {
      name: "packets by a filter of hubble record",
      args: ["10.0.0.0/8 0 0.0.0.0/0 53 UDP"],
      tcpdump: "src net 10.0.0.0/8 and udp dst port 53",
    },
    {
      name: "packets that match any filter",
      args: ["10.0.0.0/8 0 10.0.0.0/8 53 TCP", "::/0 0 ::/0 80 ANY"],
      tcpdump: "(src net 10.0.0.0/8 and dst net 10.0.0.0/8 and tcp dst port 53) or (ip6 and dst port 80)",
    },
    {
      name: "packets by filters of both kinds",
      args: ["0.0.0.0/0 0 0.0.0.0/0 53 ANY", "--protocol", "udp"],
      tcpdump: "ip and udp dst port 53",
    },
  ])("selects $name", async ({ args, count, tcpdump }) => {
    const packets = await recorded("-r", SAMPLE, ...args);
    const expected = count ?? countByTcpdump(tcpdump ?? "");
    if (expected !== undefined) expect(packets).toHaveLength(expected);
    expect(packets.length).toBeGreaterThan(0);
  });

  test.each([
    { args: ["--protocol", "udp"] },
    { args: ["--not", "--port", "53", "--protocol", "tcp"] },
    { args: ["--tcp-flags", "SYN"] },
    { args: ["--ipv6", "--guess-replies", "--allowlist", '{"reply":[true]}'] },
    { args: ["--tunnels", "--ip", "10.0.0.0/8"] },
    { args: ["--cel-expression", "_flow.l4.TCP.destination_port > 1024u"] },
  ])("selects the packets whose flows observe prints with $args", async ({ args }) => {
    const packets = await recorded("-r", SAMPLE, ...args);
    const flows = (await outputOf(["observe", "-o", "jsonpb", ...args, SAMPLE])).trimEnd().split("\n");
    const times = flows.map((line) => /\.(\d+)Z$/.exec(JSON.parse(line).time)?.[1]?.padEnd(9, "0"));
    expect(packets.map(({ nanoseconds }) => String(nanoseconds).padStart(9, "0"))).toEqual(times);
    expect(packets.length).toBeLessThan(527);
  });

  test("detects replies from all packets", async () => {
    const filter = "0.0.0.0/0 53 0.0.0.0/0 0 UDP";
    const replies = await recorded("-r", SAMPLE, "--guess-replies", filter, "--raw", "x").catch(
      () => undefined,
    );
    expect(replies).toBeUndefined();
    const all = await recorded("-r", SAMPLE, filter);
    const guessed = await recorded(
      "-r",
      SAMPLE,
      "--guess-replies",
      filter,
      "--allowlist",
      '{"reply":[true]}',
    );
    expect(guessed).toEqual(all);
    expect(all.length).toBeGreaterThan(0);
  });

  test("accepts a command line of tcpdump", async () => {
    const flags = ["-nn", "-v", "-s", "64", "-c", "3", "10.0.0.0/8 0 0.0.0.0/0 53 UDP"];
    const packets = await recorded("-r", SAMPLE, ...flags);
    expect(packets).toHaveLength(3);
    for (const { data } of packets) expect(data.length).toBeLessThanOrEqual(2 * 64);
  });

  test("includes both ends of --since and --until", async () => {
    const path = await capture("a.pcap", [1, 2, 3, 4]);
    expect(
      await idsRecorded(
        "-r",
        path,
        "--since",
        "1970-01-01T00:00:02.123456Z",
        "--until",
        "1970-01-01T00:00:03.123456Z",
      ),
    ).toEqual([2, 3]);
    expect(await idsRecorded("-r", path, "--since", "1970-01-01T00:00:03.2Z")).toEqual([4]);
  });

  test("selects by interface name", async () => {
    const named = { linkType: 1, resolution: "us", snapLength: 0, name: "lxc7" } as const;
    const format = { ...ETHERNET, interfaceId: 1 };
    const source = fromBatches(
      [createBatch(ETHERNET, [packet({ id: 1 })]), createBatch(format, [packet({ id: 2 })])],
      [{ ...named, name: "eth0" }, named],
    );
    const path = file("named.pcapng", await collect(encodePcapng(source)));
    expect(await idsRecorded("-r", path, "--interface", "lxc7", "--format", "pcapng")).toEqual([2]);
  });
});

function countByTcpdump(text: string): number | undefined {
  try {
    return run("tcpdump", ["-nr", SAMPLE, text]).trimEnd().split("\n").length;
  } catch {
    return undefined;
  }
}

const noCompiler = await compileExpression("tcp").then(
  () => undefined,
  (error: Error) => error.message,
);

describeUnless("record --expression", noCompiler, () => {
  test("combines the expression with the other filters", async () => {
    const text = "tcp port 53";
    expect(await recorded("-r", SAMPLE, "--expression", text)).toHaveLength(24);
    expect(await recorded("-r", SAMPLE, "--expression", text, "--ipv6")).toHaveLength(
      (await recorded("-r", SAMPLE, "--expression", `ip6 and ${text}`)).length,
    );
    expect(await recorded("-r", SAMPLE, "--expression", "")).toHaveLength(527);
    expect(await recorded("-nn", "-r", SAMPLE, ...text.split(" "))).toHaveLength(24);
  });

  test("compiles the expression for every link type", async () => {
    const raw = { ...ETHERNET, linkType: 101, interfaceId: 1 };
    const ip = packetBytes({ id: 2 }).subarray(14);
    const source = fromBatches(
      [
        createBatch(ETHERNET, [packet({ id: 1 })]),
        createBatch(raw, [
          { bytes: ip, seconds: 2 },
          { bytes: ip.subarray(0, 19), seconds: 3 },
        ]),
      ],
      [ETHERNET, raw],
    );
    const path = file("mixed.pcapng", await collect(encodePcapng(source)));
    expect(await idsRecorded("-r", path, "--format", "pcapng", "--expression", "udp port 53")).toEqual([
      1, 2,
    ]);
  });

  test("matches no packet of a link type that libpcap cannot compile for, and reports it", async () => {
    const odd = { ...ETHERNET, linkType: 147, interfaceId: 1 };
    const source = fromBatches(
      [createBatch(ETHERNET, [packet({ id: 1 })]), createBatch(odd, [packet({ id: 2 })])],
      [ETHERNET, odd],
    );
    const path = file("odd.pcapng", await collect(encodePcapng(source)));
    const output = join(folder, "odd-out.pcapng");
    const { code, err } = await record("-r", path, "-w", output, "--expression", "udp port 53");
    expect({ code, ids: await idsIn(output) }).toEqual({ code: EXIT.ok, ids: [1] });
    expect(err).toMatch(/^"udp port 53" matches no packet of .*147.*\n$/);
  });

  test("reports an invalid expression before it writes anything", async () => {
    const path = join(folder, "never");
    const { code, out, err } = await record("-r", SAMPLE, "-w", path, "--expression", "tcp prot 53");
    expect({ code, out, there: existsSync(path) }).toEqual({ code: EXIT.usage, out: "", there: false });
    expect(err).toMatch(/^"tcp prot 53" is not a filter: .*\nSee: flowscribe record --help\n$/);
  });
});

describe("record: limits", () => {
  test.each([
    { args: ["--packet-limit", "2"], ids: [1, 2] },
    { args: ["--packet-limit", "0"], ids: [1, 2, 3, 4] },
    // The packet that reaches the limit is the last.
    { args: ["--bytes-limit", "93"], ids: [1, 2, 3] },
    { args: ["--bytes-limit", "92"], ids: [1, 2] },
    { args: ["--packet-limit", "3", "--bytes-limit", "1"], ids: [1] },
    { args: ["--time-limit", "1h"], ids: [1, 2, 3, 4] },
    { args: ["--time-limit", "-1s"], ids: [] },
  ])("ends at exactly the limit of $args", async ({ args, ids }) => {
    const path = await capture("a.pcap", [1, 2, 3, 4]);
    expect(await idsRecorded("-r", path, ...args)).toEqual(ids);
  });

  test("--max-capture-len truncates the written packets, not the inspected ones", async () => {
    const path = await capture("a.pcap", [
      { id: 1, length: 300 },
      { id: 2, matches: false },
    ]);
    const packets = await recorded(
      "-r",
      path,
      "--max-capture-len",
      "20",
      "0.0.0.0/0 0 0.0.0.0/0 53 UDP",
      "--to-port",
      "53",
    );
    expect(packets.map(({ data, originalLength }) => [data.length / 2, originalLength])).toEqual([[20, 300]]);
  });
});

describe("record: formats", () => {
  const specs = [1, 2, 3];
  const ns: PacketFormat = { ...ETHERNET, resolution: "ns" };

  test.each([
    { from: "us", pcapng: false, args: [], fileFormat: "pcap", nanoseconds: 123_456_000, to: "us" },
    { from: "ns", pcapng: false, args: [], fileFormat: "pcap", nanoseconds: 123_456_789, to: "ns" },
    { from: "ns", pcapng: true, args: [], fileFormat: "pcap", nanoseconds: 123_456_789, to: "ns" },
    {
      from: "ns",
      pcapng: false,
      args: ["--precision", "us"],
      fileFormat: "pcap",
      nanoseconds: 123_456_000,
      to: "us",
    },
    {
      from: "us",
      pcapng: true,
      args: ["--precision", "ns"],
      fileFormat: "pcap",
      nanoseconds: 123_456_000,
      to: "ns",
    },
    {
      from: "us",
      pcapng: false,
      args: ["--format", "pcapng"],
      fileFormat: "pcapng",
      nanoseconds: 123_456_000,
      to: "us",
    },
    {
      from: "ns",
      pcapng: true,
      args: ["--format", "pcapng"],
      fileFormat: "pcapng",
      nanoseconds: 123_456_789,
      to: "ns",
    },
    {
      from: "ns",
      pcapng: true,
      args: ["--format", "pcapng", "--precision", "us"],
      fileFormat: "pcapng",
      nanoseconds: 123_456_000,
      to: "us",
    },
    {
      from: "us",
      pcapng: false,
      args: ["--format", "pcapng", "--precision", "ns"],
      fileFormat: "pcapng",
      nanoseconds: 123_456_000,
      to: "ns",
    },
  ])(
    "converts $from (pcapng: $pcapng) with $args to $fileFormat in $to",
    async ({ from, pcapng, args, ...to }) => {
      const path = await capture("in", specs, { format: from === "ns" ? ns : ETHERNET, pcapng });
      const packets = await recorded("-r", path, ...args);
      expect(packets.map(({ seconds }) => seconds)).toEqual(specs);
      expect(new Set(packets.map(({ nanoseconds }) => nanoseconds))).toEqual(new Set([to.nanoseconds]));
      const { source } = await readWhole(readFileSync(join(folder, "out")));
      expect({ fileFormat: source.fileFormat, to: source.interfaces[0]?.resolution }).toEqual({
        fileFormat: to.fileFormat,
        to: to.to,
      });
    },
  );

  test("converts to pcapng and back without changes", async () => {
    const there = join(folder, "there.pcapng");
    const back = join(folder, "back.pcap");
    await record("-r", SAMPLE, "-w", there);
    await record("-r", there, "-w", back);
    expect(readFileSync(back)).toEqual(readFileSync(SAMPLE));
  });

  test("preserves names, comments and counts of pcapng, with and without --precision", async () => {
    for (const args of [[], ["--precision", "us"], ["--precision", "ns"]]) {
      const path = join(folder, `copy${args.length}${args[1] ?? ""}.pcapng`);
      await record("-r", SAMPLE_NG, "-w", path, ...args);
      const before = await readWhole(readFileSync(SAMPLE_NG));
      const after = await readWhole(readFileSync(path));
      const metadataOf = ({ source }: typeof after) =>
        source.interfaces.map(({ name, counts }) => ({ name, counts }));
      expect(metadataOf(after)).toEqual(metadataOf(before));
      expect(after.packets.map(({ comments }) => comments)).toEqual(
        before.packets.map(({ comments }) => comments),
      );
    }
  });

  test("detects the format from the file name, unless a flag sets it", async () => {
    const path = await capture("a.pcap", [1]);
    for (const [name, args, fileFormat] of [
      ["x.pcapng", [], "pcapng"],
      ["y.cap", [], "pcap"],
      ["z.pcapng", ["--format", "pcap"], "pcap"],
    ] as const) {
      await record("-r", path, "-w", join(folder, name), ...args);
      expect((await readWhole(readFileSync(join(folder, name)))).source.fileFormat).toBe(fileFormat);
    }
  });

  test("requires pcapng for several link types", async () => {
    const ethernet = await capture("a.pcap", [1]);
    const raw = await capture("b.pcap", [2], { format: { ...ETHERNET, linkType: 101 } });
    expect(await idsRecorded("-r", ethernet, "-r", raw, "--format", "pcapng")).toEqual([1, 2]);
    const { code, out, err } = await record("-r", ethernet, "-r", raw, "-w", join(folder, "c.pcap"));
    expect(code).toBe(EXIT.failed);
    expect(err).toMatch(/^a pcap file has one link type, .*: write pcapng/);
    expect(out).toMatch(/ Result: 1 packets .*\n.* Output: .*c\.pcap\n$/);
    expect(await idsIn(join(folder, "c.pcap"))).toEqual([1]);
  });
});

describe("record: inputs", () => {
  test("merges several inputs by time, whatever their format", async () => {
    const a = await capture("a.pcap", [1, 4, 5]);
    const b = await capture("b.pcapng", [2, 6], { pcapng: true });
    const c = file("c.gz", gzipSync(readFileSync(await capture("c.pcap", [3, 7]))));
    expect(await idsRecorded("-r", a, "--read", b, "-r", c)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("reads standard input as one of several inputs", async () => {
    const stdin = readFileSync(await capture("a.pcap", [2]));
    const other = await capture("b.pcap", [1, 3]);
    const path = join(folder, "out.pcap");
    expect((await runFake(["record", "-r", "-", "-r", other, "-w", path], { stdin })).code).toBe(EXIT.ok);
    expect(await idsIn(path)).toEqual([1, 2, 3]);
  });

  test("reports inputs that cannot be opened or read, and reads the others", async () => {
    const a = await capture("a.pcap", [1, 4]);
    const cut = file("cut.pcap", readFileSync(await capture("b.pcap", [2, 3, 5])).subarray(0, -1));
    const text = file("text", "no capture at all");
    const path = join(folder, "out.pcap");
    const missing = join(folder, "missing");
    const { code, out, err } = await record(
      "-r",
      missing,
      "-r",
      a,
      "-r",
      cut,
      "-r",
      text,
      "-r",
      folder,
      "-w",
      path,
    );
    expect(code).toBe(EXIT.failed);
    expect(err.split("\n")).toEqual([
      `stat ${missing}: no such file or directory`.replace("stat", "open"),
      expect.stringMatching(/text: neither pcap nor pcapng/),
      `read ${folder}: is a directory`,
      expect.stringMatching(/cut\.pcap: .* \(at byte \d+\)/),
      "",
    ]);
    expect(out).toContain("4 packets");
    expect(await idsIn(path)).toEqual([1, 2, 3, 4]);
  });

  test("writes no file if no input can be opened", async () => {
    const path = join(folder, "out.pcap");
    const { code, out } = await record("-r", join(folder, "missing"), "-w", path);
    expect({ code, out, there: existsSync(path) }).toEqual({ code: EXIT.failed, out: "", there: false });
  });

  test("does not report failed inputs with --silent-errors", async () => {
    const { code, err } = await record("-s", "-r", join(folder, "missing"), "-w", join(folder, "out.pcap"));
    expect({ code, err }).toEqual({ code: EXIT.failed, err: "" });
  });
});

describe("record: outputs", () => {
  test("writes a file and prints the closing lines of hubble record", async () => {
    const input = await capture("in.pcap", [1, 2]);
    const path = join(folder, "out.pcap");
    expect(await record("-r", input, "-w", path)).toEqual({
      code: EXIT.ok,
      out: `${TIME} Result: 2 packets (92 bytes) written\n${TIME} Output: ${path}\n`,
      err: "",
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("names the file in a folder as the Recorder does", async () => {
    const input = await capture("in.pcap", [1]);
    mkdirSync(join(folder, "there"));
    const cases = [
      { args: ["-w", join(folder, "there")], name: `hubble_1744498115_\\d+_${hostname()}\\.pcap` },
      { args: ["-w", `${join(folder, "new")}/`], name: `hubble_1744498115_\\d+_${hostname()}\\.pcap` },
      {
        args: [
          "-w",
          `${join(folder, "own")}/`,
          "--file-prefix",
          "mine",
          "--node",
          "prod/node1",
          "--format",
          "pcapng",
        ],
        name: "mine_1744498115_\\d+_prod_node1\\.pcapng",
      },
    ];
    for (const { args, name } of cases) {
      const { code, out } = await record("-r", input, ...args);
      expect(code).toBe(EXIT.ok);
      expect(out).toMatch(new RegExp(`^${TIME} Result: .*\\n${TIME} Output: ${join(args[1]!, name)}\\n$`));
      expect(readdirSync(args[1]!)).toEqual([expect.stringMatching(new RegExp(`^${name}$`))]);
    }
  });

  test("writes to standard output, and the closing lines to standard error", async () => {
    const input = await capture("in.pcap", [1, 2]);
    for (const args of [[], ["--format", "pcapng"]]) {
      const io = fakeIo({ clock: fakeClock(NOW_MS) });
      expect(await runCli(["record", "-r", input, "-w", "-", ...args], io)).toBe(EXIT.ok);
      expect(io.out()).toBe("");
      expect(io.err()).toBe(`${TIME} Result: 2 packets (92 bytes) written\n${TIME} Output: -\n`);
      expect((await packetsIn(io.bytes())).map(({ seconds }) => seconds)).toEqual([1, 2]);
    }
  });

  test("writes a capture without packets to standard output", async () => {
    const empty = await capture("none.pcap", []);
    for (const format of ["pcap", "pcapng"]) {
      const io = fakeIo();
      expect(await runCli(["record", "-r", empty, "-w", "-", "--format", format], io)).toBe(EXIT.ok);
      expect(await packetsIn(io.bytes())).toEqual([]);
    }
  });

  test("exits with 0 when standard output is a closed pipe", async () => {
    const stdout = {
      write: () => {
        throw new BrokenPipe("nobody reads the output");
      },
    };
    const { code, err } = await runFake(["record", "-r", SAMPLE, "-w", "-"], { stdout });
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
  });

  test("keeps the recording when the output of the closing lines is a closed pipe", async () => {
    const stdout = {
      write: () => {
        throw new BrokenPipe("nobody reads the output");
      },
    };
    const path = join(folder, "out.pcap");
    expect((await runFake(["record", "-r", SAMPLE, "-w", path], { stdout })).code).toBe(EXIT.ok);
    expect(await packetsIn(readFileSync(path))).toHaveLength(527);
  });

  test("does not overwrite an existing file, unless requested", async () => {
    const input = await capture("in.pcap", [1]);
    const path = file("out.pcap", "mine");
    const { code, out, err } = await record("-r", input, "-w", path);
    expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
    expect(err).toBe(`${path}: file already exists; --overwrite replaces it\n`);
    expect(String(readFileSync(path))).toBe("mine");
    expect((await record("-r", input, "-w", path, "--overwrite")).code).toBe(EXIT.ok);
    expect(await idsIn(path)).toEqual([1]);
  });

  test("never overwrites an input", async () => {
    const input = await capture("in.pcap", [1]);
    const link = join(folder, "link.pcap");
    linkSync(input, link);
    for (const path of [input, link]) {
      const { code, err } = await record("-r", input, "-w", path, "--overwrite");
      expect(code).toBe(EXIT.usage);
      expect(err).toContain(`${path} is an input and cannot be overwritten\n`);
    }
    expect(await idsIn(input)).toEqual([1]);
  });
});

describe("record: rotation", () => {
  test("reports each file when it is complete, and the last one at the end", async () => {
    const input = await capture("in.pcap", [1, 2, 3]);
    const { code, out } = await record("-r", input, "-w", join(folder, "out.pcap"), "--rotate-size", "86");
    const path = (number: number) => join(folder, `out_0000${number}_20250412224835.pcap`);
    expect({ code, out }).toEqual({
      code: EXIT.ok,
      out: [
        `${TIME} Output: ${path(1)}`,
        `${TIME} Output: ${path(2)}`,
        `${TIME} Result: 3 packets (138 bytes) written`,
        `${TIME} Output: ${path(3)}`,
        "",
      ].join("\n"),
    });
    expect(await Promise.all([1, 2, 3].map((number) => idsIn(path(number))))).toEqual([[1], [2], [3]]);
  });

  test("rotates by time, in a ring, in a folder", async () => {
    const input = await capture("in.pcap", [1, 30, 60, 61, 90, 200]);
    const target = `${join(folder, "ring")}/`;
    const { code } = await record(
      "-r",
      input,
      "-w",
      target,
      "--rotate-time",
      "1m",
      "--ring",
      "2",
      "--format",
      "pcapng",
    );
    expect(code).toBe(EXIT.ok);
    const names = readdirSync(target).sort();
    expect(names).toEqual([
      expect.stringMatching(/^hubble_1744498115_\d+_.*_00002_20250412224835\.pcapng$/),
      expect.stringMatching(/^hubble_1744498115_\d+_.*_00003_20250412224835\.pcapng$/),
    ]);
    expect(await Promise.all(names.map((name) => idsIn(join(target, name))))).toEqual([[61, 90], [200]]);
  });
});

describe("record: the status line", () => {
  /** Standard input whose chunks the test sends. */
  function slowInput() {
    const waiting: ((chunk: Uint8Array | undefined) => void)[] = [];
    const chunks: (Uint8Array | undefined)[] = [];
    async function* read() {
      for (;;) {
        const chunk =
          chunks.length > 0
            ? chunks.shift()
            : await new Promise<Uint8Array | undefined>((resolve) => waiting.push(resolve));
        if (chunk === undefined) return;
        yield chunk;
      }
    }
    return {
      stdin: read(),
      send: async (chunk: Uint8Array | undefined) => {
        const next = waiting.shift();
        if (next === undefined) chunks.push(chunk);
        else next(chunk);
        // Wait until the chunk was read and the next read is pending: on a busy machine that takes many turns.
        if (chunk !== undefined)
          await vi.waitFor(() => expect(waiting).not.toEqual([]), { ...PATIENCE, interval: 1 });
        for (let turn = 0; turn < 20; turn++) await oneTurn();
      },
    };
  }

  test("shows packets, bytes and rates twice a second, and is erased at the end", async () => {
    const bytes = readFileSync(await capture("in.pcap", [1, 2, 3, 4]));
    const clock = fakeClock(NOW_MS);
    const { stdin, send } = slowInput();
    const io = fakeIo({ clock, stdin, stderrTerminal: true, columns: 200 });
    const running = runCli(["record", "-r", "-", "-w", join(folder, "out.pcap")], io);
    await send(bytes.subarray(0, 24));
    expect(io.err()).toBe(`\r\x1b[K${TIME} Status: 0 packets (0 bytes) written`);
    await send(bytes.subarray(24, 24 + 3 * 62));
    clock.advance(500);
    expect(io.err().split("\r\x1b[K").at(-1)).toBe(
      `${TIME} Status: 3 packets (138 bytes) written, 6 packets/s, 0.0 MB/s`,
    );
    clock.advance(500);
    expect(io.err().split("\r\x1b[K").at(-1)).toBe(
      "2025-04-12T22:48:36Z Status: 3 packets (138 bytes) written, 0 packets/s, 0.0 MB/s",
    );
    await send(bytes.subarray(24 + 3 * 62));
    await send(undefined);
    expect(await running).toBe(EXIT.ok);
    expect(io.err().endsWith("\r\x1b[K")).toBe(true);
    expect(io.out()).toContain("2025-04-12T22:48:36Z Result: 4 packets (184 bytes) written\n");
    expect(clock.pending).toBe(0);
  });

  test.each([
    { name: "without a terminal", terminal: false, args: [] },
    { name: "with --silent-errors", terminal: true, args: ["-s"] },
  ])("is not shown $name", async ({ terminal, args }) => {
    const io = fakeIo({ stderrTerminal: terminal });
    await runCli(["record", "-r", SAMPLE, "-w", join(folder, "out.pcap"), ...args], io);
    expect(io.err()).toBe("");
  });

  test("a signal completes the file and stops reading the input", async () => {
    const bytes = readFileSync(await capture("in.pcap", [1, 2]));
    for (const [signal, code] of [
      ["SIGINT", EXIT.interrupted],
      ["SIGTERM", EXIT.terminated],
      ["SIGHUP", EXIT.hungUp],
    ] as const) {
      const { stdin, send } = slowInput();
      const io = fakeIo({ clock: fakeClock(NOW_MS), stdin });
      const path = join(folder, `${signal}.pcap`);
      const running = runCli(["record", "-r", "-", "-w", path], io);
      await send(bytes.subarray(0, 24 + 62 + 30));
      // On a busy machine opening the file takes more turns than `send` waits for.
      await vi.waitFor(() => expect(existsSync(path)).toBe(true), PATIENCE);
      await send(new Uint8Array());
      io.interrupt(signal);
      expect(await running).toBe(code);
      expect(io.err()).toBe("Stopping recording...\n");
      expect(io.out()).toBe(`${TIME} Result: 1 packets (46 bytes) written\n${TIME} Output: ${path}\n`);
      expect(await idsIn(path)).toEqual([1]);
    }
  });
});

describe("record: usage errors", () => {
  const LIVE = ["-i", "no-such-device"];

  test.each([
    {
      args: [],
      err: "no input: set a device with -i (--list-devices prints the devices), or captures with --read",
    },
    {
      args: ["--interface", "eth0"],
      err: "no input: set a device with -i (--list-devices prints the devices), or captures with --read; --interface selects flows by their interface",
    },
    { args: ["-i", "x", "-r", "y"], err: "cannot set both --device and --read" },
    { args: ["-r", "-", "-r", "-"], err: "standard input can be read only once" },
    { args: [...LIVE, "0.0.0.0/0 b"], err: 'invalid 5-tuple filter: ["0.0.0.0/0" "b"]' },
    {
      args: [...LIVE, "--expression", "udp", "tcp", "port", "80"],
      err: 'cannot set both --expression and "tcp port 80" as arguments',
    },
    { args: [SAMPLE], err: `no input: to read ${SAMPLE}, set --read ${SAMPLE}` },
    {
      args: [...LIVE, "-e"],
      err: "-e is not supported: it changes how tcpdump prints packets, and record does not print packets; remove it",
    },
    { args: [...LIVE, "10.0.0.0/8 x 10.0.0.0/8 0 TCP"], err: "invalid source port: x" },
    { args: [...LIVE, "10.0.0.0/8 0 10.0.0.0/8 x TCP"], err: "invalid destination port: x" },
    { args: [...LIVE, "10.0.0.0/8 0 10.0.0.0/8 0 ICMP"], err: "unsupported protocol: ICMP" },
    {
      args: [...LIVE, "10.0.0.0 0 10.0.0.0/8 0 TCP", "::/0 0 10.0.0.0/8 0 TCP"],
      err:
        'include[0].source_cidr: failed to parse source cidr "10.0.0.0": invalid CIDR address: 10.0.0.0\n' +
        "include[1]: source (::/0) and destination cidr (10.0.0.0/8) must be same protocol version",
    },
    { args: [...LIVE, "--file-prefix", "A"], err: 'filesink.file_prefix: invalid file sink prefix: "A"' },
    {
      args: [...LIVE, "--max-capture-len", "262145"],
      err: "max_capture_length: max capture length 262145 out of range (at most 262144, 0 for all)",
    },
    {
      args: [...LIVE, "--packet-limit", "-1"],
      err: 'invalid argument "-1" for "-c, --packet-limit" flag: strconv.ParseUint: parsing "-1": invalid syntax',
    },
    {
      args: [...LIVE, "--time-limit", "5"],
      err: 'invalid argument "5" for "--time-limit" flag: time: missing unit in duration "5"',
    },
    {
      args: [...LIVE, "--format", "snoop"],
      err: 'invalid argument "snoop" for "--format" flag: expected one of pcap, pcapng',
    },
    {
      args: [...LIVE, "--precision", "ms"],
      err: 'invalid argument "ms" for "--precision" flag: expected one of us, ns',
    },
    {
      args: [...LIVE, "--source", "xdp"],
      err: 'invalid argument "xdp" for "--source" flag: expected one of libpcap, ebpf',
    },
    {
      args: [...LIVE, "--direction", "up"],
      err: 'invalid argument "up" for "--direction" flag: expected one of in, out, both',
    },
    { args: [...LIVE, "--ring", "3"], err: "--ring needs --rotate-size or --rotate-time" },
    { args: [...LIVE, "--ring", "0", "--rotate-time", "1s"], err: "--ring must be at least 1" },
    { args: [...LIVE, "--rotate-time", "0"], err: "--rotate-time must be above 0" },
    {
      args: [...LIVE, "--rotate-size", "1Mb"],
      err: "invalid size for --rotate-size: 1Mb, expected a number of bytes, or with kB, MB, GB, KiB, MiB or GiB",
    },
    { args: [...LIVE, "-w", "-", "--rotate-size", "1MB"], err: "standard output cannot be rotated" },
    {
      args: [...LIVE, "--last", "3"],
      err: "--all, --last, --first, --follow are flags of observe; record has --packet-limit, --bytes-limit and --time-limit",
    },
    {
      args: [...LIVE, "-f"],
      err: "-f is not supported: record does not print addresses, and captures until it is stopped; remove it, as --follow is only a flag of observe",
    },
    { args: [...LIVE, "--verdict", "x"], err: 'invalid argument "x" for "--verdict" flag:' },
    { args: [...LIVE, "--print-program"], err: "--print-program requires --source ebpf" },
    {
      args: ["-r", SAMPLE, "--direction", "in"],
      err: "--direction requires --device; it has no effect with --read",
    },
    { args: ["-r", SAMPLE, "--buffer-size", "1MB"], err: "--buffer-size requires --device" },
    {
      args: ["-i", "lo", "--source", "ebpf", "--promiscuous"],
      err: "--promiscuous requires --source libpcap",
    },
    { args: ["--packet-limt", "3"], err: "unknown flag: --packet-limt\nDid you mean --packet-limit?" },
  ])("rejects $args", async ({ args, err }) => {
    const outcome = await record(...args);
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: EXIT.usage, out: "" });
    expect(outcome.err.startsWith(err)).toBe(true);
    expect(outcome.err.endsWith("See: flowscribe record --help\n")).toBe(true);
  });

  test("refuses to write a capture to a terminal", async () => {
    const { code, err } = await runFake(["record", "-r", SAMPLE, "-w", "-"], { stdoutTerminal: true });
    expect(code).toBe(EXIT.usage);
    expect(err).toMatch(/^refusing to write a binary capture to a terminal: /);
  });

  test("reports a missing folder", async () => {
    const { code, err } = await record("-r", SAMPLE, "-w", join(folder, "no/such/out.pcap"));
    expect(code).toBe(EXIT.failed);
    expect(err).toMatch(/^failed to create pcap file .* ENOENT/);
  });
});

test("record --help: prints the help", async () => {
  expect(await outputOf(["record", "--help"])).toMatch(/^Record packets of a network interface/);
});

test("record --print-program: prints the program of the kernel", async () => {
  const out = await outputOf([
    "record",
    "--source",
    "ebpf",
    "--print-program",
    "10.0.0.0/8 0 0.0.0.0/0 53 UDP",
  ]);
  expect(out).toMatch(/^1 filter, \d+ instructions/);
  expect(out).toContain("10.0.0.0/8 port any → 0.0.0.0/0 port 53, protocol 17");
});

describeWithPrograms("record: written files", ["capinfos", "tcpdump"], () => {
  test.each([
    { args: [], name: "a.pcap" },
    { args: ["--precision", "ns"], name: "b.pcap" },
    { args: [], name: "c.pcapng" },
    { args: ["--precision", "ns"], name: "d.pcapng" },
    { args: ["--max-capture-len", "64"], name: "e.pcapng" },
    { args: ["--rotate-size", "20kB"], name: "f.pcap" },
    { args: ["--rotate-time", "500ms"], name: "g.pcapng" },
    { args: ["-r", SAMPLE_NG], name: "h.pcapng" },
  ])("$name with $args is readable by capinfos and tcpdump", async ({ args, name }) => {
    const target = join(folder, "files");
    mkdirSync(target);
    const out = await outputOf(["record", "-r", SAMPLE, "-w", join(target, name), ...args]);
    const packets = Number(/ Result: (\d+) packets/.exec(out)?.[1]);
    let counted = 0;
    for (const file of readdirSync(target)) {
      const path = join(target, file);
      const count = /^Number of packets:\s+(\d+)$/m.exec(run("capinfos", ["-cM", path]))?.[1];
      expect(run("tcpdump", ["-nr", path]).trimEnd().split("\n")).toHaveLength(Number(count));
      counted += Number(count);
    }
    expect(counted).toBe(packets);
    expect(packets).toBeGreaterThanOrEqual(527);
  });
});
