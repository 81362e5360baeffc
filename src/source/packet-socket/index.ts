import type { LiveSource } from "../live-source.js";
import { open } from "./open.js";
import type { PacketSocketOptions } from "./options.js";

export type { FlowSelection } from "../flow-selection.js";
export type { Direction, LibpcapOptions } from "../libpcap/plan.js";
export type { LiveSource } from "../live-source.js";
export { MAX_KEEP_BYTES, type PacketSocketOptions } from "./options.js";

/** A live capture. */
export type PacketSocketSource = LiveSource;

/**
 * Captures from an Ethernet or loopback interface of Linux with a packet socket, whose buffer a flight recorder can use as its
 * ring, so that it copies only the packets that it writes. Requires x64 or arm64, the optional dependency koffi, libpcap, which
 * compiles the filters, and CAP_NET_RAW. Everything else is as with `openLibpcap`: the filters, the packets, the counts, `stop()`
 * and the errors.
 *
 * With `reusedBatches()`, batches refer to the memory that the kernel writes packets into; each is only valid until the next one
 * is requested.
 *
 * @param device The name of an interface; not `any`.
 * @throws FlowscribeError `capture_unavailable`, also for other link types, `capture_denied`, `no_such_device`, `device_down`,
 *   `invalid_expression` or `capture_failed`, whose messages say what to do; FilterError for `include` and `flows`;
 *   OptionsError. The iteration throws `device_gone` if the interface is removed.
 * @example
 * ```ts
 * const ringBytes = 256 * 1024 * 1024;
 * await using source = await openPacketSocket("eth0", { keepBytes: ringBytes });
 * const recorder = createFlightRecorder(source, { ringBytes, sink: fileSink("/var/captures") });
 * ```
 */
export function openPacketSocket(
  device: string,
  options: PacketSocketOptions = {},
): Promise<PacketSocketSource> {
  return open(device, options);
}
