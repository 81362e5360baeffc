import type { KeptPackets } from "../../packet/kept-packets.js";

/** The owner of a block that is with the source. */
const FREE = -1;

/** Where records are moved, and the block that receives them. */
export type MoveRecords = (owner: number, from: number, to: number) => void;

/**
 * Which blocks of a source hold packets of the ring. The source fills its blocks in order, over and over, and drops packets
 * if the next one is in use. So the blocks after the one that it has filled last, as many as its reserve, are always free:
 * when it has filled a block, one block more must be free, whose packets move to another if they are still in the ring.
 */
export class BlockSlots {
  readonly #kept: KeptPackets;
  /** The number of the ring's block that each block of the source holds. */
  readonly #owners: Float64Array;

  constructor(kept: KeptPackets) {
    this.#kept = kept;
    this.#owners = new Float64Array(kept.blocks).fill(FREE);
  }

  /** The number of blocks that the ring may use: one more is free, so that packets can move. */
  get capacity(): number {
    return this.#kept.blocks - this.#kept.reserve - 1;
  }

  own(index: number, owner: number): void {
    this.#owners[index] = owner;
  }

  release(index: number): void {
    this.#owners[index] = FREE;
    this.#kept.release(index);
  }

  /** The number of the ring's block that must move when the source has filled a block; undefined if none must. */
  ownerAhead(filled: number): number | undefined {
    const { blocks, reserve } = this.#kept;
    const owner = this.#owners[(filled + reserve) % blocks]!;
    return owner === FREE ? undefined : owner;
  }

  /**
   * Frees the blocks that the source fills next. At most {@link capacity} blocks may be in use.
   *
   * @param filled The block that the source has filled last.
   * @param isUsed Whether its packets are in the ring; otherwise it becomes free.
   * @param move Called when the packets of a block must move.
   */
  advance(filled: number, isUsed: boolean, move: MoveRecords): void {
    const { blocks, reserve } = this.#kept;
    const owner = this.ownerAhead(filled);
    if (owner !== undefined) {
      const ahead = (filled + reserve) % blocks;
      // The source cannot reach the target before the block ahead, which is not released yet.
      const target = this.#findBehind(filled);
      this.#kept.reclaim(target);
      move(owner, ahead, target);
      this.#owners[target] = owner;
      this.release(ahead);
    }
    if (!isUsed) this.release(filled);
  }

  /** The free block that the source reaches last: there is one, as at most {@link capacity} are in use. */
  #findBehind(filled: number): number {
    const { blocks } = this.#kept;
    let index = filled;
    do index = (index + blocks - 1) % blocks;
    while (this.#owners[index] !== FREE);
    return index;
  }
}
