import type { ExtraFlag } from "../../observer/flags/flag-values.js";
import { FLOW_FLAG_GROUPS, FLOW_FLAGS } from "../../observer/flags/flow-flags.js";
import { FLIGHT_SCOPES } from "../../recorder/flight/option-values.js";
import { CAPTURE_FLAGS, CAPTURE_GROUP } from "../flags/capture-flags.js";
import {
  GUESS_REPLIES_FLAG,
  HELP_FLAG,
  NODE_FLAG,
  OTHER_GROUP,
  TUNNELS_FLAG,
} from "../flags/common-flags.js";
import { FORMAT_FLAG, PRECISION_FLAG } from "../flags/format-flags.js";
import { HUBBLE_VERSION_FLAG } from "../flags/hubble-version.js";

/** Flag group headings of the help, in display order. */
export const RECORD_GROUPS: readonly string[] = [
  CAPTURE_GROUP,
  "Input",
  "Output",
  "Limits",
  "Rotation",
  "Flight recorder",
  "Packets",
  ...FLOW_FLAG_GROUPS,
];

/** Flags of `record` besides flow flags; named as in Hubble if Hubble has them, otherwise as in tcpdump or dumpcap. */
export const RECORD_FLAGS = [
  ...CAPTURE_FLAGS,
  {
    name: "list-devices",
    shorthand: "D",
    value: "boolean",
    group: CAPTURE_GROUP,
    help: "Print the network interfaces that can be captured from, and exit.",
  },
  {
    name: "print-program",
    value: "boolean",
    group: CAPTURE_GROUP,
    help: "Print what the kernel tests, with --source ebpf also its program, and exit.",
  },
  {
    name: "read",
    shorthand: "r",
    value: "strings",
    placeholder: "FILE",
    completion: "file",
    group: "Input",
    help: "Read this capture; - is standard input. Several captures are merged by time.",
  },
  {
    name: "strict-input",
    value: "boolean",
    group: "Input",
    help: "Exit with code 3 if filters could not decode packets of an unsupported link type.",
  },
  {
    name: "write",
    shorthand: "w",
    value: "string",
    placeholder: "PATH",
    completion: "file",
    default: "the current directory",
    group: "Output",
    help: "Write to this new file, or to a new file in this directory; - is standard output.",
  },
  { name: "overwrite", value: "boolean", group: "Output", help: "Overwrite an existing file." },
  {
    ...FORMAT_FLAG,
    default: "pcapng for files with that extension, otherwise pcap",
    group: "Output",
    help: "Format of the capture.",
  },
  {
    ...PRECISION_FLAG,
    default: "that of the input; us for pcap files of a device",
    group: "Output",
    help: "Unit of the packet times.",
  },
  {
    name: "flow-comments",
    value: "enum",
    choices: ["none", "conversation", "packet"],
    default: "none",
    placeholder: "WHICH",
    group: "Output",
    help: "In pcapng, comment each packet, or the first of each conversation and direction, with its flow.",
  },
  {
    name: "flow-json",
    value: "boolean",
    group: "Output",
    help: "With --flow-comments, add the whole flow as JSON, so that observe prints its names and verdict again.",
  },
  {
    name: "inject-secrets",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    group: "Output",
    help: "In pcapng, add the secrets of this TLS key log, also those added while recording: readers can decrypt the packets.",
  },
  {
    name: "describe-interfaces",
    value: "boolean",
    group: "Output",
    help: "In pcapng, add the name of the node to the interfaces, and the operating system and version of flowscribe.",
  },
  {
    name: "resolve-names",
    value: "boolean",
    group: "Output",
    help: "In pcapng, add the pods and DNS names that Hubble's flows (--server, --events) have for addresses; Wireshark shows them.",
  },
  {
    name: "file-prefix",
    value: "string",
    placeholder: "PREFIX",
    default: "hubble",
    group: "Output",
    help: "Prefix of the names of files in a directory.",
  },
  {
    name: "packet-limit",
    shorthand: "c",
    value: "uint64",
    placeholder: "N",
    group: "Limits",
    help: "Stop after this number of packets.",
  },
  {
    name: "bytes-limit",
    value: "uint64",
    placeholder: "N",
    group: "Limits",
    help: "Stop with the packet that reaches this number of captured bytes.",
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
    default: "0, whole packets",
    group: "Limits",
    help: "Capture at most this number of bytes per packet. As in tcpdump, also -s N.",
  },
  {
    name: "rotate-size",
    value: "string",
    placeholder: "SIZE",
    group: "Rotation",
    help: "Start a new file before one exceeds this size, such as 100MB.",
  },
  {
    name: "rotate-time",
    value: "duration",
    placeholder: "DURATION",
    group: "Rotation",
    help: "Start a new file with the first packet that is this much later than the file's first.",
  },
  {
    name: "ring",
    value: "string",
    placeholder: "N",
    group: "Rotation",
    help: "Keep only the last N files, like dumpcap's ring buffer. With --trigger or --before: the size of the ring in memory, such as 256M.",
  },
  {
    name: "trigger",
    value: "string",
    placeholder: "FLAGS",
    group: "Flight recorder",
    help: "Keep the latest packets in memory, and write those around each flow that these flags of observe select.",
  },
  {
    name: "events",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    group: "Flight recorder",
    help: "Test the events of this export file for the trigger instead of the packets; - is standard input. Or set --server.",
  },
  {
    name: "before",
    value: "duration",
    placeholder: "DURATION",
    default: "10s",
    group: "Flight recorder",
    help: "Also write packets from this time before the trigger or, by name, before an address is known (default 0s).",
  },
  {
    name: "after",
    value: "duration",
    placeholder: "DURATION",
    default: "5s",
    group: "Flight recorder",
    help: "Write packets up to this time after the last trigger.",
  },
  {
    name: "scope",
    value: "enum",
    choices: FLIGHT_SCOPES,
    default: "all",
    placeholder: "SCOPE",
    group: "Flight recorder",
    help: "Write all packets, those of both endpoints of the flow, or those of its conversation.",
  },
  {
    name: "skew",
    value: "duration",
    placeholder: "DURATION",
    default: "0s",
    group: "Flight recorder",
    help: "The maximum difference between the clocks of the events and of the packets.",
  },
  {
    name: "max-per-minute",
    value: "uint64",
    placeholder: "N",
    default: "60",
    group: "Flight recorder",
    help: "Begin at most this number of captures, or of scopes in one, within a minute.",
  },
  {
    name: "expression",
    value: "string",
    placeholder: "EXPRESSION",
    group: "Packets",
    help: 'Record packets that match this pcap-filter expression, such as "tcp port 443 and host 10.0.0.1".',
  },
  {
    ...GUESS_REPLIES_FLAG,
    help: "For flow flags, classify packets as replies by the packets before them.",
  },
  TUNNELS_FLAG,
  {
    ...NODE_FLAG,
    default: "the host name",
    group: "Packets",
    help: "Name of the node, for flow flags and for the names of files in a directory.",
  },
  {
    name: "silent-errors",
    shorthand: "s",
    value: "boolean",
    group: OTHER_GROUP,
    help: "Print only results, no status and no messages about inputs.",
  },
  HUBBLE_VERSION_FLAG,
  HELP_FLAG,
] as const satisfies readonly ExtraFlag[];

type RecordFlagName = (typeof RECORD_FLAGS)[number]["name"];

/**
 * Where each flag has an effect: only for a device, for devices and captures but not for a server, or everywhere. Every
 * flag of `hubble record` applies to servers, too.
 */
export const RECORD_FLAG_SCOPES: { readonly [K in RecordFlagName]: "device" | "local" | "everywhere" } = {
  device: "local",
  source: "device",
  direction: "device",
  promiscuous: "device",
  "buffer-size": "device",
  "list-devices": "local",
  "print-program": "local",
  read: "local",
  "strict-input": "local",
  write: "local",
  overwrite: "local",
  format: "local",
  precision: "local",
  "flow-comments": "local",
  "flow-json": "local",
  "inject-secrets": "local",
  "describe-interfaces": "device",
  "resolve-names": "local",
  "file-prefix": "everywhere",
  "packet-limit": "everywhere",
  "bytes-limit": "everywhere",
  "time-limit": "everywhere",
  "max-capture-len": "everywhere",
  "rotate-size": "local",
  "rotate-time": "local",
  ring: "local",
  trigger: "local",
  events: "local",
  before: "local",
  after: "local",
  scope: "local",
  skew: "local",
  "max-per-minute": "local",
  expression: "local",
  "guess-replies": "local",
  tunnels: "local",
  node: "local",
  "silent-errors": "everywhere",
  "hubble-version": "everywhere",
  help: "everywhere",
};

/** Flags of `observe` that select among existing flows; a recording has its own limits. */
export const REFUSED_FLAGS: readonly string[] = ["all", "last", "first", "follow"];

/** All flags of `record`, except those for a server. */
export const ALL_RECORD_FLAGS = [
  ...RECORD_FLAGS,
  ...FLOW_FLAGS.filter(({ name }) => !REFUSED_FLAGS.includes(name)),
];
