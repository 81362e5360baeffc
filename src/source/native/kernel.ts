// All system calls that could crash the process: bpf(2), memory maps and related calls. C keeps no address after a
// call, except for the memory maps. Those are released by mapping other memory over them, never by unmapping, so that a
// view that is still referenced stays readable.
import { constants } from "node:os";
import { FlowscribeError } from "../../errors/errors.js";
import type { Koffi } from "./koffi.js";

/** File descriptor of a map, a program or a link. */
export type Descriptor = number;

/** A failed system call. */
export class SystemError extends Error {
  /** Error name, such as `EPERM`. */
  readonly code: string;
  readonly call: string;
  /** The verifier's log for a rejected program; otherwise "". */
  readonly log: string;

  constructor(call: string, errno: number, log = "") {
    const code =
      Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`;
    super(`${call}: ${code}`);
    this.name = "SystemError";
    this.call = call;
    this.code = code;
    this.log = log;
  }
}

/** The system calls that a capture needs. All throw {@link SystemError}. */
export interface Kernel {
  readonly pageBytes: number;
  /** Creates an array map with one value that can be mapped into memory. */
  createValueMap(name: string, bytes: number): Descriptor;
  /** Creates an array map with one value that is read-only for programs. */
  createConstantMap(name: string, value: Uint8Array): Descriptor;
  /** Creates a BPF ring buffer. */
  createRingBuffer(name: string, bytes: number): Descriptor;
  /** Loads a program for the traffic-control hooks. If it is rejected, the error has the verifier's log. */
  loadProgram(name: string, instructions: Uint8Array): Descriptor;
  /** Attaches a program before all others (TCX). Closing the descriptor detaches it, as does the end of the process. */
  attach(program: Descriptor, device: number, hook: "ingress" | "egress"): Descriptor;
  /** Index of the device that a link is attached to; 0 if the device is gone. */
  deviceOfLink(link: Descriptor): number;
  /** Runs a program on a packet. Returns its result and the duration of each run in nanoseconds. */
  run(program: Descriptor, packet: Uint8Array, repeat?: number): { result: number; nanoseconds: number };
  /** Sends an rtnetlink request and returns the response messages. An error response is thrown. */
  route(call: string, request: Uint8Array): readonly Uint8Array[];
  close(descriptor: Descriptor): void;
  device(name: string): Device;
  /** Reserves an address range to map descriptors into. */
  takeMemory(bytes: number): Memory;
  /** Offset from the monotonic clock to the wall clock, in nanoseconds. */
  clockOffset(): bigint;
}

/** A network interface in this network namespace. */
export interface Device {
  readonly index: number;
  /** `ARPHRD_…` in include/uapi/linux/if_arp.h. */
  readonly hardware: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
}

/** An address range that descriptors are mapped into, as one buffer. */
export interface Memory {
  /** For internal use; pass a {@link createView} to callers of this package. */
  readonly buffer: ArrayBuffer;
  /**
   * Another buffer over the same addresses, for batches. If a caller detaches it (`ArrayBuffer.prototype.transfer`, a
   * byte stream), `buffer` stays valid.
   */
  createView(): ArrayBuffer;
  /** Maps a part of a descriptor. `at`, `bytes` and `offset` are multiples of the page size. */
  map(at: number, bytes: number, descriptor: Descriptor, offset: number, access: "read" | "write"): void;
  /** Releases the maps. The buffer then shows other memory, and the address range may be reused. */
  release(): void;
}

// `enum bpf_cmd`, `bpf_map_type`, `bpf_prog_type` and `bpf_attach_type` in include/uapi/linux/bpf.h
const MAP_CREATE = 0;
const MAP_UPDATE_ELEM = 2;
const PROG_LOAD = 5;
const PROG_TEST_RUN = 10;
const OBJ_GET_INFO_BY_FD = 15;
const LINK_CREATE = 28;
const COMMAND_NAMES: Readonly<Record<number, string>> = {
  [MAP_CREATE]: "BPF_MAP_CREATE",
  [MAP_UPDATE_ELEM]: "BPF_MAP_UPDATE_ELEM",
  [PROG_LOAD]: "BPF_PROG_LOAD",
  [PROG_TEST_RUN]: "BPF_PROG_TEST_RUN",
  [OBJ_GET_INFO_BY_FD]: "BPF_OBJ_GET_INFO_BY_FD",
  [LINK_CREATE]: "BPF_LINK_CREATE",
};
const MAP_TYPE_ARRAY = 2;
const MAP_TYPE_RINGBUF = 27;
const PROG_TYPE_SCHED_CLS = 3;
const ATTACH_TYPES = { ingress: 46, egress: 47 } as const;
const F_RDONLY_PROG = 1 << 7;
const F_MMAPABLE = 1 << 10;
/** Attach before all other programs. */
const F_BEFORE = 1 << 3;
const NAME_LENGTH = 15;
const LOG_BYTES = 1 << 22;
/** The verifier returns EAGAIN if a signal is pending for the thread; libbpf retries as often. */
const BPF_ATTEMPTS = 5;

/** System call number of bpf(2) for each supported architecture. */
const BPF_CALL: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };

// asm-generic/mman-common.h
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const SC_PAGESIZE = 30;

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

// linux/netlink.h
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const NETLINK_ROUTE = 0;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_HEADER_BYTES = 16;
const ANSWER_BYTES = 32_768;

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_ATTEMPTS = 20;

interface Libc {
  readonly syscall: (
    number: number,
    command: number,
    attributes: Uint8Array,
    size: number,
  ) => number | bigint;
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
}

let bound: Kernel | undefined;

/**
 * Binds the system calls of this machine.
 *
 * @throws FlowscribeError `capture_unavailable` unless the system is Linux on x64 or arm64.
 */
export function bindKernel(koffi: Koffi): Kernel {
  bound ??= createKernel(koffi, bind(koffi));
  return bound;
}

/** Binds the C functions. A wrong prototype crashes the process: compare each with its type above. */
function bind(koffi: Koffi): Libc {
  if (process.platform !== "linux" || BPF_CALL[process.arch] === undefined) {
    throw new FlowscribeError(
      "capture_unavailable",
      `eBPF capture needs Linux on x64 or arm64, and this is ${process.platform} on ${process.arch}: use flowscribe/source/libpcap`,
    );
  }
  // The C library that Node itself is linked with.
  const library = koffi.load(null);
  // The cast is true if the prototype is, which the type checker cannot verify.
  const get = <F>(prototype: string) => library.func(prototype) as F;
  return {
    // `syscall` is variadic in C; on these architectures integer arguments are passed in the same way.
    syscall: get("long syscall(long, long, void*, long)"),
    close: get("int close(int)"),
    mmap: get("void* mmap(void*, size_t, int, int, int, int64_t)"),
    socket: get("int socket(int, int, int)"),
    send: get("long send(int, void*, size_t, int)"),
    recv: get("long recv(int, void*, size_t, int)"),
    ioctl: get("int ioctl(int, unsigned long, void*)"),
    clock_gettime: get("int clock_gettime(int, void*)"),
    sysconf: get("long sysconf(int)"),
  };
}

/** The attribute struct of bpf(2), written by offset. */
class Attributes {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #koffi: Koffi;
  /** Keeps referenced buffers alive until the call is over, as an address does not. */
  readonly held: ArrayBufferView[] = [];

  constructor(koffi: Koffi, size: number) {
    this.#koffi = koffi;
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  uint32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  pointer(offset: number, target: ArrayBufferView): this {
    this.held.push(target);
    this.#view.setBigUint64(offset, this.#koffi.address(target), true);
    return this;
  }

  name(offset: number, name: string): this {
    this.bytes.set(new TextEncoder().encode(name).subarray(0, NAME_LENGTH), offset);
    return this;
  }

  read(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

function createKernel(koffi: Koffi, libc: Libc): Kernel {
  const bpfCall = BPF_CALL[process.arch] as number;
  const pageBytes = Number(libc.sysconf(SC_PAGESIZE));
  const attributes = (size: number) => new Attributes(koffi, size);

  function bpf(command: number, attribute: Attributes): number {
    let result = -1;
    let errno = 0;
    for (let attempt = 0; result < 0 && attempt < BPF_ATTEMPTS; attempt++) {
      result = Number(libc.syscall(bpfCall, command, attribute.bytes, attribute.bytes.length));
      errno = result < 0 ? koffi.errno() : 0;
      if (errno !== constants.errno.EAGAIN) break;
    }
    attribute.held.length = 0;
    if (result < 0) throw new SystemError(COMMAND_NAMES[command] ?? "bpf", errno);
    return result;
  }

  function createMap(
    type: number,
    keyBytes: number,
    valueBytes: number,
    entries: number,
    flags: number,
    name: string,
  ) {
    return bpf(
      MAP_CREATE,
      attributes(48)
        .uint32(0, type)
        .uint32(4, keyBytes)
        .uint32(8, valueBytes)
        .uint32(12, entries)
        .uint32(16, flags)
        .name(28, name),
    );
  }

  function close(descriptor: number): void {
    libc.close(descriptor);
  }

  function loadProgram(name: string, instructions: Uint8Array): number {
    const license = new TextEncoder().encode("GPL\0");
    const attribute = () =>
      attributes(128)
        .uint32(0, PROG_TYPE_SCHED_CLS)
        .uint32(4, instructions.length / 8)
        .pointer(8, instructions)
        .pointer(16, license)
        .name(48, name);
    try {
      return bpf(PROG_LOAD, attribute());
    } catch (error) {
      // Load without a log first: a log takes time, and overflows for a long program that is valid.
      if (!(error instanceof SystemError) || error.code === "EPERM") throw error;
      const log = new Uint8Array(LOG_BYTES);
      const withLog = attribute().uint32(24, 1).uint32(28, log.length).pointer(32, log);
      try {
        return bpf(PROG_LOAD, withLog);
      } catch (again) {
        if (!(again instanceof SystemError)) throw again;
        const end = log.indexOf(0);
        const text = new TextDecoder("latin1").decode(log.subarray(0, end < 0 ? log.length : end));
        throw new SystemError(again.call, constants.errno[error.code as "EINVAL"] ?? 0, text);
      }
    }
  }

  function device(name: string): Device {
    const request = new Uint8Array(IFREQ_BYTES);
    const view = new DataView(request.buffer);
    const socket = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    if (socket < 0) throw new SystemError("socket", koffi.errno());
    const ask = (call: number) => {
      request.fill(0);
      request.set(new TextEncoder().encode(name).subarray(0, NAME_LENGTH));
      if (libc.ioctl(socket, call, request) < 0) throw new SystemError(`ioctl(${name})`, koffi.errno());
    };
    try {
      ask(SIOCGIFINDEX);
      const index = view.getInt32(IFREQ_VALUE, true);
      ask(SIOCGIFHWADDR);
      const hardware = view.getUint16(IFREQ_VALUE, true);
      ask(SIOCGIFFLAGS);
      const flags = view.getUint16(IFREQ_VALUE, true);
      return { index, hardware, isLoopback: (flags & IFF_LOOPBACK) !== 0, isUp: (flags & IFF_UP) !== 0 };
    } finally {
      close(socket);
    }
  }

  function route(call: string, request: Uint8Array): readonly Uint8Array[] {
    const socket = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
    if (socket < 0) throw new SystemError("socket", koffi.errno());
    try {
      if (Number(libc.send(socket, request, request.length, 0)) < 0)
        throw new SystemError(call, koffi.errno());
      const answers: Uint8Array[] = [];
      while (receiveAnswers(call, socket, answers));
      return answers;
    } finally {
      close(socket);
    }
  }

  /** The response is complete when `send` returns. Returns whether there is more to receive. */
  function receiveAnswers(call: string, socket: number, answers: Uint8Array[]): boolean {
    const buffer = new Uint8Array(ANSWER_BYTES);
    const length = Number(libc.recv(socket, buffer, buffer.length, 0));
    if (length < NLMSG_HEADER_BYTES) throw new SystemError(call, length < 0 ? koffi.errno() : 0);
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
      answers.push(buffer.slice(at, at + size));
      at += (size + 3) & ~3;
    }
    return true;
  }

  /** Released address ranges by length, for reuse. Their buffers may still be referenced. */
  const free = new Map<number, Memory[]>();

  function takeMemory(bytes: number): Memory {
    return free.get(bytes)?.pop() ?? reserveMemory(bytes);
  }

  function mapAt(
    address: bigint | null,
    bytes: number,
    access: number,
    flags: number,
    descriptor: number,
    offset: number,
  ) {
    const result = libc.mmap(address, bytes, access, flags, descriptor, offset);
    if (result === null || result === MAP_FAILED) throw new SystemError("mmap", koffi.errno());
    return result;
  }

  function reserveMemory(bytes: number): Memory {
    const nothing = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    const address = mapAt(null, bytes, PROT_NONE, nothing, -1, 0);
    const memory: Memory = {
      buffer: koffi.view(address, bytes),
      createView: () => koffi.view(address, bytes),
      map: (at, length, descriptor, offset, access) => {
        const protection = access === "write" ? PROT_READ | PROT_WRITE : PROT_READ;
        mapAt(address + BigInt(at), length, protection, MAP_SHARED | MAP_FIXED, descriptor, offset);
      },
      release: () => {
        mapAt(address, bytes, PROT_READ | PROT_WRITE, nothing | MAP_FIXED, -1, 0);
        const others = free.get(bytes);
        if (others === undefined) free.set(bytes, [memory]);
        else others.push(memory);
      },
    };
    return memory;
  }

  const time = new BigInt64Array(2);

  function now(clock: number): bigint {
    libc.clock_gettime(clock, time);
    return time[0]! * 1_000_000_000n + time[1]!;
  }

  return {
    pageBytes,
    createValueMap: (name, bytes) => createMap(MAP_TYPE_ARRAY, 4, bytes, 1, F_MMAPABLE, name),
    createConstantMap: (name, value) => {
      const map = createMap(MAP_TYPE_ARRAY, 4, value.length, 1, F_RDONLY_PROG, name);
      try {
        const key = new Uint8Array(4);
        bpf(MAP_UPDATE_ELEM, attributes(32).uint32(0, map).pointer(8, key).pointer(16, value));
      } catch (error) {
        close(map);
        throw error;
      }
      return map;
    },
    createRingBuffer: (name, bytes) => createMap(MAP_TYPE_RINGBUF, 0, 0, bytes, 0, name),
    loadProgram,
    attach: (program, index, hook) =>
      bpf(
        LINK_CREATE,
        attributes(48).uint32(0, program).uint32(4, index).uint32(8, ATTACH_TYPES[hook]).uint32(12, F_BEFORE),
      ),
    deviceOfLink: (link) => {
      const info = new Uint8Array(64);
      bpf(OBJ_GET_INFO_BY_FD, attributes(16).uint32(0, link).uint32(4, info.length).pointer(8, info));
      return new DataView(info.buffer).getUint32(16, true);
    },
    run: (program, packet, repeat = 1) => {
      const attribute = attributes(80)
        .uint32(0, program)
        .uint32(8, packet.length)
        .pointer(16, packet)
        .uint32(32, repeat);
      bpf(PROG_TEST_RUN, attribute);
      return { result: attribute.read(4) | 0, nanoseconds: attribute.read(36) };
    },
    route,
    close,
    device,
    takeMemory,
    clockOffset: () => {
      let shortest: bigint | undefined;
      let offset = 0n;
      // Use the smallest of several intervals: the wall clock was read near the middle between two monotonic readings.
      for (let attempt = 0; attempt < CLOCK_ATTEMPTS; attempt++) {
        const before = now(CLOCK_MONOTONIC);
        const wall = now(CLOCK_REALTIME);
        const after = now(CLOCK_MONOTONIC);
        if (shortest !== undefined && after - before >= shortest) continue;
        shortest = after - before;
        offset = wall - (before + after) / 2n;
      }
      return offset;
    },
  };
}
