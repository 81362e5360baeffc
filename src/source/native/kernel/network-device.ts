import { NAME_LENGTH } from "./bpf-attributes.js";
import type { Libc } from "./libc.js";
import { SystemError } from "./system-error.js";

/** A network interface in this network namespace. */
export interface Device {
  readonly index: number;
  /** `ARPHRD_…` in include/uapi/linux/if_arp.h. */
  readonly hardware: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
}

// linux/sockios.h, linux/if.h: `struct ifreq` is a 16-byte name and a union
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFREQ_BYTES = 40;
const IFREQ_VALUE = 16;
const IFF_UP = 1;
const IFF_LOOPBACK = 8;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;

/** Reads the properties of a network interface. @throws SystemError */
export function readDevice(libc: Libc, name: string): Device {
  const request = new Uint8Array(IFREQ_BYTES);
  const view = new DataView(request.buffer);
  const socket = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw new SystemError("socket", libc.errno());
  const query = (call: number) => {
    request.fill(0);
    request.set(new TextEncoder().encode(name).subarray(0, NAME_LENGTH));
    if (libc.ioctl(socket, call, request) < 0) throw new SystemError(`ioctl(${name})`, libc.errno());
  };
  try {
    query(SIOCGIFINDEX);
    const index = view.getInt32(IFREQ_VALUE, true);
    query(SIOCGIFHWADDR);
    const hardware = view.getUint16(IFREQ_VALUE, true);
    query(SIOCGIFFLAGS);
    const flags = view.getUint16(IFREQ_VALUE, true);
    return { index, hardware, isLoopback: (flags & IFF_LOOPBACK) !== 0, isUp: (flags & IFF_UP) !== 0 };
  } finally {
    libc.close(socket);
  }
}
