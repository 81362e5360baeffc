import type { ExtraFlag, ValuesOf } from "../../observer/flags/flag-values.js";
import { UsageError } from "../error-text.js";
import { parseSize } from "./size.js";

/** The heading of {@link CAPTURE_FLAGS} in a help text. */
export const CAPTURE_GROUP = "Capture";

const SOURCES = ["libpcap", "ebpf"] as const;
const DIRECTIONS = ["in", "out", "both"] as const;

/** The directions and their names for eBPF. */
export const EBPF_DIRECTIONS = { in: "ingress", out: "egress", both: "both" } as const;

/** Flags for capturing from a network interface, for `record` and `serve`. */
export const CAPTURE_FLAGS = [
  {
    name: "device",
    shorthand: "i",
    value: "string",
    placeholder: "DEVICE",
    group: CAPTURE_GROUP,
    help: "Capture from this network interface; on Linux, any captures from all.",
  },
  {
    name: "source",
    value: "enum",
    choices: SOURCES,
    default: "libpcap",
    placeholder: "SOURCE",
    group: CAPTURE_GROUP,
    help: "How to capture; ebpf generates a kernel program for the filters.",
  },
  {
    name: "direction",
    value: "enum",
    choices: DIRECTIONS,
    default: "both",
    placeholder: "DIRECTION",
    group: CAPTURE_GROUP,
    help: "Capture what the interface receives, what it sends, or both.",
  },
  {
    name: "promiscuous",
    value: "boolean",
    default: "true",
    group: CAPTURE_GROUP,
    help: "Also capture packets for other hosts. For libpcap.",
  },
  {
    name: "buffer-size",
    value: "string",
    placeholder: "SIZE",
    default: "16MiB for libpcap, 32MiB for ebpf",
    group: CAPTURE_GROUP,
    help: "Size of the kernel buffer of each recording, such as 64MiB.",
  },
] as const satisfies readonly ExtraFlag[];

/** How to capture from an interface, as given by {@link CAPTURE_FLAGS}. */
export interface CaptureOptions {
  readonly source: (typeof SOURCES)[number];
  readonly direction: (typeof DIRECTIONS)[number];
  readonly promiscuous: boolean;
  /** Undefined for the default of the source. */
  readonly bufferBytes: number | undefined;
}

/**
 * Reads the flags for capturing, except the device.
 *
 * @throws UsageError
 */
export function readCaptureOptions(values: ValuesOf<typeof CAPTURE_FLAGS>): CaptureOptions {
  const { source = "libpcap", direction = "both", promiscuous } = values;
  if (source === "ebpf" && promiscuous !== undefined) {
    throw new UsageError("--promiscuous requires --source libpcap");
  }
  const size = values["buffer-size"];
  return {
    source,
    direction,
    promiscuous: promiscuous ?? true,
    bufferBytes: size === undefined ? undefined : parseSize("buffer-size", size),
  };
}
