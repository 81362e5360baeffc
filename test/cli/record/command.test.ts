import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { createBatch, fromBatches, type PacketFormat } from "../../../src/packet/index.js";
import { encodePcapng } from "../../../src/pcap/index.js";
import { compileExpression } from "../../../src/source/libpcap/index.js";
import { collect, readWhole } from "../../pcap/read.js";
import { ETHERNET, packetBytes } from "../../recorder/packets.js";
import { run } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";
import { outputOf, runFake } from "../fake-io.js";
import {
  capture,
  file,
  folder,
  idsIn,
  idsRecorded,
  packet,
  record,
  recorded,
  SAMPLE,
  SAMPLE_NG,
  useFolders,
} from "./captures.js";

useFolders();

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

describe("record --print-program: with flow flags", () => {
  const print = (...args: readonly string[]) => outputOf(["record", "--print-program", ...args]);
  const INCLUDE = "10.0.0.0/8 0 0.0.0.0/0 53 UDP";

  test("prints the expression for libpcap", async () => {
    const out = await print("--to-port", "443", "--tcp-flags", "SYN");
    expect(out).toMatch(/^allow\[0\]: .*tcpFlags: tested in the kernel\n/);
    expect(out).toMatch(/\nexpression for libpcap: not \(ip or ip6\) or .*443.*\n$/);
  });

  test("prints that libpcap tests include and --expression too", async () => {
    const lines = (await print("--to-port", "443", "--expression", "less 100", INCLUDE)).split("\n");
    expect(lines[1]).toMatch(/^expression of include, which must match too: \(ip and .*udp dst port 53/);
    expect(lines[2]).toMatch(/^expression for libpcap: /);
    expect(lines[3]).toBe("--expression, which must match too: less 100");
  });

  test("prints that libpcap tests no flow flags above its limit", async () => {
    const ports = (first: number) => Array.from({ length: 20 }, (_, index) => `${first + index}`);
    const filters = [1, 100].map((first) => JSON.stringify({ destination_port: ports(first) }));
    expect(await print(...filters.flatMap((filter) => ["--allowlist", filter]))).toBe(
      "flows: tested in the process, as the expression cannot\n" +
        "expression for libpcap: every packet, as 86 combinations exceed the limit of libpcap: 80\n",
    );
  });

  test("prints that the program of eBPF only tests include", async () => {
    const out = await print("--source", "ebpf", "--to-port", "443", INCLUDE);
    expect(out).toMatch(/^flows: tested after the kernel, as its program only tests include\n1 filter, /);
  });

  test.each(["libpcap", "ebpf"])("prints that --guess-replies requires all packets of %s", async (source) => {
    const out = await print("--source", source, "--guess-replies", "--to-port", "443", INCLUDE);
    expect(out).toMatch(/^the kernel selects every packet: --guess-replies requires all packets\n/);
    if (source === "ebpf") expect(out).toContain("\nevery packet, ");
  });
});
