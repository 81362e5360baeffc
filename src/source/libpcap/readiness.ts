import type { Koffi, PollHandle } from "../native/koffi.js";

/** How often a capture looks that cannot be waited for (Windows); as long as the kernel keeps packets back. */
const LOOK_INTERVAL_MS = 10;
/** How often it looks whether an interface that went down has since been removed, of which nobody tells. */
const DOWN_INTERVAL_MS = 200;

/** Waits on the event loop until a capture may have something to say. */
export class Readiness {
  readonly #koffi: Koffi;
  readonly #descriptor: number | undefined;
  #poll: PollHandle | undefined;
  /** Once the descriptor has told of an error: the interface went down. */
  #faulty = false;
  #closed = false;
  /** Ends the wait at hand. */
  #wake: (() => void) | undefined;

  /** @param descriptor What to wait on; undefined where there is only looking again and again. */
  constructor(koffi: Koffi, descriptor: number | undefined) {
    this.#koffi = koffi;
    this.#descriptor = descriptor;
  }

  /** Resolves when there may be something, at the latest after `atMostMs`. One wait at a time. */
  async wait(atMostMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    let limitMs = atMostMs;
    if (this.#descriptor === undefined) limitMs = Math.min(limitMs, LOOK_INTERVAL_MS);
    else if (this.#faulty) limitMs = Math.min(limitMs, DOWN_INTERVAL_MS);
    await this.#wait(limitMs, this.#descriptor);
  }

  /** Resolves after this time, unless woken. */
  async sleep(ms: number): Promise<void> {
    await this.#wait(ms, undefined);
  }

  async #wait(limitMs: number, descriptor: number | undefined): Promise<void> {
    if (this.#closed) return;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (limitMs !== Number.POSITIVE_INFINITY) timer = setTimeout(resolve, limitMs);
        if (descriptor !== undefined) this.#start(descriptor, resolve);
      });
    } finally {
      this.#wake = undefined;
      clearTimeout(timer);
      // Else it would call back again and again while packets wait for a slow reader.
      this.#poll?.stop();
    }
  }

  /** Ends the wait at hand. */
  wake(): void {
    this.#wake?.();
  }

  /** Before the descriptor is closed. */
  close(): void {
    this.#closed = true;
    this.#poll?.close();
    this.#poll = undefined;
    this.wake();
  }

  #start(descriptor: number, resolve: () => void): void {
    const callback = (status: number) => {
      if (status < 0) this.#faulty = true;
      // Promises settled in a callback of libuv's are looked at in the next turn of the loop only.
      setImmediate(resolve);
    };
    const events = { readable: true };
    if (this.#poll === undefined) this.#poll = this.#koffi.node.poll(descriptor, events, callback);
    else this.#poll.start(events, callback);
  }
}
