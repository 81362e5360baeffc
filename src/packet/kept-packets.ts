import type { PacketFormat } from "./batch.js";

/** Consecutive packets in the memory of a source. */
export interface PacketBlock {
  /** Which block of the memory: it begins at `index * blockBytes`. */
  readonly index: number;
  /** The number of its packets; at least 1. */
  readonly length: number;
  /** The bytes in use from the start of the block. Its records are not longer than that. */
  readonly bytes: number;
  /** The time of its first packet, in microseconds since 1970. */
  readonly firstUs: number;
  /** The time of its last packet, or a later one of another of its packets, in microseconds since 1970. */
  readonly latestUs: number;
  /** The offset in the block after its last record; undefined until {@link KeptPackets.frame}. */
  readonly recordsEnd: number | undefined;
}

/** What a reader learns when a block is framed. */
export interface FramedPackets {
  /** The offset in the block after its last record. */
  readonly recordsEnd: number;
  /** The latest time of its packets, in microseconds since 1970. */
  readonly latestUs: number;
}

/**
 * Packets that stay in the memory of their source, in blocks, until the reader releases them: nothing is copied, and
 * nothing is read of a packet that nobody needs.
 *
 * The source fills the blocks in the order of their index, and begins again after the last one. It drops packets while
 * the next block is not released. The reader may use a block that it has read in any way until it releases it. A source
 * whose last block is released can wait for the next one without a timer.
 */
export interface KeptPackets {
  /** The format of all packets. */
  readonly format: PacketFormat;
  /** All blocks, one after the other. Must not be used after {@link close}. */
  readonly memory: Uint8Array;
  readonly blockBytes: number;
  readonly blocks: number;
  /** How many released blocks the source needs after the one that was read last, so that it drops no packets. At least 1. */
  readonly reserve: number;
  /** The offset in a block of its first record, once it is framed. */
  readonly recordsBegin: number;
  /** The next block; undefined at the end, or a promise if the source has to wait. Must not be called while one is pending. */
  next(): PacketBlock | undefined | Promise<PacketBlock | undefined>;
  /** Turns the packets of a block into pcap records without gaps, in place. Must be called once for a block at most. */
  frame(index: number): FramedPackets;
  /** Returns a block to the source, which then overwrites it. */
  release(index: number): void;
  /**
   * Takes a block back that was released. Only for a block that the source does not reach before one that is not
   * released.
   */
  reclaim(index: number): void;
  /** Ends the iteration early. */
  leave(): Promise<void>;
  /** The reader needs the memory no more. The source may have ended or be closed long before; then the memory is freed now. */
  close(): void;
}
