import type { Command } from "../command.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { CLIENT_FLAGS, CLIENT_GROUP } from "../flags/client-flags.js";
import { formatHelp, helpColumns } from "../help.js";
import type { Io } from "../io/io.js";
import { ALL_RECORD_FLAGS, RECORD_GROUPS } from "./flags.js";
import { readRecordOptions } from "./options.js";
import { formatDevices } from "./packets/devices.js";
import { printProgram } from "./print-program.js";
import { recordPackets } from "./record-packets.js";
import { readRemoteRecordOptions } from "./remote-options.js";

/** `flowscribe record`: like `hubble record`, from network interfaces and captures as well as from a server. */
export const recordCommand: Command = {
  name: "record",
  help: {
    usage: [
      "record -i DEVICE [FLAGS] [FILTER...] [EXPRESSION]",
      "record --read FILE [FLAGS] [FILTER...] [EXPRESSION]",
      "record -i DEVICE --server ADDRESS --pod NAMESPACE/NAME [FLAGS]",
      "record --server ADDRESS [FLAGS] FILTER...",
    ],
    text: [
      "Record packets of a network interface, or of captures, to pcap or pcapng files, like hubble record.",
      'FILTER is one argument as for hubble record: "SOURCE-PREFIX SOURCE-PORT DESTINATION-PREFIX DESTINATION-PORT PROTOCOL", ' +
        "with 0 for any port, and TCP, UDP, SCTP or ANY. Each filter covers one direction, and a packet must match one of them. It must " +
        "also match --expression and the flow flags. Without filters all packets are recorded.",
      "EXPRESSION is a pcap-filter expression as for tcpdump, in one or several arguments. Flags of tcpdump such as -nn, -s 96, -p, -C 100 " +
        "and -W 5 are supported; the error for any other flag of tcpdump names the alternative.",
      "With -i, --server and flow flags such as --pod, packets are recorded by name: the addresses are those that Hubble's flows have.",
      "With --server only, a node records to a file on that node. Only the flags of hubble record apply then: filters, limits and --file-prefix.",
      "Ctrl-C ends a recording gracefully: the file is complete.",
    ],
    examples: [
      {
        what: "packets from 10.0.0.0/8 to port 443, and the replies",
        command:
          'flowscribe record -i eth0 "10.0.0.0/8 0 0.0.0.0/0 443 TCP" "0.0.0.0/0 443 10.0.0.0/8 0 TCP"',
      },
      {
        what: "ten packets, with the arguments of tcpdump",
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
        what: "live in Wireshark",
        command: "flowscribe record -i eth0 -w - --expression 'tcp port 80' | wireshark -k -i -",
      },
      {
        what: "the first 128 bytes of each packet, with times in nanoseconds",
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
