import type { PacketFilterInit } from "../../packet/filter-check.js";
import { MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import type { PacketSource } from "../../packet/source.js";
import { UsageError } from "../error-text.js";
import { EBPF_DIRECTIONS } from "../record/flags.js";
import type { CaptureOptions } from "./options.js";

/** What a recording asks of its source. */
export interface SourceRequest {
  /** Undefined for all packets. */
  readonly include?: readonly PacketFilterInit[];
  readonly maxCaptureLength?: number;
}

export type OpenServeSource = (
  capture: CaptureOptions,
  request: SourceRequest,
  signal: AbortSignal,
) => Promise<PacketSource>;

/**
 * Opens the device for one recording, with the recording's filters in the kernel. What needs the system's libraries is loaded only now.
 *
 * @throws FlowscribeError that says what is missing; UsageError for a buffer that is none.
 */
export const openServeSource: OpenServeSource = async (capture, request, signal) => {
  const { device, source, direction, promiscuous, bufferBytes, precision } = capture;
  const { include, maxCaptureLength = 0 } = request;
  const common = {
    ...(include && { include }),
    // More than any packet has is all of it.
    snapLength: maxCaptureLength > MAX_CAPTURED_LENGTH ? 0 : maxCaptureLength,
    ...(bufferBytes !== undefined && { bufferBytes }),
    signal,
  };
  try {
    if (source === "ebpf") {
      const { openEbpf } = await import("../../source/ebpf/index.js");
      return await openEbpf(device, { ...common, direction: EBPF_DIRECTIONS[direction] });
    }
    const { openLibpcap } = await import("../../source/libpcap/index.js");
    return await openLibpcap(device, { ...common, direction, promiscuous, precision });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
};
