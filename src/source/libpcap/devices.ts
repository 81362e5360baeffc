import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { formatIpv4, formatIpv6 } from "../../net/address.js";
import { type Koffi, loadKoffi } from "../native/koffi.js";
import { type Libpcap, loadLibpcap } from "../native/libpcap.js";
import { findDevices } from "../native/pcap-devices.js";

/** A capture device. */
export interface CaptureDevice {
  /** Name to pass to `openLibpcap`. */
  readonly name: string;
  readonly description?: string;
  /** IPv4 and IPv6 addresses, without prefix lengths. */
  readonly addresses: readonly string[];
  readonly loopback: boolean;
  readonly up: boolean;
  readonly running: boolean;
}

// PCAP_IF_… in pcap/pcap.h
const LOOPBACK = 1;
const UP = 2;
const RUNNING = 4;

/**
 * Lists the devices that libpcap can capture from, in its order: the most likely first. Only those of the current
 * network namespace are listed. On Linux, `any` captures from all of them.
 *
 * @throws FlowscribeError `capture_unavailable` if koffi or libpcap is missing, `capture_failed` with libpcap's
 *   message.
 */
export async function listDevices(): Promise<readonly CaptureDevice[]> {
  const koffi = await loadKoffi();
  return readDevices(koffi, loadLibpcap(koffi));
}

/** As {@link listDevices}, with koffi and libpcap already loaded. */
export function readDevices(koffi: Koffi, libpcap: Libpcap): readonly CaptureDevice[] {
  try {
    return findDevices(koffi, libpcap, (address) => familyOf(address) === AF_INET6).map(
      ({ name, description, flags, addresses }) => ({
        name,
        ...(description !== undefined && { description }),
        addresses: addresses.flatMap(formatSocketAddress),
        loopback: (flags & LOOPBACK) !== 0,
        up: (flags & UP) !== 0,
        running: (flags & RUNNING) !== 0,
      }),
    );
  } catch (cause) {
    const text = messageOf(cause);
    throw new FlowscribeError("capture_failed", `listing the devices failed: ${text}`, { cause });
  }
}

const AF_INET = 2;
const AF_INET6 = ((): number => {
  switch (process.platform) {
    case "darwin":
      return 30;
    case "win32":
      return 23;
    case "freebsd":
      return 28;
    case "openbsd":
      return 24;
    default:
      return 10;
  }
})();
/** Offsets in `struct sockaddr_in` and `sockaddr_in6`. */
const IPV4_ADDRESS = 4;
const IPV6_ADDRESS = 8;

/** On BSD, the first byte is the length and the second the family; elsewhere the family has 16 bits. */
function familyOf(socketAddress: Uint8Array): number {
  const [first = 0, second = 0] = socketAddress;
  if (process.platform === "darwin" || process.platform.endsWith("bsd")) return second;
  return Math.max(first, second);
}

function formatSocketAddress(socketAddress: Uint8Array): string[] {
  switch (familyOf(socketAddress)) {
    case AF_INET:
      return [formatIpv4(socketAddress, IPV4_ADDRESS)];
    case AF_INET6:
      return [formatIpv6(socketAddress, IPV6_ADDRESS)];
    default:
      return [];
  }
}
