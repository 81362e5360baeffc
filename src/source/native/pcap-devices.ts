import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Libpcap, Pointer } from "./libpcap.js";

/** One entry of `pcap_findalldevs`, copied from C memory. */
export interface RawDevice {
  readonly name: string;
  readonly description: string | undefined;
  /** `PCAP_IF_…` */
  readonly flags: number;
  /** Each a `struct sockaddr` of at most {@link SOCKET_ADDRESS_LENGTH} bytes. */
  readonly addresses: readonly Uint8Array[];
}

/** The part of a `struct sockaddr_in6` that contains the address. `sockaddr_in` is shorter. */
export const SOCKET_ADDRESS_LENGTH = 24;
/** `struct sockaddr_in` */
const SHORT_ADDRESS_LENGTH = 16;
/** Limits the walk over the linked list, in case it is corrupt. */
const MAX_DEVICES = 65_536;
const ERROR_LENGTH = 256;

/**
 * Lists the devices that libpcap finds in this network namespace.
 *
 * @param isLong Whether an address is longer than the first 16 bytes, which are its argument.
 * @throws Error with libpcap's message.
 */
export function findDevices(
  koffi: Koffi,
  libpcap: Libpcap,
  isLong: (socketAddress: Uint8Array) => boolean,
): RawDevice[] {
  const first = new BigUint64Array(1);
  const error = new Uint8Array(ERROR_LENGTH);
  if (libpcap.findalldevs(first, error) !== 0) {
    throw new Error(new TextDecoder().decode(error.subarray(0, error.indexOf(0))));
  }
  const list = first[0]!;
  const devices: RawDevice[] = [];
  try {
    const read = structReader(koffi);
    // struct pcap_if { next, name, description, addresses: pointers; flags: 32 bits }
    for (let at = list; at !== 0n && devices.length < MAX_DEVICES; at = read.pointer(at, 0)) {
      const description = read.pointer(at, 2);
      devices.push({
        name: koffi.decode.string(read.pointer(at, 1)),
        description: description === 0n ? undefined : koffi.decode.string(description),
        flags: read.uint32(at, 4),
        addresses: readAddresses(koffi, read, read.pointer(at, 3), isLong),
      });
    }
  } finally {
    if (list !== 0n) libpcap.freealldevs(list);
  }
  return devices;
}

/** `struct pcap_addr { next, address, netmask, broadcast, destination: pointers }` */
function readAddresses(
  koffi: Koffi,
  read: StructReader,
  first: Pointer,
  isLong: (socketAddress: Uint8Array) => boolean,
): Uint8Array[] {
  const addresses: Uint8Array[] = [];
  for (let at = first; at !== 0n && addresses.length < MAX_DEVICES; at = read.pointer(at, 0)) {
    const address = read.pointer(at, 1);
    if (address === 0n) continue;
    const short = new Uint8Array(koffi.view(address, SHORT_ADDRESS_LENGTH)).slice();
    addresses.push(
      isLong(short) ? new Uint8Array(koffi.view(address, SOCKET_ADDRESS_LENGTH)).slice() : short,
    );
  }
  return addresses;
}

interface StructReader {
  /** Reads the pointer at an index, counted in members of pointer size. */
  pointer(struct: Pointer, index: number): Pointer;
  uint32(struct: Pointer, index: number): number;
}

function structReader(koffi: Koffi): StructReader {
  const size = koffi.sizeof("void*");
  const member = (struct: Pointer, index: number, bytes: number) =>
    new DataView(koffi.view(struct + BigInt(index * size), bytes));
  return {
    pointer: (struct, index) => {
      const view = member(struct, index, size);
      return size === 8 ? view.getBigUint64(0, LITTLE_ENDIAN) : BigInt(view.getUint32(0, LITTLE_ENDIAN));
    },
    uint32: (struct, index) => member(struct, index, 4).getUint32(0, LITTLE_ENDIAN),
  };
}
