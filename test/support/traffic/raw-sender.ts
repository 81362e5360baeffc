import { type Koffi, loadKoffi } from "../../../src/source/native/koffi.js";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_PACKET = 263;
const PACKET_QDISC_BYPASS = 20;
const SO_SNDBUF = 7;
const SOL_SOCKET = 1;
const ETH_P_IP_BIG_ENDIAN = 0x0008;
/** `struct sockaddr_ll` */
const ADDRESS_LENGTH = 20;
/** `struct mmsghdr` and `struct iovec` on 64-bit machines. */
const MESSAGE_LENGTH = 64;
const VECTOR_LENGTH = 16;
/** Frames in one call. */
const MAX_FRAMES = 64;

interface Functions {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(socket: number, level: number, option: number, value: Uint8Array, length: number): number;
  bind(socket: number, address: Uint8Array, length: number): number;
  if_nametoindex(name: string): number;
  sendmmsg(socket: number, messages: Uint8Array, count: number, flags: number): number;
  close(descriptor: number): number;
}

/** Sends Ethernet frames as they are, through an interface of the thread's network namespace. */
export class RawSender {
  readonly #koffi: Koffi;
  readonly #functions: Functions;
  readonly #socket: number;

  /**
   * Never through the interfaces of the machine itself.
   *
   * @param bypass Past the queue of the interface, which is faster, and not seen by who captures on the sending side.
   */
  static create(koffi: Koffi, device: string, bypass = true): RawSender {
    const functions = bind(koffi);
    const index = functions.if_nametoindex(device);
    if (index === 0 || device.startsWith("eth"))
      throw new Error(`not an interface to send through: ${device}`);
    const socket = functions.socket(AF_PACKET, SOCK_RAW, 0);
    if (socket < 0) throw new Error(`socket failed with ${koffi.errno()}`);
    const on = new Uint8Array(new Int32Array([bypass ? 1 : 0]).buffer);
    functions.setsockopt(socket, SOL_PACKET, PACKET_QDISC_BYPASS, on, 4);
    functions.setsockopt(socket, SOL_SOCKET, SO_SNDBUF, new Uint8Array(new Int32Array([4 << 20]).buffer), 4);
    const address = new Uint8Array(ADDRESS_LENGTH);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(2, ETH_P_IP_BIG_ENDIAN, true);
    view.setInt32(4, index, true);
    if (functions.bind(socket, address, ADDRESS_LENGTH) !== 0) {
      throw new Error(`bind failed with ${koffi.errno()}`);
    }
    return new RawSender(koffi, functions, socket);
  }

  private constructor(koffi: Koffi, functions: Functions, socket: number) {
    this.#koffi = koffi;
    this.#functions = functions;
    this.#socket = socket;
  }

  /** Sends all of them, in their order. */
  send(frames: readonly Uint8Array[]): void {
    for (let start = 0; start < frames.length; start += MAX_FRAMES) {
      const burst = this.prepare(frames.slice(start, start + MAX_FRAMES));
      burst(burst.count);
    }
  }

  /** Up to 64 frames that are sent again and again: the first `count` of them, in one call. */
  prepare(frames: readonly Uint8Array[]): Burst {
    const count = frames.length;
    if (count > MAX_FRAMES) throw new RangeError(`at most ${MAX_FRAMES} frames`);
    const vectors = new Uint8Array(VECTOR_LENGTH * count);
    const messages = new Uint8Array(MESSAGE_LENGTH * count);
    const vectorView = new DataView(vectors.buffer);
    const messageView = new DataView(messages.buffer);
    const vectorsAt = this.#koffi.address(vectors);
    // Own buffers: a view of another buffer has an address within that buffer.
    const held = frames.map((frame) => frame.slice());
    held.forEach((frame, index) => {
      vectorView.setBigUint64(VECTOR_LENGTH * index, this.#koffi.address(frame), true);
      vectorView.setBigUint64(VECTOR_LENGTH * index + 8, BigInt(frame.length), true);
      messageView.setBigUint64(MESSAGE_LENGTH * index + 16, vectorsAt + BigInt(VECTOR_LENGTH * index), true);
      messageView.setBigUint64(MESSAGE_LENGTH * index + 24, 1n, true);
    });
    const send = (wanted: number) => {
      let sent = 0;
      for (let tries = 0; sent < wanted; tries++) {
        const rest = messages.subarray(MESSAGE_LENGTH * sent);
        const result = this.#functions.sendmmsg(this.#socket, rest, wanted - sent, 0);
        if (result > 0) sent += result;
        // A full queue (ENOBUFS) empties by itself; anything else is for good.
        else if (tries > 1_000_000 || this.#koffi.errno() !== ENOBUFS) {
          throw new Error(`sendmmsg failed with ${this.#koffi.errno()}`);
        }
      }
      // The addresses in `messages` do not keep buffers alive; this reference does.
      return held.length + vectors.length;
    };
    return Object.assign(send, { count });
  }

  close(): void {
    this.#functions.close(this.#socket);
  }
}

const ENOBUFS = 105;

/** Sends the first `count` frames. */
export type Burst = ((count: number) => void) & { readonly count: number };

export async function createRawSender(device: string): Promise<RawSender> {
  return RawSender.create(await loadKoffi(), device);
}

function bind(koffi: Koffi): Functions {
  const c = koffi.load(null);
  // `func` returns a function of the given prototype, which types cannot express.
  const func = <F>(prototype: string) => c.func(prototype) as F;
  return {
    socket: func("int socket(int, int, int)"),
    setsockopt: func("int setsockopt(int, int, int, void*, uint32_t)"),
    bind: func("int bind(int, void*, uint32_t)"),
    if_nametoindex: func("uint32_t if_nametoindex(const char*)"),
    sendmmsg: func("int sendmmsg(int, void*, uint32_t, int)"),
    close: func("int close(int)"),
  };
}
