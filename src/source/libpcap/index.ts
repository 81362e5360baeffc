import type { LiveSource } from "../live-source.js";
import { open } from "./open.js";
import type { LibpcapOptions } from "./plan.js";

export { describeSelection } from "../describe-selection.js";
export type { FlowSelection } from "../flow-selection.js";
export type { LiveSource } from "../live-source.js";
export { type CaptureDevice, listDevices } from "./devices.js";
export { compileExpression, type ExpressionOptions } from "./expression/expression.js";
export {
  DEFAULT_BUFFER_BYTES,
  DEFAULT_TIMEOUT_MS,
  type Direction,
  type LibpcapOptions,
} from "./plan.js";

/** A live capture. */
export type LibpcapSource = LiveSource;

/**
 * Captures from a network interface, or on Linux from all of them (`any`), with the system's libpcap. Packets are read
 * only when the iteration requests them: if the reader is slow, the kernel drops and counts packets. The event loop is
 * never blocked, and iterating over a busy interface regularly yields to it.
 *
 * `stop()` yields all received packets, including those still buffered in the kernel, which takes about 50 ms. If an
 * interface goes down and up again, the capture continues. If it is removed, the iteration yields the packets before
 * and then throws `device_gone`.
 *
 * @param device A name as returned by {@link listDevices}.
 * @throws FlowscribeError `capture_unavailable`, `capture_denied`, `no_such_device`, `device_down`,
 *   `invalid_expression` or `capture_failed`, whose messages say what to do; FilterError for `include`; OptionsError.
 */
export function openLibpcap(device: string, options: LibpcapOptions = {}): Promise<LibpcapSource> {
  return open(device, options);
}
