import { Wakeup } from "../async/wakeup.js";

/**
 * Counts of a recording. Bytes are captured bytes without headers. Each packet that matches is either captured or lost
 * in the queue. When the recording has stopped, matched = captured + lost in queue, exactly.
 */
export interface RecordingStats {
  /** Written by the sink. */
  readonly packetsCaptured: number;
  readonly bytesCaptured: number;
  /**
   * Packets that matched but were dropped because the queue to the sink was full. In a failed recording, also packets
   * that the sink had not written, counted in whole batches: the file may contain the first records of the batch whose
   * write failed.
   */
  readonly packetsLostInQueue: number;
  readonly bytesLostInQueue: number;
  /**
   * Packets lost before filtering, whether or not they would have matched: the packets that the source has dropped
   * since the recording began.
   */
  readonly packetsLostInKernel: number;
}

/**
 * Publishes the latest value to any number of readers. Each reader gets the current value, then newer ones as fast as
 * it reads, then the end. Intermediate values may be skipped.
 */
export class Updates<T> implements AsyncIterable<T> {
  readonly #snapshot: () => T;
  #version = 0;
  #ended = false;
  readonly #changed = new Wakeup();

  constructor(snapshot: () => T) {
    this.#snapshot = snapshot;
  }

  /** Notifies the readers of a newer value. */
  changed(): void {
    this.#version++;
    this.#changed.wake();
  }

  end(): void {
    this.#ended = true;
    this.#changed.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let seen = -1; ; ) {
      if (seen !== this.#version) {
        seen = this.#version;
        yield this.#snapshot();
      } else if (this.#ended) {
        return;
      } else {
        await this.#changed.wait();
      }
    }
  }
}
