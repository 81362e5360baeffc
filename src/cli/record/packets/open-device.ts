import { OptionsError } from "../../../errors/errors.js";
import { codeOf } from "../../../errors/message.js";
import type { Resolution } from "../../../packet/batch.js";
import type { AddressSet } from "../../../packet/filter/address-set.js";
import type { PacketFilterInit } from "../../../packet/filter/check.js";
import type { PacketSource } from "../../../packet/source.js";
import type { FlowSelection } from "../../../source/flow-selection.js";
import type { PacketSocketOptions } from "../../../source/packet-socket/options.js";
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
  /** How many bytes of packets a flight recorder keeps: the kernel's buffer is made as large, where that is supported. */
  readonly keepBytes?: number;
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
  const { include, addresses, flows, expression, maxCaptureLength = 0, keepBytes } = request;
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
    const text = expression === undefined ? {} : { expression };
    const all = { ...common, ...text, direction, promiscuous, precision, timeoutMs: TIMEOUT_MS };
    if (keepBytes !== undefined) {
      const kept = await openKept(device, { ...all, keepBytes });
      if (kept !== undefined) return kept;
    }
    const { openLibpcap } = await import("../../../source/libpcap/index.js");
    return await openLibpcap(device, all);
  } catch (error) {
    if (error instanceof OptionsError) {
      throw new UsageError(error.message.replace("bufferBytes", "--buffer-size in bytes"));
    }
    throw error;
  }
};

/** Undefined if the system, the link type of the device or the size of the ring is not supported. */
async function openKept(
  device: string,
  options: PacketSocketOptions & { readonly keepBytes: number },
): Promise<PacketSource | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const { MAX_KEEP_BYTES, openPacketSocket } = await import("../../../source/packet-socket/index.js");
    if (options.keepBytes > MAX_KEEP_BYTES) return undefined;
    return await openPacketSocket(device, options);
  } catch (error) {
    if (codeOf(error) === "capture_unavailable") return undefined;
    throw error;
  }
}
