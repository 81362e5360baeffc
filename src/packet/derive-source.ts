import { copyBatch, type PacketBatch } from "./batch.js";
import { isEmptyBatch } from "./side-blocks.js";
import { type BatchReader, type Pull, readBatches } from "./source/batch-reader.js";
import { createSource } from "./source/create-source.js";
import type { CaptureInterface, PacketSource } from "./source.js";

/**
 * Transforms a batch; a result without packets and side blocks is skipped. If `writable`, the stage may overwrite the
 * memory of the batch and return it.
 */
export type BatchStage = (batch: PacketBatch, writable: boolean) => PacketBatch;

/** How a derived source differs from its original. */
export interface Derivation {
  readonly stage: BatchStage;
  /** Maps the description of an interface; called when the source adds it, and again when the iteration ends. */
  readonly describe?: (own: CaptureInterface) => CaptureInterface;
  /** Default: the value of the source. */
  readonly filtered?: boolean;
}

/** Creates a source that yields the transformed batches of another. Disposing of it disposes of the other as well. */
export function deriveSource(
  source: PacketSource,
  { stage, describe, filtered = source.filtered }: Derivation,
): PacketSource {
  const described: CaptureInterface[] = [];
  const writable = source.reusedBatches !== undefined;
  let reader: BatchReader | undefined;

  /**
   * Describes the interfaces from `first` on: while reading, only the new ones, since there may be tens of thousands.
   */
  function describeFrom(first: number): void {
    if (describe === undefined) return;
    for (let id = first; id < source.interfaces.length; id++)
      described[id] = describe(source.interfaces[id]!);
  }

  function pull(): ReturnType<Pull> {
    reader ??= readBatches(source);
    for (;;) {
      const batch = reader.next();
      if (batch instanceof Promise) return pullOn(reader, batch);
      const staged = apply(batch);
      if (staged === undefined || !isEmptyBatch(staged)) return staged;
    }
  }

  /** A loop, not a recursion: a chain of promises would grow while the stage drops every packet. */
  async function pullOn(from: BatchReader, waiting: Promise<PacketBatch | undefined>) {
    for (let batch = await waiting; ; ) {
      const staged = apply(batch);
      if (staged === undefined || !isEmptyBatch(staged)) return staged;
      const next = from.next();
      batch = next instanceof Promise ? await next : next;
    }
  }

  function apply(batch: PacketBatch | undefined): PacketBatch | undefined {
    describeFrom(batch === undefined ? 0 : described.length);
    return batch === undefined ? undefined : stage(batch, writable);
  }

  describeFrom(0);
  return createSource({
    interfaces: describe === undefined ? source.interfaces : described,
    filtered,
    pull,
    // Without `reusedBatches` on the source its batches must not be overwritten, and a stage may return them unchanged.
    ...(writable && { copy: copyBatch }),
    dropped: () => source.stats().dropped,
    ...(source.stop !== undefined && { stop: () => source.stop?.() }),
    leave: async () => {
      await reader?.leave();
      describeFrom(0);
    },
    close: async () => {
      await source[Symbol.asyncDispose]();
    },
    triggered: source.triggered,
  });
}
