import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";

// `struct pollfd { int fd; short events, revents; }` and its bits, the same on Linux, macOS and the BSDs
const POLLFD_BYTES = 8;
const RETURNED_EVENTS = 6;
const POLLERR = 0x08;
const POLLHUP = 0x10;

/**
 * poll(2): whether the other end of a pipe or socket is closed, so that writing would fail with `EPIPE`. A socket whose other end has only
 * stopped sending is open.
 *
 * @throws Error where the C library has no `poll` (Windows).
 */
export function bindIsPeerClosed(koffi: Koffi): (descriptor: number) => boolean {
  // What `func` returns is what its prototype says, which no type can tell. `nfds_t` is 32 or 64 bits; registers hold both alike.
  const poll = koffi.load(null).func("int poll(void*, unsigned long, int)") as (
    descriptors: Uint8Array,
    count: number,
    timeoutMs: number,
  ) => number;
  const bytes = new Uint8Array(POLLFD_BYTES);
  const view = new DataView(bytes.buffer);
  return (descriptor) => {
    view.setInt32(0, descriptor, LITTLE_ENDIAN);
    // Errors and hang-ups are always reported.
    view.setInt32(4, 0, LITTLE_ENDIAN);
    if (poll(bytes, 1, 0) <= 0) return false;
    return (view.getUint16(RETURNED_EVENTS, LITTLE_ENDIAN) & (POLLERR | POLLHUP)) !== 0;
  };
}
