import { sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";

type Batch = readonly EncodedEvent[];

/** The batches that a source has yielded and that are not acknowledged, each with what its broker needs for that. */
export class YieldedBatches<T> {
  readonly #values = new Map<Batch, T>();
  readonly #settled = new AbortController();
  #hasEnded = false;

  get size(): number {
    return this.#values.size;
  }

  add(batch: Batch, value: T): void {
    this.#values.set(batch, value);
  }

  /** What belongs to a batch; undefined if it was not yielded, or is acknowledged already. */
  get(batch: Batch): T | undefined {
    return this.#values.get(batch);
  }

  /** The batch is acknowledged. */
  delete(batch: Batch): void {
    this.#values.delete(batch);
    this.#settle();
  }

  values(): IterableIterator<T> {
    return this.#values.values();
  }

  /** Forgets all batches: they can no longer be acknowledged. */
  clear(): void {
    this.#values.clear();
    this.#settle();
  }

  /**
   * Resolves when the last batch is acknowledged or cleared, at the latest after `waitMs`. No batch may be added afterwards.
   */
  async ended(waitMs: number, clock: Pick<Clock, "setTimer">): Promise<void> {
    this.#hasEnded = true;
    this.#settle();
    await sleep(waitMs, clock, this.#settled.signal);
  }

  #settle(): void {
    if (this.#hasEnded && this.#values.size === 0) this.#settled.abort();
  }
}
