import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import { checkAttached, markReused } from "../native/reused-memory.js";

/** Reads available packets from libpcap without waiting. */
export interface BatchReader {
  /** Link type as in capture files. */
  readonly linkType: number;
  /** Returns the available packets, valid until the next call; undefined if there are none. */
  read(format: PacketFormat): PacketBatch | undefined;
  /** Whether the last call read all available packets. */
  readonly drained: boolean;
  /** Whether the last call failed; the handle has the error text. Packets before the error have been returned. */
  readonly failed: boolean;
  close(): void;
}

/** Offsets of the records in a batch. The array grows as needed and is reused for each batch. */
export class Offsets {
  #offsets = markReused(new Uint32Array(4096));

  /** @throws TypeError if a caller has transferred the array. */
  get array(): Uint32Array {
    checkAttached(this.#offsets);
    return this.#offsets;
  }

  /** Returns an array with the same offsets and twice the length. */
  grow(): Uint32Array {
    const larger = markReused(new Uint32Array(2 * this.#offsets.length));
    larger.set(this.#offsets);
    this.#offsets = larger;
    return larger;
  }
}
