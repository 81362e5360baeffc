import type { Koffi } from "../koffi.js";
import type { Threaded } from "../libpcap.js";
import type { Descriptor } from "./libc.js";
import { SystemError } from "./system-error.js";

// linux/if_packet.h, asm-generic/socket.h; the byte order is that of x64 and arm64
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_ATTACH_FILTER = 26;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const TPACKET_V3 = 2;
const PACKET_MR_PROMISC = 1;
const ETH_P_ALL = 3;

/** `struct sockaddr_ll` */
const ADDRESS_BYTES = 20;
const ADDRESS_PROTOCOL = 2;
const ADDRESS_INDEX = 4;
/** `struct tpacket_stats_v3`: packets, drops and freezes of the queue since the last call, 32 bits each. */
const STATISTICS_BYTES = 12;
const STATISTICS_DROPS = 4;
/** `struct sock_fprog`: a 16-bit count and an aligned pointer. */
const PROGRAM_BYTES = 16;
const INSTRUCTION_BYTES = 8;
/** A frame size, which the kernel only checks: blocks of TPACKET_V3 hold packets of any size. */
const FRAME_BYTES = 2048;

type SetOption = (
  socket: Descriptor,
  level: number,
  option: number,
  value: Uint8Array,
  bytes: number,
) => number;
type GetOption = (
  socket: Descriptor,
  level: number,
  option: number,
  value: Uint8Array,
  bytes: Uint32Array,
) => number;

interface SocketCalls {
  readonly socket: (family: number, type: number, protocol: number) => Descriptor;
  readonly setsockopt: Threaded<SetOption>;
  readonly getsockopt: GetOption;
  readonly bind: Threaded<(socket: Descriptor, address: Uint8Array, bytes: number) => number>;
  readonly getsockname: (socket: Descriptor, address: Uint8Array, bytes: Uint32Array) => number;
  readonly close: Threaded<(socket: Descriptor) => number>;
}

/** The memory that a packet socket shares with this process. */
export interface SocketRing {
  readonly blockBytes: number;
  readonly blocks: number;
  /** How long the kernel fills a block before it delivers it, in milliseconds. */
  readonly timeoutMs: number;
}

/** A packet socket with a ring of version 3 (packet(7), Documentation/networking/packet_mmap.rst). */
export class PacketSocket {
  readonly #koffi: Koffi;
  readonly #calls: SocketCalls;
  readonly descriptor: Descriptor;
  readonly #value = new Uint8Array(ADDRESS_BYTES);
  readonly #view = new DataView(this.#value.buffer);
  readonly #length = new Uint32Array(1);
  #closing: Promise<void> | undefined;

  /** Creates a socket that receives nothing until {@link bind}. @throws SystemError */
  static create(koffi: Koffi): PacketSocket {
    const calls = bindCalls(koffi);
    const descriptor = calls.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) throw new SystemError("socket(AF_PACKET)", koffi.errno());
    return new PacketSocket(koffi, calls, descriptor);
  }

  private constructor(koffi: Koffi, calls: SocketCalls, descriptor: Descriptor) {
    this.#koffi = koffi;
    this.#calls = calls;
    this.descriptor = descriptor;
  }

  /** Sets the classic BPF program that returns how many bytes of a packet to capture. @throws SystemError */
  setFilter(instructions: Uint8Array): void {
    const program = new Uint8Array(PROGRAM_BYTES);
    const view = new DataView(program.buffer);
    view.setUint16(0, instructions.length / INSTRUCTION_BYTES, true);
    view.setBigUint64(8, this.#koffi.address(instructions), true);
    const result = this.#calls.setsockopt(this.#open, SOL_SOCKET, SO_ATTACH_FILTER, program, program.length);
    // The kernel has copied the instructions; until here they must exist.
    if (result < 0 || instructions.length === 0) throw this.#error("SO_ATTACH_FILTER");
  }

  /**
   * Allocates the ring, on a pool thread, as the kernel clears its memory. Map it with `Memory.map`.
   *
   * @throws SystemError
   */
  async allocate({ blockBytes, blocks, timeoutMs }: SocketRing): Promise<void> {
    this.#set("PACKET_VERSION", SOL_PACKET, PACKET_VERSION, words(TPACKET_V3));
    const frames = (blockBytes / FRAME_BYTES) * blocks;
    const request = words(blockBytes, blocks, FRAME_BYTES, frames, timeoutMs, 0, 0);
    await this.#onThread("PACKET_RX_RING", request, (done) =>
      this.#calls.setsockopt.async(this.#open, SOL_PACKET, PACKET_RX_RING, request, request.length, done),
    );
  }

  /** Begins to receive from an interface, on a pool thread, as the kernel may wait. @throws SystemError */
  async bind(index: number, promiscuous: boolean): Promise<void> {
    const address = new Uint8Array(ADDRESS_BYTES);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(ADDRESS_PROTOCOL, ETH_P_ALL);
    view.setInt32(ADDRESS_INDEX, index, true);
    await this.#onThread("bind", address, (done) =>
      this.#calls.bind.async(this.#open, address, address.length, done),
    );
    // `struct packet_mreq`
    if (promiscuous) {
      const request = words(index, PACKET_MR_PROMISC, 0, 0);
      this.#set("PACKET_ADD_MEMBERSHIP", SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
    }
  }

  /** Packets that did not fit since the last call. */
  takeDropped(): number {
    return this.#get(SOL_PACKET, PACKET_STATISTICS, STATISTICS_BYTES)
      ? this.#view.getUint32(STATISTICS_DROPS, true)
      : 0;
  }

  /** Clears the pending error, such as that of an interface that went down; else the socket is always ready. */
  clearError(): void {
    this.#get(SOL_SOCKET, SO_ERROR, 4);
  }

  /** Whether the interface was removed, or moved to another network namespace. */
  isUnbound(): boolean {
    this.#length[0] = ADDRESS_BYTES;
    if (this.#calls.getsockname(this.#open, this.#value, this.#length) < 0) return false;
    return this.#view.getInt32(ADDRESS_INDEX, true) < 0;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Ends receiving, on a pool thread, as the kernel waits for its processors. Mapped memory stays readable. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      try {
        this.#calls.close.async(this.descriptor, () => resolve());
      } catch {
        // koffi has too many pending asynchronous calls: close on this thread instead.
        this.#calls.close(this.descriptor);
        resolve();
      }
    });
    return this.#closing;
  }

  /** The descriptor, for a call: another file may have its number after {@link close}. */
  get #open(): Descriptor {
    if (this.isClosed) throw new TypeError("the socket is closed");
    return this.descriptor;
  }

  #set(name: string, level: number, option: number, value: Uint8Array): void {
    if (this.#calls.setsockopt(this.#open, level, option, value, value.length) < 0) throw this.#error(name);
  }

  #get(level: number, option: number, bytes: number): boolean {
    this.#length[0] = bytes;
    return this.#calls.getsockopt(this.#open, level, option, this.#value, this.#length) === 0;
  }

  async #onThread(
    name: string,
    value: Uint8Array,
    start: (done: (error: unknown, result: number) => void) => void,
  ): Promise<void> {
    held.add(value);
    let errno = 0;
    const result = await new Promise<number>((resolve, reject) => {
      start((error, returned) => {
        errno = this.#koffi.errno();
        if (error === null || error === undefined) resolve(returned);
        else reject(error);
      });
    });
    held.delete(value);
    if (result < 0) throw new SystemError(name, errno);
  }

  #error(call: string): SystemError {
    return new SystemError(call, this.#koffi.errno());
  }
}

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** Keeps values alive while a pool thread reads them. */
const held = new Set<Uint8Array>();

const bound = new WeakMap<Koffi, SocketCalls>();

/** A wrong prototype crashes the process: compare each with its type above. */
function bindCalls(koffi: Koffi): SocketCalls {
  const known = bound.get(koffi);
  if (known !== undefined) return known;
  const library = koffi.load(null);
  // The cast is true if the prototype is, which the type checker cannot verify.
  const get = <F>(prototype: string) => library.func(prototype) as F;
  const calls: SocketCalls = {
    socket: get("int socket(int, int, int)"),
    setsockopt: get("int setsockopt(int, int, int, void*, uint32_t)"),
    getsockopt: get("int getsockopt(int, int, int, void*, void*)"),
    bind: get("int bind(int, void*, uint32_t)"),
    getsockname: get("int getsockname(int, void*, void*)"),
    close: get("int close(int)"),
  };
  bound.set(koffi, calls);
  return calls;
}
