import type { PacketBatch } from "../packet/batch.js";
import type { CaptureInterface, SourceStats } from "../packet/source.js";

/**
 * Encodes batches as the bytes of one capture file. Returned bytes are only valid until the next call. `CaptureWriter`
 * calls the methods in the right order.
 */
export interface CaptureEncoder {
  /** Whether the format has blocks besides packets; a batch that has only such blocks is not encoded otherwise. */
  readonly hasSideBlocks: boolean;
  /** Returns the bytes before the first packet. Called once. */
  begin(first: CaptureInterface): Uint8Array;
  encode(batch: PacketBatch): Uint8Array;
  /** Returns the bytes after the last packet. */
  end(stats: SourceStats): Uint8Array;
  /**
   * Upper bound of the bytes still to be written besides packets: descriptions of new interfaces, and the result of
   * {@link end}.
   */
  pendingBytes(): number;
  /** Maximum number of bytes that a packet takes in the file. */
  packetBytes(batch: PacketBatch, index: number): number;
  /**
   * How many of the first `length` bytes of an encoded chunk are complete records: where to truncate a file after a
   * failed write.
   */
  wholeRecords(chunk: Uint8Array, length: number): number;
}
