import { copyBatch, type PacketBatch } from "./batch.js";
import { borrowBatches, type CaptureInterface, createSource, type PacketSource } from "./source.js";

/** What becomes of a batch; an empty one is left out. In its own memory where that may be overwritten (`writable`). */
export type BatchStage = (batch: PacketBatch, writable: boolean) => PacketBatch;

/** How a source differs from the one it is made of. */
export interface Derivation {
  readonly stage: BatchStage;
  /** Maps the description of an interface; called when the source adds it, and again when the pass ends. */
  readonly describe?: (own: CaptureInterface) => CaptureInterface;
  /** Default: as the source. */
  readonly filtered?: boolean;
}

/** A source of the batches of another. Disposing of it disposes of the other, too. */
export function deriveSource(
  source: PacketSource,
  { stage, describe, filtered = source.filtered }: Derivation,
): PacketSource {
  const { batches, writable } = borrowBatches(source);
  const described: CaptureInterface[] = [];
  let iterator: AsyncIterator<PacketBatch> | undefined;

  /** Describes the interfaces from this one on: only the new ones while reading, as there may be tens of thousands. */
  function describeFrom(first: number): void {
    if (describe === undefined) return;
    for (let id = first; id < source.interfaces.length; id++)
      described[id] = describe(source.interfaces[id]!);
  }

  async function pull(): Promise<PacketBatch | undefined> {
    iterator ??= batches[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) {
        describeFrom(0);
        return undefined;
      }
      describeFrom(described.length);
      const batch = stage(value, writable);
      if (batch.length > 0) return batch;
    }
  }

  describeFrom(0);
  return createSource({
    interfaces: describe === undefined ? source.interfaces : described,
    filtered,
    pull,
    // What was not lent to us is not ours to lend: a batch that is kept whole is still somebody else's.
    ...(writable && { copy: copyBatch }),
    dropped: () => source.stats().dropped,
    ...(source.stop !== undefined && { stop: () => source.stop?.() }),
    leave: async () => {
      await iterator?.return?.();
      describeFrom(0);
    },
    close: async () => {
      await source[Symbol.asyncDispose]();
    },
  });
}
