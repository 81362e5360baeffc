import type { PacketBatch } from "../../packet/batch.js";
import type { KeptPackets, PacketBlock } from "../../packet/kept-packets.js";
import { type BatchReader, readBatches } from "../../packet/source/batch-reader.js";
import type { PacketSource } from "../../packet/source.js";
import { BlockRing } from "./block-ring.js";
import type { CaptureRing } from "./capture-ring.js";
import { PacketRing } from "./packet-ring.js";

/** Packets that a source has yielded, and that enter the ring part by part. */
export interface Arrival {
  /** The number of packets of the next part; undefined if there is no other, 0 for a packet that is larger than the ring. */
  part(): number | undefined;
  /** Whether the packets of the ring from `position` on stay when the part is appended. */
  keepsFrom(position: number): boolean;
  /**
   * Appends the part. Returns the position of its first packet; the others follow without gaps.
   *
   * @param arrivalUs The time of packets without one, in microseconds since 1970.
   */
  append(arrivalUs: number): number;
  /** Leaves out a packet that is larger than the ring. */
  skip(): void;
  /** Tests a packet of the part that was appended last: the one with this index in the part, at this position. */
  testAt<T>(index: number, position: number, test: (batch: PacketBatch, index: number) => T): T;
}

/** Reads a source into a ring. */
export interface Intake {
  readonly ring: CaptureRing;
  /** The next packets, valid until the next call; undefined at the end. A promise if the source has to wait. */
  next(): Arrival | undefined | Promise<Arrival | undefined>;
  /** Ends the iteration over the source early. */
  leave(): Promise<void>;
  /** The ring is not read any more. */
  close(): void;
}

/**
 * Creates the ring for a source: in the memory of the source if it can keep that many bytes of packets, otherwise a buffer that
 * packets are copied to.
 *
 * @param onExpired Receives the number of unmarked packets that expire.
 */
export function createIntake(
  source: PacketSource,
  ringBytes: number,
  onExpired: (unmarked: number) => void,
): Intake {
  const kept = source.keepPackets?.(ringBytes);
  if (kept === undefined) return new BatchIntake(source, new PacketRing(ringBytes, onExpired));
  return new BlockIntake(kept, new BlockRing(kept, ringBytes, onExpired));
}

class BatchIntake implements Intake, Arrival {
  readonly ring: PacketRing;
  readonly #source: PacketSource;
  #reader: BatchReader | undefined;
  #batch: PacketBatch | undefined;
  /** The first packet of the part. */
  #index = 0;
  #count = 0;

  constructor(source: PacketSource, ring: PacketRing) {
    this.#source = source;
    this.ring = ring;
  }

  next(): Arrival | undefined | Promise<Arrival | undefined> {
    this.#reader ??= readBatches(this.#source);
    const batch = this.#reader.next();
    return batch instanceof Promise ? batch.then((read) => this.#hold(read)) : this.#hold(batch);
  }

  #hold(batch: PacketBatch | undefined): Arrival | undefined {
    this.#batch = batch;
    this.#index = 0;
    this.#count = 0;
    return batch && this;
  }

  part(): number | undefined {
    this.#index += this.#count;
    this.#count = 0;
    const batch = this.#batch!;
    if (this.#index >= batch.length) return undefined;
    this.#count = this.ring.countFitting(batch, this.#index);
    return this.#count;
  }

  keepsFrom(position: number): boolean {
    return this.ring.keepsFrom(position, this.#batch!, this.#index, this.#count);
  }

  append(arrivalUs: number): number {
    return this.ring.append(this.#batch!, this.#index, this.#count, arrivalUs);
  }

  skip(): void {
    this.#count = 1;
  }

  testAt<T>(index: number, _position: number, test: (batch: PacketBatch, index: number) => T): T {
    return test(this.#batch!, this.#index + index);
  }

  async leave(): Promise<void> {
    await this.#reader?.leave();
  }

  close(): void {}
}

class BlockIntake implements Intake, Arrival {
  readonly ring: BlockRing;
  readonly #kept: KeptPackets;
  #block: PacketBlock | undefined;
  #isAppended = false;
  /** The offsets of the packet that is tested, and of its end. */
  readonly #offsets = new Uint32Array(2);
  /** The packet that is tested, as the first of a batch: the second one begins where it ends. */
  readonly #packet: PacketBatch;

  constructor(kept: KeptPackets, ring: BlockRing) {
    this.#kept = kept;
    this.ring = ring;
    this.#packet = { format: kept.format, length: 2, records: kept.memory, offsets: this.#offsets };
  }

  next(): Arrival | undefined | Promise<Arrival | undefined> {
    const block = this.#kept.next();
    return block instanceof Promise ? block.then((read) => this.#hold(read)) : this.#hold(block);
  }

  #hold(block: PacketBlock | undefined): Arrival | undefined {
    this.#block = block;
    this.#isAppended = false;
    return block && this;
  }

  part(): number | undefined {
    return this.#isAppended ? undefined : this.#block?.length;
  }

  keepsFrom(position: number): boolean {
    return this.ring.keepsFrom(position, this.#block!);
  }

  append(): number {
    this.#isAppended = true;
    return this.ring.append(this.#block!);
  }

  skip(): void {}

  testAt<T>(_index: number, position: number, test: (batch: PacketBatch, index: number) => T): T {
    const { ring } = this;
    const at = ring.offsetOf(position);
    this.#offsets[0] = at;
    this.#offsets[1] = at + ring.lengthAt(position);
    return test(this.#packet, 0);
  }

  leave(): Promise<void> {
    return this.#kept.leave();
  }

  close(): void {
    this.ring.close();
  }
}
