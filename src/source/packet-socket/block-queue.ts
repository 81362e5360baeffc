import {
  BLOCK_FIRST_PACKET,
  BLOCK_HEADER_LENGTH,
  BLOCK_LAST_TIME,
  BLOCK_LENGTH,
  BLOCK_PACKETS,
  BLOCK_STATUS,
  PACKET_NANOSECONDS,
  PACKET_SECONDS,
  STATUS_KERNEL,
  STATUS_USER,
} from "./block-layout.js";

/** The shape of the memory that the kernel writes packets into. */
export interface BlockLayout {
  readonly blockBytes: number;
  readonly blocks: number;
}

/** The blocks of a packet socket's memory, in the order in which the kernel fills them. */
export class BlockQueue {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly #words: Int32Array;
  /** The block that the kernel fills or has filled next. */
  #next = 0;

  constructor(memory: ArrayBuffer, { blockBytes, blocks }: BlockLayout) {
    this.blockBytes = blockBytes;
    this.blocks = blocks;
    this.memory = new Uint8Array(memory, 0, blockBytes * blocks);
    this.view = new DataView(memory, 0, blockBytes * blocks);
    this.#words = new Int32Array(memory, 0, (blockBytes * blocks) / 4);
  }

  /** Whether {@link take} returns a block. */
  get isReady(): boolean {
    return (Atomics.load(this.#words, this.#statusAt(this.#next)) & STATUS_USER) !== 0;
  }

  /** Whether the block before the next one is released: only then does the kernel report when it has filled the next. */
  get isSignalled(): boolean {
    const last = (this.#next + this.blocks - 1) % this.blocks;
    return Atomics.load(this.#words, this.#statusAt(last)) === STATUS_KERNEL;
  }

  /** The next block that the kernel has filled, which belongs to the reader until {@link release}; undefined if there is none. */
  take(): number | undefined {
    if (!this.isReady) return undefined;
    const index = this.#next;
    this.#next = (index + 1) % this.blocks;
    return index;
  }

  /** Gives a block back to the kernel, which overwrites it. */
  release(index: number): void {
    Atomics.store(this.#words, this.#statusAt(index), STATUS_KERNEL);
  }

  /** Takes a released block that the kernel does not reach before another block of the reader. */
  reclaim(index: number): void {
    Atomics.store(this.#words, this.#statusAt(index), STATUS_USER);
  }

  packetsIn(index: number): number {
    return this.view.getUint32(index * this.blockBytes + BLOCK_PACKETS, true);
  }

  /** The bytes that a block has in use. */
  bytesIn(index: number): number {
    const bytes = this.view.getUint32(index * this.blockBytes + BLOCK_LENGTH, true);
    return Math.min(Math.max(bytes, BLOCK_HEADER_LENGTH), this.blockBytes);
  }

  /** The time of the first packet of a block that has packets and is not framed, in microseconds since 1970. */
  firstUs(index: number): number {
    const start = index * this.blockBytes;
    const header = start + this.view.getUint32(start + BLOCK_FIRST_PACKET, true);
    return this.#timeAt(header + PACKET_SECONDS, header + PACKET_NANOSECONDS);
  }

  /** The time of the last packet of a block that has packets, in microseconds since 1970. */
  lastUs(index: number): number {
    const time = index * this.blockBytes + BLOCK_LAST_TIME;
    return this.#timeAt(time, time + 4);
  }

  #timeAt(seconds: number, nanoseconds: number): number {
    const { view } = this;
    return view.getUint32(seconds, true) * 1_000_000 + Math.floor(view.getUint32(nanoseconds, true) / 1000);
  }

  #statusAt(index: number): number {
    return (index * this.blockBytes + BLOCK_STATUS) / 4;
  }
}
