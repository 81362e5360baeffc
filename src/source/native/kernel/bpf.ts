import { constants } from "node:os";
import type { Koffi } from "../koffi.js";
import { BpfAttributes } from "./bpf-attributes.js";
import type { Descriptor, Libc } from "./libc.js";
import { SystemError } from "./system-error.js";

// `enum bpf_cmd`, `bpf_map_type`, `bpf_prog_type` and `bpf_attach_type` in include/uapi/linux/bpf.h
const MAP_CREATE = 0;
const MAP_UPDATE_ELEM = 2;
const MAP_DELETE_ELEM = 3;
const PROG_LOAD = 5;
const PROG_TEST_RUN = 10;
const OBJ_GET_INFO_BY_FD = 15;
const LINK_CREATE = 28;
const COMMAND_NAMES: Readonly<Record<number, string>> = {
  [MAP_CREATE]: "BPF_MAP_CREATE",
  [MAP_UPDATE_ELEM]: "BPF_MAP_UPDATE_ELEM",
  [MAP_DELETE_ELEM]: "BPF_MAP_DELETE_ELEM",
  [PROG_LOAD]: "BPF_PROG_LOAD",
  [PROG_TEST_RUN]: "BPF_PROG_TEST_RUN",
  [OBJ_GET_INFO_BY_FD]: "BPF_OBJ_GET_INFO_BY_FD",
  [LINK_CREATE]: "BPF_LINK_CREATE",
};
const MAP_TYPE_HASH = 1;
const MAP_TYPE_ARRAY = 2;
const MAP_TYPE_RINGBUF = 27;
const PROG_TYPE_SCHED_CLS = 3;
const ATTACH_TYPES = { ingress: 46, egress: 47 } as const;
const F_NO_PREALLOC = 1;
const F_RDONLY_PROG = 1 << 7;
const F_MMAPABLE = 1 << 10;
/** Attach before all other programs. */
const F_BEFORE = 1 << 3;
const LOG_BYTES = 1 << 22;
/** The verifier returns EAGAIN if a signal is pending for the thread; libbpf retries as often. */
const BPF_ATTEMPTS = 5;

/** The value of each key of a set, which a map must have. */
const SET_VALUE = new Uint8Array(4);

/** The shape of a map. */
interface MapShape {
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entries: number;
  readonly flags: number;
}

/** The commands of bpf(2). */
export class Bpf {
  readonly #koffi: Koffi;
  readonly #libc: Libc;

  constructor(koffi: Koffi, libc: Libc) {
    this.#koffi = koffi;
    this.#libc = libc;
  }

  createValueMap(name: string, bytes: number): Descriptor {
    return this.#createMap(name, {
      type: MAP_TYPE_ARRAY,
      keyBytes: 4,
      valueBytes: bytes,
      entries: 1,
      flags: F_MMAPABLE,
    });
  }

  createConstantMap(name: string, value: Uint8Array): Descriptor {
    const map = this.#createMap(name, {
      type: MAP_TYPE_ARRAY,
      keyBytes: 4,
      valueBytes: value.length,
      entries: 1,
      flags: F_RDONLY_PROG,
    });
    try {
      const key = new Uint8Array(4);
      this.#call(MAP_UPDATE_ELEM, this.#attributes(32).uint32(0, map).pointer(8, key).pointer(16, value));
    } catch (error) {
      this.#libc.close(map);
      throw error;
    }
    return map;
  }

  createSetMap(name: string, keyBytes: number, entries: number): Descriptor {
    return this.#createMap(name, {
      type: MAP_TYPE_HASH,
      keyBytes,
      valueBytes: SET_VALUE.length,
      entries,
      flags: F_NO_PREALLOC,
    });
  }

  addKey(map: Descriptor, key: Uint8Array): void {
    this.#call(MAP_UPDATE_ELEM, this.#attributes(32).uint32(0, map).pointer(8, key).pointer(16, SET_VALUE));
  }

  deleteKey(map: Descriptor, key: Uint8Array): void {
    this.#call(MAP_DELETE_ELEM, this.#attributes(32).uint32(0, map).pointer(8, key));
  }

  createRingBuffer(name: string, bytes: number): Descriptor {
    return this.#createMap(name, {
      type: MAP_TYPE_RINGBUF,
      keyBytes: 0,
      valueBytes: 0,
      entries: bytes,
      flags: 0,
    });
  }

  loadProgram(name: string, instructions: Uint8Array): Descriptor {
    const license = new TextEncoder().encode("GPL\0");
    const attributes = () =>
      this.#attributes(128)
        .uint32(0, PROG_TYPE_SCHED_CLS)
        .uint32(4, instructions.length / 8)
        .pointer(8, instructions)
        .pointer(16, license)
        .name(48, name);
    try {
      return this.#call(PROG_LOAD, attributes());
    } catch (error) {
      // Load without a log first: a log takes time, and overflows for a long program that is valid.
      if (!(error instanceof SystemError) || error.code === "EPERM") throw error;
      return this.#loadWithLog(attributes(), error);
    }
  }

  attach(program: Descriptor, device: number, hook: "ingress" | "egress"): Descriptor {
    return this.#call(
      LINK_CREATE,
      this.#attributes(48)
        .uint32(0, program)
        .uint32(4, device)
        .uint32(8, ATTACH_TYPES[hook])
        .uint32(12, F_BEFORE),
    );
  }

  deviceOfLink(link: Descriptor): number {
    const info = new Uint8Array(64);
    this.#call(
      OBJ_GET_INFO_BY_FD,
      this.#attributes(16).uint32(0, link).uint32(4, info.length).pointer(8, info),
    );
    return new DataView(info.buffer).getUint32(16, true);
  }

  run(program: Descriptor, packet: Uint8Array, repeat = 1): { result: number; nanoseconds: number } {
    const attributes = this.#attributes(80)
      .uint32(0, program)
      .uint32(8, packet.length)
      .pointer(16, packet)
      .uint32(32, repeat);
    this.#call(PROG_TEST_RUN, attributes);
    return { result: attributes.read(4) | 0, nanoseconds: attributes.read(36) };
  }

  #attributes(size: number): BpfAttributes {
    return new BpfAttributes(this.#koffi, size);
  }

  #createMap(name: string, { type, keyBytes, valueBytes, entries, flags }: MapShape): Descriptor {
    return this.#call(
      MAP_CREATE,
      this.#attributes(48)
        .uint32(0, type)
        .uint32(4, keyBytes)
        .uint32(8, valueBytes)
        .uint32(12, entries)
        .uint32(16, flags)
        .name(28, name),
    );
  }

  /** Loads a rejected program again, and throws the first error with the verifier's log. */
  #loadWithLog(attributes: BpfAttributes, firstError: SystemError): Descriptor {
    const log = new Uint8Array(LOG_BYTES);
    try {
      return this.#call(PROG_LOAD, attributes.uint32(24, 1).uint32(28, log.length).pointer(32, log));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const end = log.indexOf(0);
      const text = new TextDecoder("latin1").decode(log.subarray(0, end < 0 ? log.length : end));
      // True for every code that Node knows, and 0 for the others.
      throw new SystemError(error.call, constants.errno[firstError.code as "EINVAL"] ?? 0, text);
    }
  }

  #call(command: number, attributes: BpfAttributes): number {
    let result = -1;
    let errno = 0;
    for (let attempt = 0; result < 0 && attempt < BPF_ATTEMPTS; attempt++) {
      result = Number(this.#libc.bpf(command, attributes.bytes, attributes.bytes.length));
      errno = result < 0 ? this.#libc.errno() : 0;
      if (errno !== constants.errno.EAGAIN) break;
    }
    attributes.held.length = 0;
    if (result < 0) throw new SystemError(COMMAND_NAMES[command] ?? "bpf", errno);
    return result;
  }
}
