import { copyBatch, type PacketBatch } from "./batch.js";
import {
  type BatchReader,
  type CaptureInterface,
  createSource,
  type PacketSource,
  type Pull,
  readBatches,
} from "./source.js";

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
  const described: CaptureInterface[] = [];
  const writable = source.borrow !== undefined;
  let reader: BatchReader | undefined;

  /** Describes the interfaces from this one on: only the new ones while reading, as there may be tens of thousands. */
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
      if (staged === undefined || staged.length > 0) return staged;
    }
  }

  /** A loop, as promises that wait for each other would pile up where no packet is kept for long. */
  async function pullOn(from: BatchReader, waiting: Promise<PacketBatch | undefined>) {
    for (let batch = await waiting; ; ) {
      const staged = apply(batch);
      if (staged === undefined || staged.length > 0) return staged;
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
    // What was not lent to us is not ours to lend: a batch that is kept whole is still somebody else's.
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
  });
}
