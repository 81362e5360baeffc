/**
 * Counts of a recording. Bytes are captured bytes, without headers. Packets that matched are either captured or lost in
 * the queue: when the recording has stopped, matched = captured + lost in queue, exactly.
 */
export interface RecordingStats {
  /** Taken by the sink. */
  readonly packetsCaptured: number;
  readonly bytesCaptured: number;
  /**
   * Matched, and dropped because the queue to the sink was full; in a failed recording also what the sink had not taken,
   * by whole batches: of the one whose write failed, a file may hold the first records.
   */
  readonly packetsLostInQueue: number;
  readonly bytesLostInQueue: number;
  /** Lost before they could be looked at, matching or not: what the source has dropped since the recording began. */
  readonly packetsLostInKernel: number;
}

/**
 * The latest value for any number of readers: each gets the value there is, then every newer one it is quick enough to
 * see, then the end.
 */
export class Updates<T> implements AsyncIterable<T> {
  readonly #snapshot: () => T;
  #version = 0;
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(snapshot: () => T) {
    this.#snapshot = snapshot;
  }

  /** Says that there is a newer value. */
  changed(): void {
    this.#version++;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let seen = -1; ; ) {
      if (seen !== this.#version) {
        seen = this.#version;
        yield this.#snapshot();
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }
}
