import type { OptionTable } from "../../errors/check-options.js";
import { aBoolean, anInteger, aSignal, aString, checkedElsewhere, oneOf } from "../../errors/value-checks.js";
import type { Resolution } from "../../packet/batch.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import { compilePacketFilter } from "../../packet/filter/filter.js";
import { MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import { bothOf, compileSelection, type FlowSelection } from "../flow-selection.js";

/** Options of `openLibpcap`. */
export interface LibpcapOptions {
  /**
   * Capture only packets that match any of these filters; the source is then `filtered`. The kernel filters as far as
   * it can; the packets that pass are checked again.
   */
  readonly include?: readonly PacketFilterInit[];
  /**
   * Capture only packets whose flows may pass these FlowFilters. The kernel filters as
   * far as it can, see `describeSelection`; the packets that pass are tested again. Fields that packets do not contain,
   * such as pods and verdicts, are not tested. Together with `include`, both must match.
   */
  readonly flows?: FlowSelection;
  /** pcap-filter text (`man pcap-filter`), evaluated in the kernel. Together with `include`, both must match. */
  readonly expression?: string;
  /** Maximum captured bytes per packet, at most 262,144; 0 (default) for whole packets. */
  readonly snapLength?: number;
  /**
   * Promiscuous mode: also capture packets addressed to other hosts. Default true, as in tcpdump. Has no effect on
   * `any`.
   */
  readonly promiscuous?: boolean;
  /**
   * Size of the kernel's buffer in bytes, 64 KiB to 1 GiB. It holds packets while the program is busy; packets that do
   * not fit are dropped and counted in `stats().dropped`. Default {@link DEFAULT_BUFFER_BYTES}.
   */
  readonly bufferBytes?: number;
  /**
   * How long the kernel may buffer packets to deliver them together, 1 to 1000 ms; default {@link DEFAULT_TIMEOUT_MS}.
   * Linux delivers blocks of 256 KiB, full or not, so this and the buffer size determine how long a reader may stall.
   */
  readonly timeoutMs?: number;
  /** As seen from the interface: `in` for received packets, `out` for sent packets; default `both`. */
  readonly direction?: Direction;
  /**
   * Unit of the timestamps; nanoseconds by default if the system supports them. `interfaces[0].resolution` reports the
   * actual unit.
   */
  readonly precision?: Resolution;
  /** Aborts opening or capturing: the pending promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Direction of packets to capture, as seen from the device. */
export type Direction = "in" | "out" | "both";

/** Default size of the kernel's buffer in bytes. */
export const DEFAULT_BUFFER_BYTES: number = 16 * 1024 * 1024;
/** Default of {@link LibpcapOptions.timeoutMs}, in milliseconds. */
export const DEFAULT_TIMEOUT_MS: number = 10;
const MIN_BUFFER_BYTES = 64 * 1024;
const MAX_BUFFER_BYTES = 1024 * 1024 * 1024;
const MAX_TIMEOUT_MS = 1000;
/** Minimum captured length for the predicate to find the ports, regardless of the snap length. */
const MIN_FILTERED_LENGTH = 256;
/** `pcap_direction_t` */
export const DIRECTIONS: { readonly [D in Direction]: number } = { both: 0, in: 1, out: 2 };

export const LIBPCAP_OPTIONS: OptionTable<LibpcapOptions> = {
  // The compile function checks it.
  include: checkedElsewhere,
  // The compile function checks it.
  flows: checkedElsewhere,
  expression: aString,
  snapLength: anInteger(0, MAX_CAPTURED_LENGTH),
  promiscuous: aBoolean,
  bufferBytes: anInteger(MIN_BUFFER_BYTES, MAX_BUFFER_BYTES),
  timeoutMs: anInteger(1, MAX_TIMEOUT_MS),
  direction: oneOf("in", "out", "both"),
  precision: oneOf("ns", "us"),
  signal: aSignal,
};

export type CapturePlan = ReturnType<typeof planCapture>;

/** Validates everything that does not depend on the system. */
export function planCapture(
  device: string,
  {
    include,
    flows,
    expression,
    snapLength = 0,
    promiscuous = true,
    bufferBytes = DEFAULT_BUFFER_BYTES,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    direction = "both",
    precision = "ns",
    signal,
  }: LibpcapOptions,
) {
  const keptLength = snapLength === 0 ? MAX_CAPTURED_LENGTH : snapLength;
  const ofInclude = include === undefined ? undefined : compilePacketFilter(include);
  const selection = flows === undefined ? undefined : compileSelection(flows);
  const wanted = bothOf(ofInclude, selection?.wanted);
  return {
    device,
    include,
    kernelPart: selection?.kernel,
    wanted,
    expression,
    keptLength,
    capturedLength: wanted === undefined ? keptLength : Math.max(keptLength, MIN_FILTERED_LENGTH),
    promiscuous,
    bufferBytes,
    timeoutMs,
    direction: DIRECTIONS[direction],
    nanoseconds: precision === "ns",
    signal,
  };
}
