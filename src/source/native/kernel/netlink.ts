import type { Libc } from "./libc.js";
import { SystemError } from "./system-error.js";

// linux/netlink.h
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const NETLINK_ROUTE = 0;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_HEADER_BYTES = 16;
const RESPONSE_BYTES = 32_768;

/**
 * Sends an rtnetlink request and returns the response messages.
 *
 * @param call Name of the request, for errors.
 * @throws SystemError, also for an error response.
 */
export function requestRoute(libc: Libc, call: string, request: Uint8Array): readonly Uint8Array[] {
  const socket = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) throw new SystemError("socket", libc.errno());
  try {
    if (Number(libc.send(socket, request, request.length, 0)) < 0) throw new SystemError(call, libc.errno());
    const messages: Uint8Array[] = [];
    while (receive(libc, call, socket, messages));
    return messages;
  } finally {
    libc.close(socket);
  }
}

/** Adds the received messages. The response is complete when `send` returns. Returns whether there is more to receive. */
function receive(libc: Libc, call: string, socket: number, messages: Uint8Array[]): boolean {
  const buffer = new Uint8Array(RESPONSE_BYTES);
  const length = Number(libc.recv(socket, buffer, buffer.length, 0));
  if (length < NLMSG_HEADER_BYTES) throw new SystemError(call, length < 0 ? libc.errno() : 0);
  const view = new DataView(buffer.buffer);
  for (let at = 0; at + NLMSG_HEADER_BYTES <= length; ) {
    const size = Math.max(view.getUint32(at, true), NLMSG_HEADER_BYTES);
    const type = view.getUint16(at + 4, true);
    if (type === NLMSG_DONE) return false;
    if (type === NLMSG_ERROR) {
      const errno = -view.getInt32(at + NLMSG_HEADER_BYTES, true);
      if (errno !== 0) throw new SystemError(call, errno);
      return false;
    }
    messages.push(buffer.slice(at, at + size));
    at += (size + 3) & ~3;
  }
  return true;
}
