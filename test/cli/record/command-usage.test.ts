import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { runFake } from "../fake-io.js";
import { folder, record, SAMPLE, useFolders } from "./captures.js";

useFolders();

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
    { args: [...LIVE, "--print-program"], err: "--print-program requires --source ebpf or flow flags" },
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
