import type { Resolution } from "./record-header.js";

/**
 * A block of a pcapng file that is not a packet, such as a Name Resolution Block. It travels beside the packets of a
 * batch, so that a new pcapng file has it at the same place.
 */
export interface SideBlock {
  /** Index in the batch of the packet that the block precedes; the length of the batch for a block after all packets. */
  readonly before: number;
  /** Block type as numbered in pcapng. */
  readonly type: number;
  /** The block without its type and lengths: little endian, padded to 32 bits. Never changed. */
  readonly body: Uint8Array;
  /** The unit of the times in an Interface Statistics Block. */
  readonly resolution?: Resolution;
}

/** What a pcapng file says besides packets and comments. Absent in batches of other sources. */
export interface PcapngParts {
  /**
   * The options of packets besides comments, by index in the batch: encoded as in a little-endian block, without
   * opt_endofopt. Never changed.
   */
  readonly options?: ReadonlyMap<number, Uint8Array>;
  /** In order of `before`. */
  readonly blocks?: readonly SideBlock[];
}

/** The part of a batch that these functions read and replace; see `PacketBatch`. */
interface WithParts {
  readonly length: number;
  readonly pcapng?: PcapngParts;
}

/** Whether a batch has neither packets nor side blocks, so that nothing is lost if it is dropped. */
export function isEmptyBatch({ length, pcapng }: WithParts): boolean {
  return length === 0 && pcapng?.blocks === undefined;
}

/** Approximate memory of one block or of the options of one packet, besides their bytes. */
const PART_BYTES = 128;

/** The approximate memory of the parts of a batch in bytes. */
export function partsBytes({ pcapng }: WithParts): number {
  if (pcapng === undefined) return 0;
  let bytes = 0;
  for (const { body } of pcapng.blocks ?? []) bytes += PART_BYTES + body.length;
  for (const options of pcapng.options?.values() ?? []) bytes += PART_BYTES + options.length;
  return bytes;
}

/**
 * The parts of the packets from `from` to `to` (exclusive): their options, and the blocks before each of them. The blocks
 * after the last packet of the batch belong to a range that ends there.
 */
export function partsInRange(batch: WithParts, from: number, to: number): Pick<WithParts, "pcapng"> {
  if (batch.pcapng === undefined) return {};
  const { options, blocks } = batch.pcapng;
  const last = to === batch.length ? to : to - 1;
  return partsOf(
    options && entriesOf(options, (index) => (index >= from && index < to ? index - from : undefined)),
    blocks
      ?.filter(({ before }) => before >= from && before <= last)
      .map((block) => ({ ...block, before: block.before - from })),
  );
}

/**
 * The parts of selected packets. All blocks are kept: they may describe any packet.
 *
 * @param kept The indices of the selected packets, ascending; only the first `count` are read.
 */
export function partsOfKept(batch: WithParts, kept: Uint32Array, count: number): Pick<WithParts, "pcapng"> {
  if (batch.pcapng === undefined) return {};
  const { options, blocks } = batch.pcapng;
  const own = options && new Map<number, Uint8Array>();
  for (let target = 0; own !== undefined && target < count; target++) {
    const value = options?.get(kept[target]!);
    if (value !== undefined) own.set(target, value);
  }
  let next = 0;
  return partsOf(
    own,
    blocks?.map((block) => {
      while (next < count && kept[next]! < block.before) next++;
      return { ...block, before: next };
    }),
  );
}

/** Limits of the side blocks in one batch, unless the last one is longer: more are in the next batch. */
const MAX_BATCH_BLOCKS = 4096;
const MAX_BATCH_BLOCK_BYTES = 1024 * 1024;

/** Collects the parts of a batch that is assembled from several. */
export class PartsCollector {
  #options: Map<number, Uint8Array> | undefined;
  #blocks: SideBlock[] | undefined;
  #blockBytes = 0;

  get hasBlocks(): boolean {
    return this.#blocks !== undefined;
  }

  /** Whether to return the batch before more blocks are added, so that its memory is bounded. */
  get isFullOfBlocks(): boolean {
    return (this.#blocks?.length ?? 0) >= MAX_BATCH_BLOCKS || this.#blockBytes >= MAX_BATCH_BLOCK_BYTES;
  }

  clear(): void {
    this.#options = undefined;
    this.#blocks = undefined;
    this.#blockBytes = 0;
  }

  addOptions(index: number, options: Uint8Array): void {
    this.#options ??= new Map();
    this.#options.set(index, options);
  }

  addBlock(block: SideBlock): void {
    this.#blocks ??= [];
    this.#blocks.push(block);
    this.#blockBytes += block.body.length;
  }

  /** Undefined if there are no parts. */
  parts(): PcapngParts | undefined {
    return partsOf(this.#options, this.#blocks).pcapng;
  }
}

function partsOf(
  options: ReadonlyMap<number, Uint8Array> | undefined,
  blocks: readonly SideBlock[] | undefined,
): Pick<WithParts, "pcapng"> {
  const hasOptions = options !== undefined && options.size > 0;
  const hasBlocks = blocks !== undefined && blocks.length > 0;
  if (!hasOptions && !hasBlocks) return {};
  return { pcapng: { ...(hasOptions && { options }), ...(hasBlocks && { blocks }) } };
}

function entriesOf<T>(
  entries: ReadonlyMap<number, T>,
  move: (index: number) => number | undefined,
): Map<number, T> {
  const moved = new Map<number, T>();
  for (const [index, value] of entries) {
    const target = move(index);
    if (target !== undefined) moved.set(target, value);
  }
  return moved;
}
