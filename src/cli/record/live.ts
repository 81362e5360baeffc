import type { Resolution } from "../../packet/batch.js";
import type { PacketSource } from "../../packet/source.js";
import { UsageError } from "../error-text.js";
import { EBPF_DIRECTIONS } from "./flags.js";
import type { RecordCommandOptions } from "./options.js";

/** A live capture, and what it selects by itself. */
export interface LiveCapture {
  readonly source: PacketSource;
  readonly selectsInclude: boolean;
  readonly selectsExpression: boolean;
}

/**
 * Opens the device. What needs the system's libraries is loaded only now.
 *
 * @param signal Gives up opening.
 * @throws FlowscribeError that says what is missing; UsageError for numbers that the capture does not take.
 */
export async function openLive(options: RecordCommandOptions, signal: AbortSignal): Promise<LiveCapture> {
  try {
    return options.source === "ebpf"
      ? await openByEbpf(options, signal)
      : await openByLibpcap(options, signal);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

async function openByLibpcap(options: RecordCommandOptions, signal: AbortSignal): Promise<LiveCapture> {
  const { device = "", expression, direction, promiscuous, output } = options;
  const { openLibpcap } = await import("../../source/libpcap/index.js");
  const precision: Resolution = output.precision ?? (output.fileFormat === "pcap" ? "us" : "ns");
  const source = await openLibpcap(device, {
    ...commonOptions(options),
    ...(expression !== undefined && { expression }),
    direction,
    promiscuous,
    precision,
    signal,
  });
  return { source, selectsInclude: source.filtered, selectsExpression: true };
}

async function openByEbpf(options: RecordCommandOptions, signal: AbortSignal): Promise<LiveCapture> {
  const { device = "", direction } = options;
  const { openEbpf } = await import("../../source/ebpf/index.js");
  const source = await openEbpf(device, {
    ...commonOptions(options),
    direction: EBPF_DIRECTIONS[direction],
    signal,
  });
  return { source, selectsInclude: source.filtered, selectsExpression: false };
}

function commonOptions({ include, flows, expression, limits, bufferBytes, source }: RecordCommandOptions) {
  // Replies are told by all packets, and whoever looks at packets here needs them whole.
  const guessesReplies = flows?.guessReplies === true;
  const looksHere = flows !== undefined || (expression !== undefined && source === "ebpf");
  return {
    ...(include !== undefined && !guessesReplies && { include }),
    snapLength: looksHere ? 0 : (limits.maxCaptureLength ?? 0),
    ...(bufferBytes !== undefined && { bufferBytes }),
  };
}
