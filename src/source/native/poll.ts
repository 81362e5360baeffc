import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";

// `struct pollfd { int fd; short events, revents; }` and its bits, the same on Linux, macOS and the BSDs
const POLLFD_BYTES = 8;
const RETURNED_EVENTS = 6;
const POLLERR = 0x08;
const POLLHUP = 0x10;

/**
 * Binds poll(2) to check whether the peer of a pipe or socket has closed it, so that writing would fail with `EPIPE`. A
 * socket whose peer has only stopped sending counts as open.
 *
 * @throws Error if the C library has no `poll` (Windows).
 */
export function bindIsPeerClosed(koffi: Koffi): (descriptor: number) => boolean {
  // The cast is true if the prototype is, which the type checker cannot verify. `nfds_t` has 32 or 64 bits; both are
  // passed in the same register.
  const poll = koffi.load(null).func("int poll(void*, unsigned long, int)") as (
    descriptors: Uint8Array,
    count: number,
    timeoutMs: number,
  ) => number;
  const bytes = new Uint8Array(POLLFD_BYTES);
  const view = new DataView(bytes.buffer);
  return (descriptor) => {
    view.setInt32(0, descriptor, LITTLE_ENDIAN);
    // Request no events: errors and hang-ups are always reported.
    view.setInt32(4, 0, LITTLE_ENDIAN);
    if (poll(bytes, 1, 0) <= 0) return false;
    return (view.getUint16(RETURNED_EVENTS, LITTLE_ENDIAN) & (POLLERR | POLLHUP)) !== 0;
  };
}
