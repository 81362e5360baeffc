import { FlowscribeError } from "../../../errors/errors.js";
import type { Koffi } from "../koffi.js";

/** File descriptor of a map, a program, a link or a socket. */
export type Descriptor = number;

/** System call number of bpf(2) for each supported architecture. */
const BPF_CALL: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };

/** The C functions that {@link Kernel} calls, by their C names. */
export interface Libc {
  /** bpf(2), which has no function of its own in C. */
  readonly bpf: (command: number, attributes: Uint8Array, size: number) => number | bigint;
  readonly close: (descriptor: number) => number;
  readonly mmap: (
    address: bigint | null,
    length: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset: number,
  ) => bigint | null;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly send: (socket: number, bytes: Uint8Array, length: number, flags: number) => number | bigint;
  readonly recv: (socket: number, bytes: Uint8Array, length: number, flags: number) => number | bigint;
  readonly ioctl: (descriptor: number, request: number, argument: Uint8Array) => number;
  readonly clock_gettime: (clock: number, time: BigInt64Array) => number;
  readonly sysconf: (name: number) => number | bigint;
  /** The C `errno` of the last call; read it before any other call. */
  readonly errno: () => number;
}

/**
 * Binds the C functions. A wrong prototype crashes the process: compare each with its type above.
 *
 * @throws FlowscribeError `capture_unavailable` unless the system is Linux on x64 or arm64.
 */
export function bindLibc(koffi: Koffi): Libc {
  const bpfCall = BPF_CALL[process.arch];
  if (process.platform !== "linux" || bpfCall === undefined) {
    throw new FlowscribeError(
      "capture_unavailable",
      `this capture needs Linux on x64 or arm64, and this is ${process.platform} on ${process.arch}: use flowscribe/source/libpcap`,
    );
  }
  // The C library that Node itself is linked with.
  const library = koffi.load(null);
  // The cast is true if the prototype is, which the type checker cannot verify.
  const get = <F>(prototype: string) => library.func(prototype) as F;
  // `syscall` is variadic in C; on these architectures integer arguments are passed in the same way.
  const syscall = get<
    (number: number, command: number, attributes: Uint8Array, size: number) => number | bigint
  >("long syscall(long, long, void*, long)");
  return {
    bpf: (command, attributes, size) => syscall(bpfCall, command, attributes, size),
    close: get("int close(int)"),
    mmap: get("void* mmap(void*, size_t, int, int, int, int64_t)"),
    socket: get("int socket(int, int, int)"),
    send: get("long send(int, void*, size_t, int)"),
    recv: get("long recv(int, void*, size_t, int)"),
    ioctl: get("int ioctl(int, unsigned long, void*)"),
    clock_gettime: get("int clock_gettime(int, void*)"),
    sysconf: get("long sysconf(int)"),
    errno: () => koffi.errno(),
  };
}
