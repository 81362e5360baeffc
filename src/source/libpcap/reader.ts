import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import { checkAttached, markReused } from "../native/reused-memory.js";

/** Takes from libpcap what there is, without waiting. */
export interface BatchReader {
  /** Link type as in capture files. */
  readonly linkType: number;
  /** The packets at hand, lent until the next call; undefined when there are none. */
  read(format: PacketFormat): PacketBatch | undefined;
  /** Whether the last call took all that there was. */
  readonly drained: boolean;
  /** Whether the last call met an error, which the handle can tell; what came before it has been returned. */
  readonly failed: boolean;
  close(): void;
}

/** Where the records of a batch begin; grows with the batches, and is reused with them. */
export class Offsets {
  #offsets = markReused(new Uint32Array(4096));

  /** @throws TypeError when a caller has transferred it. */
  get array(): Uint32Array {
    checkAttached(this.#offsets);
    return this.#offsets;
  }

  /** An array with the same offsets and twice the length. */
  grow(): Uint32Array {
    const larger = markReused(new Uint32Array(2 * this.#offsets.length));
    larger.set(this.#offsets);
    this.#offsets = larger;
    return larger;
  }
}
