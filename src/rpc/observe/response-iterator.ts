import { Serial } from "../../async/serial.js";
import type { GetFlowsResponse } from "../../gen/observer/observer_pb.js";

/** Iterates over single responses. A class, because a generator within a generator takes several turns for each. */
export class ResponseIterator implements AsyncIterator<GetFlowsResponse, undefined> {
  readonly #batches: AsyncIterableIterator<GetFlowsResponse[]>;
  readonly #reads = new Serial();
  #batch: GetFlowsResponse[] = [];
  #at = 0;

  constructor(batches: AsyncIterableIterator<GetFlowsResponse[]>) {
    this.#batches = batches;
  }

  async next(): Promise<IteratorResult<GetFlowsResponse, undefined>> {
    if (this.#at < this.#batch.length && this.#reads.isIdle) return this.#take();
    return this.#reads.run(async () => {
      if (this.#at === this.#batch.length) {
        const { done, value } = await this.#batches.next();
        if (done === true) return { done, value: undefined };
        this.#batch = value;
        this.#at = 0;
      }
      return this.#take();
    });
  }

  #take(): IteratorResult<GetFlowsResponse, undefined> {
    return { done: false, value: this.#batch[this.#at++]! };
  }

  async return(): Promise<IteratorResult<GetFlowsResponse, undefined>> {
    this.#batch = [];
    this.#at = 0;
    await this.#batches.return?.();
    return { done: true, value: undefined };
  }
}
