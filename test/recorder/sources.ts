import type { CaptureInterface, PacketSource } from "../../src/packet/index.js";
import { capturedBytes, copyBatch, type PacketBatch, type PacketFormat } from "../../src/packet/index.js";
import { ETHERNET } from "./packets.js";

/** Optional properties of a source. */
export interface SourceTraits {
  readonly stoppable: boolean;
  /** Batches are reused, and overwritten as soon as the next one is requested. */
  readonly reusesBatches: boolean;
  readonly filtered: boolean;
}

/** A source that yields what the test pushes. */
export interface ControlledSource extends PacketSource {
  push(...batches: PacketBatch[]): void;
  end(): void;
  fail(error: unknown): void;
  /** Counts packets as lost in the kernel. */
  drop(count: number): void;
  /** Whether a read is pending. */
  readonly waiting: boolean;
  /** Whether the iteration has ended, by itself or by the reader. */
  readonly left: boolean;
  /** Calls of `stop`. */
  readonly stops: number;
  /** Pushed batches that are not yielded yet. */
  readonly unread: number;
}

const GARBAGE = 0xee;

export function controlledSource(
  { stoppable = true, reusesBatches = false, filtered = false }: Partial<SourceTraits> = {},
  interfaces: readonly CaptureInterface[] = [interfaceOf(ETHERNET)],
): ControlledSource {
  const arrived: PacketBatch[] = [];
  let wake: (() => void) | undefined;
  let end: { readonly failure?: { readonly error: unknown } } | undefined;
  let waiting = false;
  let left = false;
  let stops = 0;
  let received = 0;
  let dropped = 0;

  function finish(how: NonNullable<typeof end>): void {
    end ??= how;
    wake?.();
  }

  async function* read(reuses: boolean): AsyncGenerator<PacketBatch, void, undefined> {
    try {
      for (;;) {
        const batch = arrived.shift();
        if (batch !== undefined) {
          received += batch.length;
          if (!reuses) {
            yield batch;
            continue;
          }
          const reused = copyBatch(batch);
          try {
            yield reused;
          } finally {
            reused.records.fill(GARBAGE);
            reused.offsets.fill(GARBAGE);
          }
        } else if (end !== undefined) {
          if (end.failure !== undefined) throw end.failure.error;
          return;
        } else {
          waiting = true;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          waiting = false;
        }
      }
    } finally {
      left = true;
    }
  }

  return {
    interfaces,
    filtered,
    stats: () => ({ received, dropped }),
    [Symbol.asyncIterator]: () => read(false),
    [Symbol.asyncDispose]: async () => {},
    ...(reusesBatches && { reusedBatches: () => ({ [Symbol.asyncIterator]: () => read(true) }) }),
    ...(stoppable && {
      stop: () => {
        stops++;
        finish({});
      },
    }),
    push: (...batches) => {
      arrived.push(...batches);
      wake?.();
    },
    end: () => finish({}),
    fail: (error) => finish({ failure: { error } }),
    drop: (count) => {
      dropped += count;
    },
    get waiting() {
      return waiting;
    },
    get left() {
      return left;
    },
    get stops() {
      return stops;
    },
    get unread() {
      return arrived.length;
    },
  };
}

export function interfaceOf({ linkType, resolution, snapLength }: PacketFormat): CaptureInterface {
  return { linkType, resolution, snapLength };
}

/** Every combination of traits, named. */
export const SOURCE_KINDS: readonly (SourceTraits & { readonly kind: string })[] = [true, false].flatMap(
  (stoppable) =>
    [true, false].flatMap((reusesBatches) =>
      [true, false].map((filtered) => ({
        kind: [
          stoppable ? "with stop()" : "without stop()",
          reusesBatches && "reusing batches",
          filtered && "filtered",
        ]
          .filter(Boolean)
          .join(", "),
        stoppable,
        reusesBatches,
        filtered,
      })),
    ),
);

/** Captured bytes of several batches. */
export function bytesOf(...batches: readonly PacketBatch[]): number {
  return batches.reduce((sum, batch) => sum + capturedBytes(batch), 0);
}

/** Runs everything that does not wait for a timer, a file or the test. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
