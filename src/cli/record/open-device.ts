import { OptionsError } from "../../errors/errors.js";
import type { Resolution } from "../../packet/batch.js";
import type { PacketFilterInit } from "../../packet/filter-check.js";
import type { PacketSource } from "../../packet/source.js";
import { UsageError } from "../error-text.js";
import { type DIRECTIONS, EBPF_DIRECTIONS, type SOURCES } from "./flags.js";

/** A network interface and how it is captured from, as the flags of `record` and `serve` say. */
export interface DeviceOptions {
  readonly device: string;
  readonly source: (typeof SOURCES)[number];
  readonly direction: (typeof DIRECTIONS)[number];
  readonly promiscuous: boolean;
  readonly bufferBytes: number | undefined;
  readonly precision: Resolution;
}

/** What one capture selects in the kernel. */
export interface CaptureRequest {
  /** Undefined for all packets. */
  readonly include?: readonly PacketFilterInit[];
  /** Of libpcap only. */
  readonly expression?: string;
  /** 0 for all of a packet. */
  readonly maxCaptureLength?: number;
}

/** A recording need not have its packets at once; with this its buffer lasts for seconds while a disk is busy. */
const TIMEOUT_MS = 100;

export type OpenDevice = (
  options: DeviceOptions,
  request: CaptureRequest,
  signal: AbortSignal,
) => Promise<PacketSource>;

/**
 * Opens a device for one capture. What needs the system's libraries is loaded only now.
 *
 * @param signal Gives up opening, and the capture.
 * @throws FlowscribeError that says what is missing; UsageError for a buffer that the capture does not take.
 */
export const openDevice: OpenDevice = async (options, request, signal) => {
  const { device, source, direction, promiscuous, bufferBytes, precision } = options;
  const { include, expression, maxCaptureLength = 0 } = request;
  const common = {
    ...(include && { include }),
    snapLength: maxCaptureLength,
    ...(bufferBytes !== undefined && { bufferBytes }),
    signal,
  };
  try {
    if (source === "ebpf") {
      const { openEbpf } = await import("../../source/ebpf/index.js");
      return await openEbpf(device, { ...common, direction: EBPF_DIRECTIONS[direction] });
    }
    const { openLibpcap } = await import("../../source/libpcap/index.js");
    const text = expression === undefined ? {} : { expression };
    const timeoutMs = TIMEOUT_MS;
    return await openLibpcap(device, { ...common, ...text, direction, promiscuous, precision, timeoutMs });
  } catch (error) {
    if (error instanceof OptionsError) {
      throw new UsageError(error.message.replace("bufferBytes", "--buffer-size in bytes"));
    }
    throw error;
  }
};
