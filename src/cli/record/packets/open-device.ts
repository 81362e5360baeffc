import { OptionsError } from "../../../errors/errors.js";
import type { Resolution } from "../../../packet/batch.js";
import type { AddressSet } from "../../../packet/filter/address-set.js";
import type { PacketFilterInit } from "../../../packet/filter/check.js";
import type { PacketSource } from "../../../packet/source.js";
import type { FlowSelection } from "../../../source/flow-selection.js";
import { UsageError } from "../../error-text.js";
import { type CaptureOptions, EBPF_DIRECTIONS } from "../../flags/capture-flags.js";

/** A network interface and how to capture from it, from the flags of `record` and `serve`. */
export interface DeviceOptions extends CaptureOptions {
  readonly device: string;
  readonly precision: Resolution;
}

/** Filters and snap length of one capture, applied in the kernel. */
export interface CaptureRequest {
  /** Undefined for all packets. */
  readonly include?: readonly PacketFilterInit[];
  /** Only packets from or to these addresses, for eBPF only. */
  readonly addresses?: AddressSet;
  /** FlowFilters, tested as far as packets contain their fields. */
  readonly flows?: FlowSelection;
  /** pcap-filter text, for libpcap only. */
  readonly expression?: string;
  /** Maximum captured bytes per packet; 0 for whole packets. */
  readonly maxCaptureLength?: number;
}

/**
 * Timeout for buffering in the kernel. A recording does not need its packets immediately, and with this value the
 * buffer covers several seconds in which the disk is busy.
 */
const TIMEOUT_MS = 100;

export type OpenDevice = (
  options: DeviceOptions,
  request: CaptureRequest,
  signal: AbortSignal,
) => Promise<PacketSource>;

/**
 * Opens a device for one capture. Loads the modules that use system libraries only when they are needed.
 *
 * @param signal Aborts opening and capturing.
 * @throws FlowscribeError whose message says what is missing; UsageError for an invalid buffer size.
 */
export const openDevice: OpenDevice = async (options, request, signal) => {
  const { device, source, direction, promiscuous, bufferBytes, precision } = options;
  const { include, addresses, flows, expression, maxCaptureLength = 0 } = request;
  const common = {
    ...(include && { include }),
    ...(flows && { flows }),
    snapLength: maxCaptureLength,
    ...(bufferBytes !== undefined && { bufferBytes }),
    signal,
  };
  try {
    if (source === "ebpf") {
      const { openEbpf } = await import("../../../source/ebpf/index.js");
      const set = addresses === undefined ? {} : { addresses };
      return await openEbpf(device, { ...common, ...set, direction: EBPF_DIRECTIONS[direction] });
    }
    const { openLibpcap } = await import("../../../source/libpcap/index.js");
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
