import { type EbpfOptions, type EbpfSource, open } from "./open.js";

export type { LiveSource } from "../live-source.js";
export { type DescribeOptions, describeProgram } from "./describe.js";
export { DEFAULT_BUFFER_BYTES, type EbpfOptions, type EbpfSource } from "./open.js";

/**
 * Captures packets from a network interface with a program in the kernel that is made for the filters: what Cilium's Recorder
 * did, on any interface. Linux 5.12 or later, on x64 and arm64; needs the optional dependency koffi, and CAP_BPF and
 * CAP_NET_ADMIN. Dispose of the source to detach the program; from Linux 6.6 on the end of the process, however it comes,
 * detaches it too, and before the next capture from the device does.
 *
 * Batches have link type Ethernet, or raw IP for devices without a link header (tun), and times in nanoseconds. `borrow()` lends
 * the very memory that the kernel writes packets into, for as long as the next batch is not asked for. On `lo` direction `both`
 * captures each packet once.
 *
 * @throws FlowscribeError `capture_unavailable`, `capture_denied`, `no_such_device`, `device_down` or `capture_failed`;
 *   FilterError for filters at fault; OptionsError. The iteration throws `device_gone` when the interface is removed.
 */
export async function openEbpf(device: string, options: EbpfOptions = {}): Promise<EbpfSource> {
  return open(device, options);
}
