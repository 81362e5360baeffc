import {
  type ExtraFlag,
  FLOW_FLAG_GROUPS,
  FLOW_FLAGS,
  OUTPUT_FORMATS,
  TIME_FORMATS,
} from "../../observer/index.js";
import { SERVER_FLAGS, SERVER_GROUP } from "../flags/client-flags.js";
import { HELP_FLAG } from "../help.js";
import { COLOR_MODES } from "../io/color.js";

/** Flag group headings of the help, in display order. */
export const OBSERVE_GROUPS: readonly string[] = [
  ...FLOW_FLAG_GROUPS,
  "Output",
  "Input",
  SERVER_GROUP,
  "Packets",
  "Other",
];

/** Flags of `observe` besides those that select flows; named as in Hubble if Hubble has them. */
export const OBSERVE_FLAGS = [
  {
    name: "output",
    shorthand: "o",
    value: "string",
    placeholder: "FORMAT",
    group: "Output",
    help: `How to print: ${OUTPUT_FORMATS.join(", ")}; compact by default. tab is table, json is jsonpb.`,
  },
  { name: "json", shorthand: "j", value: "boolean", group: "Output", help: "Short for --output json." },
  {
    name: "time-format",
    value: "string",
    placeholder: "NAME",
    group: "Output",
    help: `How to print times, which are UTC: ${TIME_FORMATS.join(", ")}; StampMilli by default. Not for JSON.`,
  },
  {
    name: "color",
    value: "string",
    placeholder: "WHEN",
    group: "Output",
    help: "Colours in compact and dict: auto (the default: on a terminal, unless NO_COLOR is set), always or never.",
  },
  {
    name: "ip-translation",
    value: "boolean",
    group: "Output",
    help: "Print names of pods, services and hosts for addresses; =false does not.",
  },
  { name: "numeric", value: "boolean", group: "Output", help: "Print addresses, not names." },
  { name: "print-node-name", value: "boolean", group: "Output", help: "Print the node of each flow." },
  {
    name: "raw-controls",
    value: "boolean",
    group: "Output",
    help: "Print control characters as they are, as Hubble does before 1.17.5. Flows can then write to your terminal what they like.",
  },
  {
    name: "lost-events",
    value: "boolean",
    group: "Output",
    help: "Print events about lost events, too, as Hubble does from 1.17 on.",
  },
  {
    name: "explain",
    value: "boolean",
    group: "Output",
    help: "Print all events within the times, each with why it passes the filters or does not. For compact and dict.",
  },
  {
    name: "print-raw-filters",
    value: "boolean",
    group: "Output",
    help: "Print the filters that the flags make, for --allowlist, --denylist and Hubble's configuration, and read nothing.",
  },
  {
    name: "experimental-field-mask",
    value: "list",
    placeholder: "FIELD,...",
    group: "Output",
    help: "In JSON, print only these fields of flows: verdict,source.pod_name.",
  },
  {
    name: "experimental-use-default-field-masks",
    value: "boolean",
    group: "Output",
    help: "Hubble's hint to servers; it changes nothing here.",
  },
  {
    name: "input-file",
    value: "strings",
    placeholder: "FILE",
    group: "Input",
    help: "Read this file, before those that are named without a flag; - is standard input.",
  },
  {
    name: "strict-input",
    value: "boolean",
    group: "Input",
    help: "End with exit code 3 when lines or packets had to be left out, or packets could not be decoded.",
  },
  {
    name: "progress",
    value: "boolean",
    group: "Input",
    help: "Show on a terminal how far a long input is read, as is the default; =false does not.",
  },
  ...SERVER_FLAGS,
  {
    name: "reconnect",
    value: "boolean",
    group: SERVER_GROUP,
    help: "Go on after a lost connection, without gaps and repeats, as is the default with --follow; =false does not.",
  },
  {
    name: "strict",
    value: "boolean",
    group: "Packets",
    help: "Decode packets of captures exactly as Hubble 1.16.2 does: what it refuses is left out.",
  },
  {
    name: "guess-replies",
    value: "boolean",
    group: "Packets",
    help: "Tell which packets are replies by the packets before them in the file.",
  },
  {
    name: "tunnels",
    value: "boolean",
    group: "Packets",
    help: "Show the packets inside of VXLAN and Geneve, not those around them.",
  },
  {
    name: "node",
    value: "string",
    placeholder: "[CLUSTER/]NODE",
    group: "Packets",
    help: "The name of the node where the packets were captured.",
  },
  {
    name: "silent-errors",
    shorthand: "s",
    value: "boolean",
    group: "Other",
    help: "Do not report lines, packets and inputs that cannot be read; the exit code still does.",
  },
  {
    name: "debug",
    shorthand: "D",
    value: "boolean",
    group: "Other",
    help: "Tell of nodes that come and go and of lost events, on standard error.",
  },
  HELP_FLAG,
] as const satisfies readonly ExtraFlag[];

/** Values of flags for completion. */
export const OBSERVE_CHOICES: Readonly<Record<string, readonly string[]>> = {
  output: OUTPUT_FORMATS,
  "time-format": TIME_FORMATS,
  color: COLOR_MODES,
  verdict: ["FORWARDED", "DROPPED", "ERROR", "AUDIT", "REDIRECTED", "TRACED", "TRANSLATED"],
  type: ["drop", "capture", "trace", "policy-verdict", "trace-sock", "l7"],
  protocol: ["icmp", "icmpv4", "icmpv6", "tcp", "udp", "sctp", "dns", "http", "kafka"],
  "traffic-direction": ["ingress", "egress"],
  "ip-version": ["v4", "v6"],
};

/** Flags that apply to files only, not to servers. */
export const FILE_ONLY_FLAGS = ["strict-input", "strict", "guess-replies", "tunnels", "node"] as const;

/** All flags of `observe`. */
export const ALL_OBSERVE_FLAGS = [...FLOW_FLAGS, ...OBSERVE_FLAGS];
