import type { ExtraFlag } from "../../observer/flags/flag-values.js";

/** The heading of flags that belong to no other group. */
export const OTHER_GROUP = "Other";

export const HELP_FLAG = {
  name: "help",
  shorthand: "h",
  value: "boolean",
  group: OTHER_GROUP,
  help: "Show this help.",
} as const satisfies ExtraFlag;

/** The name of the node: for decoded flows and for names of recorded files. */
export const NODE_FLAG = {
  name: "node",
  value: "string",
  placeholder: "[CLUSTER/]NODE",
} as const;

/** Flags for decoding packets of captures to flows. */
export const GUESS_REPLIES_FLAG = {
  name: "guess-replies",
  value: "boolean",
  group: "Packets",
} as const;

export const TUNNELS_FLAG = {
  name: "tunnels",
  value: "boolean",
  group: "Packets",
  help: "Decode the packets inside VXLAN and Geneve instead of the outer ones.",
} as const satisfies ExtraFlag;
