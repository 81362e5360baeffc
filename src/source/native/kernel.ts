// All system calls that could crash the process: bpf(2), memory maps and related calls. C keeps no address after a
// call, except for the memory maps. Those are released by mapping other memory over them, never by unmapping, so that a
// view that is still referenced stays readable.
import { Bpf } from "./kernel/bpf.js";
import { measureClockOffset } from "./kernel/clock-offset.js";
import { bindLibc, type Descriptor, type Libc } from "./kernel/libc.js";
import { type Memory, MemoryPool } from "./kernel/memory.js";
import { requestRoute } from "./kernel/netlink.js";
import { type Device, readDevice } from "./kernel/network-device.js";
import { PacketSocket } from "./kernel/packet-socket.js";
import type { Koffi } from "./koffi.js";

export type { Descriptor } from "./kernel/libc.js";
export type { Memory } from "./kernel/memory.js";
export type { Device } from "./kernel/network-device.js";
export type { PacketSocket } from "./kernel/packet-socket.js";
export { SystemError } from "./kernel/system-error.js";

const SC_PAGESIZE = 30;

/** The system calls that a capture needs. All throw {@link SystemError}. */
export interface Kernel {
  readonly pageBytes: number;
  /** Creates an array map with one value that can be mapped into memory. */
  createValueMap(name: string, bytes: number): Descriptor;
  /** Creates an array map with one value that is read-only for programs. */
  createConstantMap(name: string, value: Uint8Array): Descriptor;
  /** Creates a hash map that is used as a set of keys. */
  createSetMap(name: string, keyBytes: number, entries: number): Descriptor;
  addKey(map: Descriptor, key: Uint8Array): void;
  deleteKey(map: Descriptor, key: Uint8Array): void;
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
  /** Creates a packet socket of this thread's network namespace. */
  packetSocket(): PacketSocket;
  /** Reserves an address range to map descriptors into. */
  reserveMemory(bytes: number): Memory;
  /** Offset from the monotonic clock to the wall clock, in nanoseconds. */
  clockOffset(): bigint;
}

let bound: Kernel | undefined;

/**
 * Binds the system calls of this machine.
 *
 * @throws FlowscribeError `capture_unavailable` unless the system is Linux on x64 or arm64.
 */
export function bindKernel(koffi: Koffi): Kernel {
  bound ??= createKernel(koffi, bindLibc(koffi));
  return bound;
}

function createKernel(koffi: Koffi, libc: Libc): Kernel {
  const bpf = new Bpf(koffi, libc);
  const memory = new MemoryPool(koffi, libc);
  return {
    pageBytes: Number(libc.sysconf(SC_PAGESIZE)),
    createValueMap: (name, bytes) => bpf.createValueMap(name, bytes),
    createConstantMap: (name, value) => bpf.createConstantMap(name, value),
    createSetMap: (name, keyBytes, entries) => bpf.createSetMap(name, keyBytes, entries),
    addKey: (map, key) => bpf.addKey(map, key),
    deleteKey: (map, key) => bpf.deleteKey(map, key),
    createRingBuffer: (name, bytes) => bpf.createRingBuffer(name, bytes),
    loadProgram: (name, instructions) => bpf.loadProgram(name, instructions),
    attach: (program, device, hook) => bpf.attach(program, device, hook),
    deviceOfLink: (link) => bpf.deviceOfLink(link),
    run: (program, packet, repeat) => bpf.run(program, packet, repeat),
    route: (call, request) => requestRoute(libc, call, request),
    close: (descriptor) => {
      libc.close(descriptor);
    },
    device: (name) => readDevice(libc, name),
    packetSocket: () => PacketSocket.create(koffi),
    reserveMemory: (bytes) => memory.reserve(bytes),
    clockOffset: () => measureClockOffset(libc),
  };
}
