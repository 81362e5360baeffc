import { HELP_FLAG } from "../flags/common-flags.js";

export const COLLECT_FLAGS = [
  {
    name: "config",
    value: "string",
    placeholder: "FILE",
    group: "Collector",
    help: "The configuration, in YAML or JSON.",
  },
  {
    name: "check",
    value: "boolean",
    group: "Collector",
    help: "Only check the configuration, and print every fault with its line.",
  },
  HELP_FLAG,
] as const;
