// Blocks as the kernel writes them (TPACKET_V3), and a source that keeps packets in such memory.
import type { PacketInit, PacketSource } from "../../../src/packet/index.js";
import { createSource } from "../../../src/packet/source/create-source.js";
import { BLOCK_HEADER_LENGTH } from "../../../src/source/packet-socket/block-layout.js";
import { BlockQueue } from "../../../src/source/packet-socket/block-queue.js";
import { KeptReader } from "../../../src/source/packet-socket/block-readers.js";
import { ETHERNET } from "../../recorder/packets.js";

/** A packet that the kernel writes. */
export interface MadePacket extends PacketInit {
  /** The VLAN tag that the kernel has removed. */
  readonly vlan?: { readonly tci: number; readonly tpid?: number };
}

/** `TP_STATUS_USER`, `TP_STATUS_VLAN_VALID`, `TP_STATUS_VLAN_TPID_VALID` */
const USER = 1;
const VLAN_VALID = 0x10;
const TPID_VALID = 0x40;
/** From the header of a packet to its Ethernet header: `TPACKET3_HDRLEN`, and the kernel's alignment of the IP header. */
const LINK_HEADER = 82;
const ALIGNMENT = 16;

/** Memory that packets are written to, block by block. */
export class MadeBlocks {
  readonly buffer: ArrayBuffer;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #next = 0;

  constructor(blockBytes: number, blocks: number) {
    this.blockBytes = blockBytes;
    this.blocks = blocks;
    this.buffer = new ArrayBuffer(blockBytes * blocks);
    this.#view = new DataView(this.buffer);
    // What the kernel leaves in its memory must not matter.
    this.#bytes = new Uint8Array(this.buffer).fill(0xee);
    for (let index = 0; index < blocks; index++) this.#view.setUint32(index * blockBytes + 8, 0, true);
  }

  /** The bytes that a packet takes. */
  static sizeOf({ bytes }: MadePacket): number {
    return Math.ceil((LINK_HEADER + bytes.length) / ALIGNMENT) * ALIGNMENT;
  }

  /** Fills the next block with as many of the packets as fit, from an index on. Returns how many; 0 if the block is in use. */
  fill(packets: readonly MadePacket[], from = 0): number {
    const start = this.#next * this.blockBytes;
    if (this.#view.getUint32(start + 8, true) !== 0) return 0;
    let at = BLOCK_HEADER_LENGTH;
    let count = 0;
    let last = at;
    for (const packet of packets.slice(from)) {
      if (at + MadeBlocks.sizeOf(packet) > this.blockBytes) break;
      this.#writePacket(start + at, packet);
      last = at;
      at += MadeBlocks.sizeOf(packet);
      count++;
    }
    if (count > 0) this.#view.setUint32(start + last, 0, true);
    const { seconds = 0, nanoseconds = 0 } = packets[from + count - 1] ?? {};
    for (const [offset, value] of [
      [12, count],
      [16, BLOCK_HEADER_LENGTH],
      [20, at],
      [40, seconds],
      [44, nanoseconds],
      [8, USER],
    ] as const) {
      this.#view.setUint32(start + offset, value, true);
    }
    this.#next = (this.#next + 1) % this.blocks;
    return count;
  }

  #writePacket(at: number, packet: MadePacket): void {
    const { bytes, seconds = 0, nanoseconds = 0, originalLength = bytes.length, vlan } = packet;
    const tpid = vlan?.tpid === undefined ? 0 : TPID_VALID;
    for (const [offset, value] of [
      [0, MadeBlocks.sizeOf(packet)],
      [4, seconds],
      [8, nanoseconds],
      [12, bytes.length],
      [16, originalLength],
      [20, vlan === undefined ? 0 : VLAN_VALID | tpid],
      [32, vlan?.tci ?? 0],
    ] as const) {
      this.#view.setUint32(at + offset, value, true);
    }
    this.#view.setUint16(at + 24, LINK_HEADER, true);
    this.#view.setUint16(at + 36, vlan?.tpid ?? 0, true);
    this.#bytes.set(bytes, at + LINK_HEADER);
  }
}

/** The shape of the memory of {@link keepingSource}. */
export interface KeepingOptions {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly reserve: number;
}

/** A source that keeps packets; the memory is overwritten as soon as the reader needs it no more. */
export interface KeepingSource extends PacketSource {
  /** Whether the reader has closed the memory. */
  readonly isClosed: boolean;
}

/** Yields each list of packets in as many blocks as it takes; an empty list is a block without packets. */
export function keepingSource(
  lists: AsyncIterable<readonly MadePacket[]>,
  { blockBytes, blocks, reserve }: KeepingOptions,
): KeepingSource {
  const made = new MadeBlocks(blockBytes, blocks);
  const queue = new BlockQueue(made.buffer, made);
  const framing = { format: ETHERNET, capturedLength: 262_144, wanted: undefined, keptLength: 262_144 };
  const reader = new KeptReader(queue, framing, () => false);
  const iterator = lists[Symbol.asyncIterator]();
  let list: readonly MadePacket[] = [];
  let filled = 0;
  let dropped = 0;
  let isClosed = false;

  async function next() {
    for (;;) {
      if (filled >= list.length) {
        const result = await iterator.next();
        if (result.done === true) return undefined;
        list = result.value;
        filled = 0;
      }
      const count = made.fill(list, filled);
      if (count === 0) dropped += list.length - filled;
      filled = count === 0 ? list.length : filled + count;
      const block = reader.read();
      if (block !== undefined) return block;
    }
  }

  const source = createSource({
    interfaces: [ETHERNET],
    pull: () => Promise.reject(new TypeError("the packets are kept")),
    dropped: () => dropped,
    keepPackets: (bytes) => {
      if (bytes > (blocks - reserve - 1) * blockBytes) return undefined;
      return {
        format: ETHERNET,
        memory: queue.memory,
        blockBytes,
        blocks,
        reserve,
        recordsBegin: BLOCK_HEADER_LENGTH,
        next,
        frame: (index) => reader.frame(index),
        release: (index) => {
          queue.release(index);
          // The kernel may overwrite it at once; the status stays.
          queue.memory.fill(0xdd, index * blockBytes + BLOCK_HEADER_LENGTH, (index + 1) * blockBytes);
        },
        reclaim: (index) => queue.reclaim(index),
        close: () => {
          isClosed = true;
          queue.memory.fill(0xcc);
        },
      };
    },
  });
  return Object.defineProperty(source, "isClosed", { get: () => isClosed }) as typeof source & KeepingSource;
}
