import type { HubbleRules } from "../../hubble/rules.js";
import type { ExtraFlag } from "../../observer/flags/flag-values.js";
import { FLOW_FLAG_GROUPS, FLOW_FLAGS, OUTPUT_FORMATS, TIME_FORMATS } from "../../observer/index.js";
import { CLIENT_FLAGS, CLIENT_GROUP } from "../flags/client-flags.js";
import {
  GUESS_REPLIES_FLAG,
  HELP_FLAG,
  NODE_FLAG,
  OTHER_GROUP,
  TUNNELS_FLAG,
} from "../flags/common-flags.js";
import { HUBBLE_VERSION_FLAG } from "../flags/hubble-version.js";
import { COLOR_MODES } from "../io/color.js";

/** Flag group headings of the help, in display order. */
export const OBSERVE_GROUPS: readonly string[] = [
  ...FLOW_FLAG_GROUPS,
  "Output",
  "Input",
  CLIENT_GROUP,
  "Packets",
];

/** The values of `--output`: the formats of events, and `raw` for lines that are not formatted. */
export const OBSERVE_FORMATS = [...OUTPUT_FORMATS, "raw"] as const;

/** Flags of `observe` besides those that select flows; named as in Hubble if Hubble has them. */
export const OBSERVE_FLAGS = [
  {
    name: "output",
    shorthand: "o",
    // A string, as Hubble's error text differs from that of an enum.
    value: "string",
    choices: OBSERVE_FORMATS,
    default: "compact",
    placeholder: "FORMAT",
    group: "Output",
    help: "Output format. tab is table, json is jsonpb, raw the matching export lines unchanged.",
  },
  { name: "json", shorthand: "j", value: "boolean", group: "Output", help: "The same as --output json." },
  {
    name: "time-format",
    value: "enum",
    choices: TIME_FORMATS,
    default: "StampMilli",
    placeholder: "NAME",
    group: "Output",
    help: "Format of times, which are UTC. JSON is not affected.",
  },
  {
    name: "color",
    value: "enum",
    choices: COLOR_MODES,
    default: "auto",
    placeholder: "WHEN",
    group: "Output",
    help: "Colors in compact and dict; auto means on a terminal, unless NO_COLOR is set.",
  },
  {
    name: "ip-translation",
    value: "boolean",
    default: "true",
    group: "Output",
    help: "Print names of pods, services and hosts instead of addresses.",
  },
  { name: "numeric", value: "boolean", group: "Output", help: "Print addresses instead of names." },
  { name: "print-node-name", value: "boolean", group: "Output", help: "Print the node of each flow." },
  {
    name: "print-policy-names",
    value: "boolean",
    group: "Output",
    help: "Print the names of the policies that allowed or denied, except in JSON.",
  },
  {
    name: "raw-controls",
    value: "boolean",
    group: "Output",
    help: "Print control characters unescaped, like Hubble before 1.17.5. Unsafe on terminals.",
  },
  {
    name: "lost-events",
    value: "boolean",
    group: "Output",
    help: "Also print events about lost events, like Hubble since 1.17.",
  },
  {
    name: "aggregate-by",
    value: "list",
    placeholder: "FIELD,...",
    group: "Output",
    help: "Count flows with equal fields, such as source.pod_name,verdict, in a table or -o jsonpb.",
  },
  {
    name: "aggregate-max",
    value: "uint64",
    placeholder: "N",
    default: "10000",
    group: "Output",
    help: "Maximum number of groups in memory with --aggregate-by.",
  },
  {
    name: "aggregate-interval",
    value: "duration",
    placeholder: "DURATION",
    group: "Output",
    help: "Print the groups of --aggregate-by so often and begin anew; of files, by their times.",
  },
  {
    name: "explain",
    value: "boolean",
    group: "Output",
    help: "Print all events in the time range, and why each passes the filters or not.",
  },
  {
    name: "print-raw-filters",
    value: "boolean",
    group: "Output",
    help: "Print the flow filters that the flags stand for, and exit.",
  },
  {
    name: "experimental-field-mask",
    value: "list",
    placeholder: "FIELD,...",
    group: "Output",
    help: "In JSON, print only these fields of flows, such as verdict,source.pod_name.",
  },
  {
    name: "experimental-use-default-field-masks",
    value: "boolean",
    group: "Output",
    help: "A hint for servers in Hubble's CLI; has no effect here.",
  },
  {
    name: "field-mask",
    value: "list",
    placeholder: "FIELD,...",
    group: "Output",
    help: "The same; with --hubble-version 1.19 only servers apply it.",
  },
  {
    name: "use-default-field-masks",
    value: "boolean",
    default: "true with --hubble-version 1.19",
    group: "Output",
    help: "Request only the fields that are printed, except in JSON; no effect in 1.16.",
  },
  {
    name: "input-file",
    value: "strings",
    placeholder: "FILE",
    completion: "file",
    group: "Input",
    help: "Read this file before the FILE arguments; - is standard input.",
  },
  {
    name: "jobs",
    value: "uint64",
    placeholder: "N",
    default: "1",
    group: "Input",
    help: "Filter the lines of export files in this many threads, at most 64.",
  },
  {
    name: "strict-input",
    value: "boolean",
    group: "Input",
    help: "Exit with code 3 if lines or packets were skipped or could not be decoded.",
  },
  {
    name: "progress",
    value: "boolean",
    default: "true",
    group: "Input",
    help: "Show the progress of long inputs on a terminal.",
  },
  ...CLIENT_FLAGS,
  {
    name: "reconnect",
    value: "boolean",
    default: "true with --follow",
    group: CLIENT_GROUP,
    help: "Continue after a lost connection, without gaps and duplicates.",
  },
  {
    name: "strict",
    value: "boolean",
    group: "Packets",
    help: "Decode packets exactly as Hubble 1.16.2 does; skip those that it rejects.",
  },
  {
    ...GUESS_REPLIES_FLAG,
    help: "Classify packets as replies by the packets before them in the file.",
  },
  TUNNELS_FLAG,
  {
    ...NODE_FLAG,
    group: "Packets",
    help: "Name of the node where the packets were captured.",
  },
  {
    name: "silent-errors",
    shorthand: "s",
    value: "boolean",
    group: OTHER_GROUP,
    help: "Do not report unreadable lines, packets and inputs; the exit code is the same.",
  },
  {
    name: "debug",
    shorthand: "D",
    value: "boolean",
    group: OTHER_GROUP,
    help: "Report nodes that connect and disconnect, and lost events, on standard error.",
  },
  HUBBLE_VERSION_FLAG,
  HELP_FLAG,
] as const satisfies readonly ExtraFlag[];

type OwnFlagName = Exclude<(typeof OBSERVE_FLAGS)[number]["name"], (typeof CLIENT_FLAGS)[number]["name"]>;

/** Which flags have an effect for files only, not for servers. */
export const OBSERVE_FLAG_SCOPES: { readonly [K in OwnFlagName]: "files" | "everywhere" } = {
  output: "everywhere",
  json: "everywhere",
  "time-format": "everywhere",
  color: "everywhere",
  "ip-translation": "everywhere",
  numeric: "everywhere",
  "print-node-name": "everywhere",
  "print-policy-names": "everywhere",
  "raw-controls": "everywhere",
  "lost-events": "everywhere",
  "aggregate-by": "everywhere",
  "aggregate-max": "everywhere",
  "aggregate-interval": "everywhere",
  explain: "everywhere",
  "print-raw-filters": "everywhere",
  "experimental-field-mask": "everywhere",
  "experimental-use-default-field-masks": "everywhere",
  "field-mask": "everywhere",
  "use-default-field-masks": "everywhere",
  // Checked with the other inputs: a server and files exclude each other.
  "input-file": "everywhere",
  jobs: "files",
  "strict-input": "files",
  progress: "everywhere",
  reconnect: "everywhere",
  strict: "files",
  "guess-replies": "files",
  tunnels: "files",
  node: "files",
  "silent-errors": "everywhere",
  debug: "everywhere",
  "hubble-version": "everywhere",
  help: "everywhere",
};

/** All flags of `observe`. */
export const ALL_OBSERVE_FLAGS = [...FLOW_FLAGS, ...OBSERVE_FLAGS];

/** The flags of `observe` besides those that select flows, by the names of its flags for field masks. */
export const OBSERVE_FLAGS_OF: { readonly [K in HubbleRules["fieldMaskFlags"]]: typeof OBSERVE_FLAGS } = {
  experimental: OBSERVE_FLAGS,
  // The cast is true in what follows from it: the values of flags are optional, and those left out are never set.
  stable: OBSERVE_FLAGS.filter(
    ({ name }) => !name.startsWith("experimental-"),
  ) as unknown as typeof OBSERVE_FLAGS,
};
