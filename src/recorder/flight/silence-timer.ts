import type { Clock } from "../../async/clock.js";

/** A capture ends if no packet has arrived for this time after the end of its window. */
const SILENCE_MS = 1000;

/** After a wait for a sink that is longer than this, packets are likely to have arrived meanwhile. */
const LONG_WAIT_MS = 100;

/** Notices that no packets arrive after the end of a window, so that a capture does not wait for a later packet. */
export class SilenceTimer {
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  #cancel: (() => void) | undefined;
  #hasPackets = false;
  #isOver = false;
  #isBlocked = false;

  constructor(clock: Clock, onSilence: () => void) {
    this.#clock = clock;
    this.#onSilence = onSilence;
  }

  /** Whether it has run out since the last {@link restart}. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Packets have arrived. */
  notePackets(): void {
    this.#hasPackets = true;
  }

  /** While the recorder waits for a sink, it reads no packets: that is no silence of the source. */
  async while<T>(pending: Promise<T>): Promise<T> {
    const begunMs = this.#clock.now();
    this.#isBlocked = true;
    try {
      return await pending;
    } finally {
      this.#isBlocked = false;
      if (this.#clock.now() - begunMs > LONG_WAIT_MS) this.#hasPackets = true;
    }
  }

  /** @param afterMs How long packets of the window can arrive from now on. */
  restart(afterMs: number): void {
    this.cancel();
    this.#hasPackets = false;
    this.#cancel = this.#clock.setTimer(afterMs + SILENCE_MS, () => this.#check());
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isOver = false;
  }

  #check(): void {
    if (this.#hasPackets || this.#isBlocked) {
      this.#hasPackets = false;
      this.#cancel = this.#clock.setTimer(SILENCE_MS, () => this.#check());
      return;
    }
    this.#cancel = undefined;
    this.#isOver = true;
    this.#onSilence();
  }
}
