import type { Command } from "../command.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { CLIENT_FLAGS, CLIENT_GROUP } from "../flags/client-flags.js";
import { formatHelp, helpColumns } from "../help.js";
import type { Io } from "../io/io.js";
import { ALL_RECORD_FLAGS, RECORD_GROUPS } from "./flags.js";
import { type RecordCommandOptions, readRecordOptions } from "./options.js";
import { formatDevices } from "./packets/devices.js";
import { recordPackets } from "./record-packets.js";
import { readRemoteRecordOptions } from "./remote-options.js";

/** `flowscribe record`: like `hubble record`, from network interfaces and captures as well as from a server. */
export const recordCommand: Command = {
  name: "record",
  help: {
    usage: [
      "record -i DEVICE [FLAGS] [FILTER...] [EXPRESSION]",
      "record --read FILE [FLAGS] [FILTER...] [EXPRESSION]",
      "record --server ADDRESS [FLAGS] FILTER...",
    ],
    text: [
      "Record packets of a network interface, or of captures, into pcap or pcapng files, as hubble record does.",
      'FILTER is one argument as for hubble record: "SOURCE-PREFIX SOURCE-PORT DESTINATION-PREFIX DESTINATION-PORT PROTOCOL", ' +
        "with 0 for any port and TCP, UDP, SCTP or ANY; each says one direction, and a packet has to match one of them. What is asked by " +
        "--expression and by the flags about flows has to hold as well. Without any of it all packets are recorded.",
      "EXPRESSION is pcap-filter text as for tcpdump, as one argument or several. Flags of tcpdump such as -nn, -s 96, -p, -C 100 and -W 5 work, too, " +
        "and those without a meaning here name what to use instead.",
      "With --server a node records, into a file there; then it has the flags of hubble record only: filters, limits and --file-prefix.",
      "Ctrl-C ends a recording well: the file is whole.",
    ],
    examples: [
      {
        what: "what goes to port 443 from 10.0.0.0/8, and what comes back",
        command:
          'flowscribe record -i eth0 "10.0.0.0/8 0 0.0.0.0/0 443 TCP" "0.0.0.0/0 443 10.0.0.0/8 0 TCP"',
      },
      {
        what: "ten packets, as with tcpdump",
        command: "flowscribe record -i lo -c 10 tcp port 80",
      },
      {
        what: "the last hour, in sixty files",
        command: "flowscribe record -i any -w /var/tmp/trace.pcapng --rotate-time 1m --ring 60",
      },
      {
        what: "the DNS packets of two captures, in one file",
        command: "flowscribe record -r a.pcap -r b.pcapng.gz -w dns.pcap --port 53",
      },
      {
        what: "watch it in Wireshark",
        command: "flowscribe record -i eth0 -w - --expression 'tcp port 80' | wireshark -k -i -",
      },
      {
        what: "the first 128 bytes of packets, in nanoseconds",
        command: "flowscribe record -r big.pcap -w small.pcapng --max-capture-len 128 --precision ns",
      },
    ],
    groups: [...RECORD_GROUPS, CLIENT_GROUP],
  },
  flags: [...ALL_RECORD_FLAGS, ...CLIENT_FLAGS],

  async run(args, io) {
    const remote = readRemoteRecordOptions(args, io);
    if (remote !== undefined) {
      // Load the modules for networking only when they are needed.
      const { recordOnServer } = await import("./remote.js");
      return recordOnServer(remote, io);
    }
    const options = await readRecordOptions(args, io);
    switch (options.action) {
      case "help":
        await io.stdout.write(formatHelp(recordCommand, helpColumns(io.stdout)));
        return EXIT.ok;
      case "list-devices":
        return listDevices(io);
      case "print-program":
        return printProgram(options, io);
      case "record":
        return recordPackets(options, io);
    }
  },
};

async function listDevices({ stdout }: Io): Promise<ExitCode> {
  const { listDevices } = await import("../../source/libpcap/index.js");
  await stdout.write(formatDevices(await listDevices()));
  return EXIT.ok;
}

async function printProgram(
  { include, limits, direction, bufferBytes }: RecordCommandOptions,
  { stdout }: Io,
): Promise<ExitCode> {
  const { describeProgram } = await import("../../source/ebpf/index.js");
  const text = describeProgram(include, {
    snapLength: limits.maxCaptureLength ?? 0,
    direction: direction === "out" ? "egress" : "ingress",
    ...(bufferBytes !== undefined && { bufferBytes }),
  });
  await stdout.write(text);
  return EXIT.ok;
}
