import type { PacketBatch } from "../../packet/batch.js";
import type { FramedPackets, PacketBlock } from "../../packet/kept-packets.js";
import type { CaptureReader } from "../device/capture.js";
import { checkAttached } from "../native/reused-memory.js";
import { BLOCK_HEADER_LENGTH } from "./block-layout.js";
import type { BlockQueue } from "./block-queue.js";
import { createFramedBlock, type Framing, frameBlock } from "./frame-block.js";

/** Reports whether the interface was removed. */
export type IsGone = () => boolean;

/** What both ways of reading blocks share. */
class BlockReader {
  protected readonly queue: BlockQueue;
  protected readonly framing: Framing;
  protected readonly framed = createFramedBlock();
  readonly #isGone: IsGone;
  drained = true;
  failed = false;
  readBytes = 0;

  constructor(queue: BlockQueue, framing: Framing, isGone: IsGone) {
    this.queue = queue;
    this.framing = framing;
    this.#isGone = isGone;
  }

  /** The next block; undefined if the kernel has filled no block. */
  protected take(): number | undefined {
    const index = this.queue.take();
    // Asked before the last look for packets, which is that of the next call: none follow a removal.
    this.failed = index === undefined && this.#isGone();
    this.drained = !this.queue.isReady;
    this.readBytes = index === undefined ? 0 : this.queue.bytesIn(index);
    return index;
  }

  get isSignalled(): boolean {
    return this.queue.isSignalled;
  }

  protected frameIndex(index: number): void {
    const { memory, view, blockBytes } = this.queue;
    checkAttached(this.framed.offsets);
    frameBlock(memory, view, index * blockBytes, this.framing, this.framed);
  }

  close(): void {}
}

/** Reads each block as a batch, which refers to the kernel's memory and is valid until the next one is read. */
export class BatchReader extends BlockReader implements CaptureReader<PacketBatch> {
  readonly #records: Uint8Array;
  #held: number | undefined;

  /** @param batchMemory Another buffer over the memory of the queue, which batches refer to, as a caller may detach it. */
  constructor(queue: BlockQueue, framing: Framing, isGone: IsGone, batchMemory: ArrayBuffer) {
    super(queue, framing, isGone);
    this.#records = new Uint8Array(batchMemory);
  }

  /** @throws TypeError if the buffer of the previous batch has been transferred. */
  read(): PacketBatch | undefined {
    checkAttached(this.#records);
    this.release();
    this.#held = this.take();
    if (this.#held === undefined) return undefined;
    this.frameIndex(this.#held);
    const { packets, end, offsets } = this.framed;
    if (packets === 0) return undefined;
    const start = this.#held * this.queue.blockBytes;
    return {
      format: this.framing.format,
      length: packets,
      records: this.#records.subarray(start + BLOCK_HEADER_LENGTH, start + end),
      offsets,
    };
  }

  release(): void {
    if (this.#held !== undefined) this.queue.release(this.#held);
    this.#held = undefined;
  }
}

/** Reads blocks as they are, for a reader that keeps them. */
export class KeptReader extends BlockReader implements CaptureReader<PacketBlock> {
  read(): PacketBlock | undefined {
    const { queue } = this;
    const index = this.take();
    if (index === undefined) return undefined;
    const length = queue.packetsIn(index);
    if (this.framing.wanted === undefined && length > 0) {
      const firstUs = queue.firstUs(index);
      const latestUs = Math.max(firstUs, queue.lastUs(index));
      return { index, length, bytes: queue.bytesIn(index), firstUs, latestUs, recordsEnd: undefined };
    }
    const firstUs = length === 0 ? 0 : queue.firstUs(index);
    const { recordsEnd, latestUs } = this.frame(index);
    const { packets } = this.framed;
    if (packets > 0) return { index, length: packets, bytes: recordsEnd, firstUs, latestUs, recordsEnd };
    queue.release(index);
    return undefined;
  }

  /** The reader of kept packets releases them. */
  release(): void {}

  frame(index: number): FramedPackets {
    this.frameIndex(index);
    return { recordsEnd: this.framed.end, latestUs: this.framed.latestUs };
  }
}
