import { copyBatch, type PacketBatch } from "./batch.js";
import { borrowBatches, type CaptureInterface, createSource, type PacketSource } from "./source.js";

/** What becomes of a batch; an empty one is left out. In its own memory where that may be overwritten (`writable`). */
export type BatchStage = (batch: PacketBatch, writable: boolean) => PacketBatch;

/** How a source differs from the one it is made of. */
export interface Derivation {
  readonly stage: BatchStage;
  /** What becomes of an interface's description; asked again when there are more of them, and at the end. */
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
  const interfaces = describe === undefined ? source.interfaces : source.interfaces.map(describe);
  let iterator: AsyncIterator<PacketBatch> | undefined;

  async function pull(): Promise<PacketBatch | undefined> {
    iterator ??= batches[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await iterator.next();
      if (describe !== undefined && (done === true || source.interfaces.length > interfaces.length)) {
        // Its counts may have come, too.
        Object.assign(interfaces, source.interfaces.map(describe));
      }
      if (done === true) return undefined;
      const batch = stage(value, writable);
      if (batch.length > 0) return batch;
    }
  }

  return createSource({
    interfaces,
    filtered,
    pull,
    // What was not lent to us is not ours to lend: a batch that is kept whole is still somebody else's.
    ...(writable && { copy: copyBatch }),
    dropped: () => source.stats().dropped,
    ...(source.stop !== undefined && { stop: () => source.stop?.() }),
    leave: async () => {
      await iterator?.return?.();
    },
    close: async () => {
      await source[Symbol.asyncDispose]();
    },
  });
}
