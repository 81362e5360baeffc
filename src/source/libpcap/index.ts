import { type LibpcapOptions, type LibpcapSource, open } from "./open.js";

export type { LiveSource } from "../live-source.js";
export { type CaptureDevice, listDevices } from "./devices.js";
export { compileExpression, type ExpressionOptions } from "./expression.js";
export {
  DEFAULT_BUFFER_BYTES,
  DEFAULT_TIMEOUT_MS,
  type Direction,
  type LibpcapOptions,
  type LibpcapSource,
} from "./open.js";

/**
 * Captures from a network interface, or on Linux from all of them (`any`), by the system's libpcap. Packets are read where
 * the iteration is: a slow reader makes the kernel drop, which is counted. The event loop is never blocked, and a loop over
 * a busy interface leaves others their turn.
 *
 * `stop()` hands out what had arrived, what the kernel still keeps back included, which takes some 50 ms. An interface that
 * goes down and comes up again is captured on; one that is removed ends the iteration with `device_gone`, after the
 * packets before it.
 *
 * @param device As {@link listDevices} names it.
 * @throws FlowscribeError `capture_unavailable`, `capture_denied`, `no_such_device`, `device_down`, `invalid_expression` or
 *   `capture_failed`, whose messages say what to do; FilterError for `include`; OptionsError.
 */
export function openLibpcap(device: string, options: LibpcapOptions = {}): Promise<LibpcapSource> {
  return open(device, options);
}
