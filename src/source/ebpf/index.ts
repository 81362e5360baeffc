import { type EbpfOptions, type EbpfSource, open } from "./open.js";

export { describeSelection } from "../describe-selection.js";
export type { FlowSelection } from "../flow-selection.js";
export type { LiveSource } from "../live-source.js";
export { DEFAULT_BUFFER_BYTES, type EbpfOptions, type EbpfSource } from "./open.js";
export { type DescribeOptions, describeProgram } from "./program/describe.js";

/**
 * Captures packets from a network interface with an eBPF program that is compiled for the filters, as Cilium's Recorder
 * did, on any interface. Requires Linux 5.12 or later on x64 or arm64, the optional dependency koffi, CAP_BPF and
 * CAP_NET_ADMIN. Dispose of the source to detach the program. From Linux 6.6 on, the program is also detached when the
 * process ends for any reason; before, the next capture from the device detaches it.
 *
 * Batches have link type Ethernet, or raw IP for devices without a link header (tun), and timestamps in nanoseconds.
 * With `reusedBatches()`, batches refer to the memory that the kernel writes packets into; each is only valid until the next
 * one is requested. On `lo`, direction `both` captures each packet once.
 *
 * @throws FlowscribeError `capture_unavailable`, `capture_denied`, `no_such_device`, `device_down` or `capture_failed`;
 *   FilterError for invalid filters; OptionsError. The iteration throws `device_gone` if the interface is removed.
 */
export async function openEbpf(device: string, options: EbpfOptions = {}): Promise<EbpfSource> {
  return open(device, options);
}
