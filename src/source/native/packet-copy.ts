import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Pointer } from "./libpcap.js";

/** Copies C memory into a JavaScript buffer. */
export type CopyFrom = (target: Uint8Array, source: Pointer, bytes: number) => void;

/** `struct pcap_pkthdr`: a `struct timeval` of two longs, then captured and original length, 32 bits each. */
export interface PacketHeaderLayout {
  /** Offset of the low 32 bits. */
  readonly seconds: number;
  /** Offset of the low 32 bits. */
  readonly fraction: number;
  readonly capturedLength: number;
  readonly originalLength: number;
  readonly size: number;
}

/** Layout of the packet header on this system: a `long` always has 32 bits on Windows. */
export function packetHeaderLayout(koffi: Koffi): PacketHeaderLayout {
  const long = koffi.sizeof("long");
  const low = LITTLE_ENDIAN ? 0 : long - 4;
  return {
    seconds: low,
    fraction: long + low,
    capturedLength: 2 * long,
    originalLength: 2 * long + 4,
    size: 2 * long + 8,
  };
}

/** Binds C's memcpy, to copy from memory that libpcap owns. */
export function bindCopyFrom(koffi: Koffi): CopyFrom {
  const c = koffi.load(process.platform === "win32" ? "msvcrt.dll" : null);
  const memcpy = c.func("void* memcpy(void*, uintptr_t, size_t)") as CopyFrom;
  return (target, source, bytes) => {
    if (bytes > target.length) throw new RangeError(`${bytes} bytes do not fit into ${target.length}`);
    if (bytes > 0) memcpy(target, source, bytes);
  };
}
