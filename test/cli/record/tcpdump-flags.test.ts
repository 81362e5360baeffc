import { describe, expect, test } from "vitest";
import { ALL_RECORD_FLAGS } from "../../../src/cli/record/flags.js";
import { readRecordOptions } from "../../../src/cli/record/options.js";
import { fromTcpdumpFlags } from "../../../src/cli/record/tcpdump-flags.js";
import { fakeIo } from "../fake-io.js";

function rewrite(line: string): string {
  return fromTcpdumpFlags(line.split(" "), ALL_RECORD_FLAGS).join(" ");
}

function options(...args: readonly string[]): ReturnType<typeof readRecordOptions> {
  return readRecordOptions(args, fakeIo());
}

describe("fromTcpdumpFlags: rewrites flags of tcpdump", () => {
  test.each([
    ["-i lo -c 10", "-i lo -c 10"],
    ["-c10", "-c10"],
    ["-s 96 -i lo", "--max-capture-len=96 -i lo"],
    ["-s0", "--max-capture-len=0"],
    ["-n -i lo", "-i lo"],
    ["-i lo -n", "-i lo"],
    ["-nn -i lo", "-i lo"],
    ["-nni lo", "-ilo"],
    ["-nni any -c5", "-i any -c5"],
    ["-i lo -n tcp port 80", "-i lo tcp port 80"],
    ["-i lo -nn not port 22", "-i lo not port 22"],
    ["-n ! port 22", "! port 22"],
    ["-n (tcp)", "(tcp)"],
    ["-lnvv -i lo", undefined],
    ["-lnn -i lo", "-i lo"],
    ["-nns96 -i lo", "--max-capture-len=96 -i lo"],
    ["--immediate-mode -i lo", "-i lo"],
    ["-p -B 4096 -r x.pcap", "-r x.pcap"],
    ["--read=x.pcap -p", "--read=x.pcap"],
    ["-l -i lo", "-i lo"],
    ["-l tcp port 80", "tcp port 80"],
    ["-U -v -vvv -K -w -", "-w -"],
    ["-nvUs 96 -w x.pcap", "--max-capture-len=96 -w x.pcap"],
    ["-p", "--promiscuous=false"],
    ["-npi eth0", "--promiscuous=false -i eth0"],
    ["-D", "-D"],
    ["-B 4096", "--buffer-size=4096KiB"],
    ["-C 100", "--rotate-size=100MB"],
    ["-C 10k -W 3", "--rotate-size=10KiB --ring=3"],
    ["-C1G", "--rotate-size=1GiB"],
    ["-G 60", "--rotate-time=60s"],
    ["-Q in", "--direction=in"],
    ["-Q inout", "--direction=both"],
    ["--snapshot-length 96", "--max-capture-len=96"],
    ["--snapshot-length=96", "--max-capture-len=96"],
    ["--no-promiscuous-mode --packet-buffered", "--promiscuous=false"],
    ["--list-interfaces", "--list-devices"],
    ["--time-stamp-precision nano", "--precision=ns"],
    ["--micro", "--precision=us"],
  ])("%s", (line, expected) => {
    if (expected === undefined) expect(() => rewrite(line)).toThrow("write --label nvv");
    else expect(rewrite(line).replace("-ilo", "-i lo")).toBe(expected.replace("-ilo", "-i lo"));
  });
});

describe("fromTcpdumpFlags: does not change flags of record and of Hubble", () => {
  test.each([
    "-s -i lo",
    "-i lo -s",
    "-si lo",
    "-n=shop",
    "--not -n shop",
    "-l app=web",
    "-lapp=web",
    "-l reserved:world",
    "-t drop",
    "-tdrop",
    "-t1",
    "-t=trace:to-endpoint",
    "--pod -c",
    "--pod=-c -4",
    "-- -e -n tcp",
    "-w -",
    "-w",
    "-i",
    "--interface eth0",
    "--unknown -k",
    "-k",
  ])("%s", (line) => {
    expect(rewrite(line).replace("-s -i", "-si")).toBe(line.replace("-s -i", "-si"));
  });
});

describe("fromTcpdumpFlags: suggests the flag to use", () => {
  test.each([
    [
      "-n shop",
      "-n is a flag of tcpdump, too: write --namespace shop for the one of observe, or leave it out",
    ],
    ["-nshop", "-n is a flag of tcpdump, too: write --namespace shop"],
    ["-t -i lo", "-t is not supported: it changes how tcpdump prints packets"],
    ["-tttt", "-t is not supported: it changes how tcpdump prints packets"],
    ["-A", "-A is not supported: tcpdump prints the contents of packets with it"],
    ["-A -i lo", "write --all-namespaces"],
    ["-X", "-X is not supported: it changes how tcpdump prints packets"],
    ["-nX -i lo", "-X is not supported"],
    ["-XX", "-X is not supported"],
    ["-e", "print flows with -w - | flowscribe observe"],
    ["-q", "to print only results, set --silent-errors"],
    ["-Z root", "-Z is not supported: record does not change its user"],
    ["-L", "--list-devices lists the interfaces"],
    ["-y EN10MB", "-y is not supported: the link type is that of the interface"],
    ["-F filter.txt", '--expression "$(cat FILE)"'],
    ["-V files.txt", "give --read for each file"],
    ["-d", "--print-program"],
    ["-z gzip", "Output lines"],
    ["-j adapter", "--precision"],
    ["-I", "monitor mode is not supported"],
    ["-G 60 -W 3", "-W without -C is not supported: --ring keeps the last files, and --time-limit ends"],
    ["-W 3", "-W without -C is not supported"],
    ["-G 60 -w trace-%H.pcap", "-w trace-%H.pcap: % is not replaced; files of --rotate-time get a number"],
    ["-C", "flag needs an argument: -C"],
    ["--print", "--print is not supported"],
    ["-tnr x.pcap", "-t is not supported: it changes how tcpdump prints packets"],
    ["-f", "-f is not supported: record does not print addresses"],
    ["--count", "--count is not supported: record reports the number of packets at its end"],
    ["-s 96n", "-s 96n: must be a number of bytes"],
    ["-s96n", "-s 96n: must be a number of bytes"],
    ["-G x", "-G x: must be a number of seconds"],
    ["-B x", "-B x: must be a number of KiB"],
    ["-C x", "-C x: must be a number of MB, or a number with k, m or g"],
    ["-C 5 -W x", "-W x: must be a number of files"],
    ["-Q up", "-Q up: must be in, out or inout"],
    ["-Q in -r x.pcap", "-Q is for a device, given with -i"],
    ["--snapshot-length x", "--snapshot-length x: must be a number of bytes"],
    ["--time-stamp-precision nanosecond", "--time-stamp-precision nanosecond: must be micro or nano"],
    ["--relinquish-privileges=root", "--relinquish-privileges is not supported"],
  ])("%s", (line, message) => {
    expect(() => rewrite(line)).toThrow(message);
  });
});

describe("readRecordOptions: command lines of tcpdump", () => {
  test("parses an expression as the last arguments", async () => {
    const read = await options("-i", "lo", "-c", "10", "tcp", "port", "80");
    expect(read).toMatchObject({ device: "lo", expression: "tcp port 80", include: undefined });
    expect(read.limits.stopCondition).toMatchObject({ packetsCapturedCount: 10n });
  });

  test.each([
    { args: ["tcp port 80"], expression: "tcp port 80" },
    { args: ["host", "10.0.0.1", "and", "not", "port", "22"], expression: "host 10.0.0.1 and not port 22" },
    { args: ["(tcp", "or", "udp)"], expression: "(tcp or udp)" },
    { args: ["ether[0]", "&", "1", "=", "0"], expression: "ether[0] & 1 = 0" },
    { args: ["tcp or ip6 or udp"], expression: "tcp or ip6 or udp" },
    { args: ["less", "128"], expression: "less 128" },
  ])("parses $args as an expression", async ({ args, expression }) => {
    expect(await options("-i", "lo", ...args)).toMatchObject({ expression, include: undefined });
  });

  test("parses filters of hubble record before an expression", async () => {
    const { include, expression } = await options(
      "-i",
      "lo",
      "10.0.0.0/8 0 0.0.0.0/0 443 TCP",
      "greater",
      "60",
    );
    expect(include).toHaveLength(1);
    expect(expression).toBe("greater 60");
  });

  test.each([
    { args: ["10.0.0.0/8", "0"], message: 'invalid 5-tuple filter: ["10.0.0.0/8"]' },
    { args: ["fe80::1"], message: 'invalid 5-tuple filter: ["fe80::1"]' },
    { args: ["x 0 y 0 TCP"], message: "x" },
    { args: ["80"], message: 'invalid 5-tuple filter: ["80"]' },
  ])("rejects $args as a filter", async ({ args, message }) => {
    await expect(options("-i", "lo", ...args)).rejects.toThrow(message);
  });

  test("parses a typical command line with combined short flags", async () => {
    const read = await options("-nnvpi", "eth0", "-s", "96", "-C", "100", "-W", "5", "-w", "t.pcap", "udp");
    expect(read).toMatchObject({
      device: "eth0",
      promiscuous: false,
      expression: "udp",
      limits: { maxCaptureLength: 96 },
      output: { rotation: { maxBytes: 100e6, ringFiles: 5 } },
    });
  });
});
