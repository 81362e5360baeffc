import type { ExtraFlag } from "../../observer/flags/flag-values.js";
import { FLOW_FLAGS } from "../../observer/flags/flow-flags.js";
import { HELP_FLAG } from "../help.js";

/** Flag group headings of the help, in display order. */
export const RECORD_GROUPS: readonly string[] = [
  "Input",
  "Output",
  "Limits",
  "Files",
  "Packets",
  "Selectors",
  "Filters",
  "Raw filters",
  "Other",
];

export const FORMATS = ["pcap", "pcapng"] as const;
export const PRECISIONS = ["us", "ns"] as const;
export const SOURCES = ["libpcap", "ebpf"] as const;
export const DIRECTIONS = ["in", "out", "both"] as const;
/** The directions and their names for eBPF. */
export const EBPF_DIRECTIONS = { in: "ingress", out: "egress", both: "both" } as const;

/** Flags of `record` besides flow flags; named as in Hubble if Hubble has them, otherwise as in tcpdump or dumpcap. */
export const RECORD_FLAGS = [
  {
    name: "device",
    shorthand: "i",
    value: "string",
    placeholder: "DEVICE",
    group: "Input",
    help: "Capture from this network interface; on Linux any is all of them.",
  },
  {
    name: "read",
    shorthand: "r",
    value: "strings",
    placeholder: "FILE",
    group: "Input",
    help: "Read this capture (pcap, pcapng, gzip or not; - is standard input). Given several times, the captures are merged in the order of time.",
  },
  {
    name: "strict-input",
    value: "boolean",
    group: "Input",
    help: "End with exit code 3 when filters could not look at packets, as their link type is not supported.",
  },
  {
    name: "list-devices",
    shorthand: "D",
    value: "boolean",
    group: "Input",
    help: "Print the network interfaces that can be captured from, and record nothing.",
  },
  {
    name: "source",
    value: "string",
    placeholder: "SOURCE",
    group: "Input",
    help: "How to capture: libpcap (the default) or ebpf, a program in the kernel made for the filters.",
  },
  {
    name: "print-program",
    value: "boolean",
    group: "Input",
    help: "With --source ebpf, print the program that the filters make, and record nothing.",
  },
  {
    name: "direction",
    value: "string",
    placeholder: "DIRECTION",
    group: "Input",
    help: "What the interface receives (in), what it sends (out), or both (the default).",
  },
  {
    name: "promiscuous",
    value: "boolean",
    group: "Input",
    help: "Take in packets for others, too, as is the default; =false does not. For libpcap.",
  },
  {
    name: "buffer-size",
    value: "string",
    placeholder: "SIZE",
    group: "Input",
    help: "What the kernel keeps while this program is busy, such as 64MiB.",
  },
  {
    name: "write",
    shorthand: "w",
    value: "string",
    placeholder: "PATH",
    group: "Output",
    help: "Write to this file, which must not exist yet, or to a new file in this folder; - is standard output. Default: the current folder.",
  },
  { name: "overwrite", value: "boolean", group: "Output", help: "Write over an existing file." },
  {
    name: "format",
    value: "string",
    placeholder: "FORMAT",
    group: "Output",
    help: "pcap or pcapng; by default pcapng for a file whose name ends so, else pcap.",
  },
  {
    name: "precision",
    value: "string",
    placeholder: "UNIT",
    group: "Output",
    help: "Unit of the times: us or ns; by default that of the captures read, us for pcap files of a live capture.",
  },
  {
    name: "file-prefix",
    value: "string",
    placeholder: "PREFIX",
    group: "Output",
    help: "What names of files in a folder begin with; hubble by default.",
  },
  {
    name: "packet-limit",
    shorthand: "c",
    value: "uint64",
    placeholder: "N",
    group: "Limits",
    help: "Stop after so many packets.",
  },
  {
    name: "bytes-limit",
    value: "uint64",
    placeholder: "N",
    group: "Limits",
    help: "Stop with the packet that makes it so many bytes of packets, without headers.",
  },
  {
    name: "time-limit",
    value: "duration",
    placeholder: "DURATION",
    group: "Limits",
    help: "Stop after this time, such as 90s or 1h30m.",
  },
  {
    name: "max-capture-len",
    value: "uint64",
    placeholder: "N",
    group: "Limits",
    help: "Keep so many bytes of a packet; 0, the default, keeps all. As in tcpdump also -s N.",
  },
  {
    name: "rotate-size",
    value: "string",
    placeholder: "SIZE",
    group: "Files",
    help: "Go on in another file before one gets longer than this, such as 100MB.",
  },
  {
    name: "rotate-time",
    value: "duration",
    placeholder: "DURATION",
    group: "Files",
    help: "Go on in another file with the first packet that comes so long after the first one in the file.",
  },
  {
    name: "ring",
    value: "uint64",
    placeholder: "N",
    group: "Files",
    help: "Keep the last N files only, as dumpcap's ring buffer does.",
  },
  {
    name: "expression",
    value: "string",
    placeholder: "TEXT",
    group: "Packets",
    help: 'Packets that this pcap-filter text matches, such as "tcp port 443 and host 10.0.0.1" (man pcap-filter); also as the last arguments.',
  },
  {
    name: "guess-replies",
    value: "boolean",
    group: "Packets",
    help: "For flags about flows, tell which packets are replies by the packets before them.",
  },
  {
    name: "tunnels",
    value: "boolean",
    group: "Packets",
    help: "For flags about flows, look at the packets inside of VXLAN and Geneve, not at those around them.",
  },
  {
    name: "node",
    value: "string",
    placeholder: "[CLUSTER/]NODE",
    group: "Packets",
    help: "The name of the node: for flags about flows, and for names of files in a folder (the host's by default).",
  },
  {
    name: "silent-errors",
    shorthand: "s",
    value: "boolean",
    group: "Other",
    help: "Print results only: no status, no messages about inputs; the exit code still tells.",
  },
  HELP_FLAG,
] as const satisfies readonly ExtraFlag[];

/** Flags of `observe` that select among existing flows; a recording has its own limits. */
export const REFUSED_FLAGS: readonly string[] = ["all", "last", "first", "follow"];

/** Values of flags for completion. */
export const RECORD_CHOICES: Readonly<Record<string, readonly string[]>> = {
  format: FORMATS,
  precision: PRECISIONS,
  source: SOURCES,
  direction: DIRECTIONS,
};

/** All flags of `record`. */
export const ALL_RECORD_FLAGS = [
  ...RECORD_FLAGS,
  ...FLOW_FLAGS.filter(({ name }) => !REFUSED_FLAGS.includes(name)),
];
